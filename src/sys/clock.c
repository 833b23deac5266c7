/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time: monotonic seconds and RFC 3339 stamps. */
#include "sys/clock.h"

#include <stdio.h>

double clock_mono(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

const char *clock_stamp(char *buf, struct timespec when)
{
	struct tm tm;

	if (!gmtime_r(&when.tv_sec, &tm))
		tm = (struct tm){ .tm_mday = 1, .tm_year = 70 };
	size_t n = strftime(buf, CLOCK_STAMP_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, CLOCK_STAMP_LEN - n, ".%03uZ",
		 (unsigned)(when.tv_nsec / 1000000) % 1000);
	return buf;
}

const char *clock_now(char *buf)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return clock_stamp(buf, ts);
}
