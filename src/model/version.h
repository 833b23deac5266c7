/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debian version order (Debian Policy 5.6.12): <0, 0, >0. Any strings may be compared. */
#pragma once

int version_compare(const char *a, const char *b);
