/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time: a monotonic clock in seconds and RFC 3339 stamps in UTC. */
#pragma once

#include <stddef.h>
#include <time.h>

double clock_mono(void);
#define CLOCK_STAMP_LEN 32
/* "2026-11-23T05:41:00.123Z" into buf[CLOCK_STAMP_LEN]; returns buf. */
const char *clock_stamp(char *buf, struct timespec when);
const char *clock_now(char *buf);
