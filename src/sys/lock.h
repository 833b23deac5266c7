/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File locks (OFD locks): gone when the holder dies. */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* Returns the descriptor to close, or -1. `wait_s` 0: try once; held by another: ERR_LOCKED naming its pid. */
int lock_file(const char *path, unsigned wait_s, struct err *err) _must_check_;
