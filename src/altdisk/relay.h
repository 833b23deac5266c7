/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes between our standard streams and a connection. */
#pragma once

#include "base/err.h"

/* Until standard input ends, the connection does, or nobody reads standard output; ERR_CANCELLED on a signal. */
int relay_run(int fd, struct err *err) _must_check_;
