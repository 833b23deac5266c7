/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes between two connections. */
#pragma once

#include "base/err.h"

/*
 * Between what is read from `in` and written to `out` (they may be one socket) and the connection `fd`, until one of them
 * ends or nobody reads; ERR_CANCELLED on a signal. Several threads may do so at once.
 */
int relay_run(int in, int out, int fd, struct err *err) _must_check_;
/* Seconds since any of them last moved a byte. */
double relay_idle(void);
