/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting a thread that leaves signals to others. */
#include "sys/thread.h"

#include <errno.h>
#include <signal.h>

int thread_start(pthread_t *ret, void *(*run)(void *arg), void *arg)
{
	sigset_t all, before;
	pthread_t thread;

	/* a thread begins with its maker's mask: so it has no moment without */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		errno = rc;
		return -1;
	}
	if (ret)
		*ret = thread;
	else
		pthread_detach(thread);
	return 0;
}
