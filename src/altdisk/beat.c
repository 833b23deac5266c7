/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that looks at the processor time of the others, and whether anybody still listens. */
#include "altdisk/beat.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/parse.h"
#include "sys/thread.h"

#define INTERVAL_MAX 3600u
/* Who only wakes up to look at a clock needs less in a second. */
#define WORK_US_PER_S 400u

static unsigned interval;

static uint64_t used_by(int who)
{
	struct rusage u = { 0 };

	getrusage(who, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* false: nobody reads what we say any more. */
static bool is_heard(unsigned seconds)
{
	struct pollfd p = { .fd = STDERR_FILENO };
	int rc = poll(&p, 1, (int)seconds * 1000);

	if (rc < 0)
		sleep(seconds);
	return rc <= 0;
}

static void *beat(void *arg)
{
	uint64_t before = 0;

	for (;;) {
		if (!is_heard(interval)) {
			kill(getpid(), SIGHUP);
			return NULL;
		}
		uint64_t now = used_by(RUSAGE_SELF) - used_by(RUSAGE_THREAD) +
			       used_by(RUSAGE_CHILDREN);
		if (now >= before + (uint64_t)WORK_US_PER_S * interval)
			fputc('\n', stderr);
		before = now;
	}
	return NULL;
}

unsigned beat_interval(void)
{
	return interval;
}

void beat_start(void)
{
	const char *text = getenv("NIMADM_BEAT");
	uint64_t seconds = 0;

	if (!text || parse_u64(text, &seconds, NULL) < 0 || seconds == 0 ||
	    seconds > INTERVAL_MAX)
		return;
	interval = (unsigned)seconds;
	/* without it the work is done all the same, if a master's patience lasts */
	thread_start(NULL, beat, NULL);
}
