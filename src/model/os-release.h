/* SPDX-License-Identifier: GPL-2.0-or-later */
/* os-release(5): which system this is. */
#pragma once

#include "base/attr.h"

/* The value of a key such as "VERSION_CODENAME", without quotes; malloc'd, "" where there is none. */
char *os_release_get(const char *text, const char *key) _must_check_;
