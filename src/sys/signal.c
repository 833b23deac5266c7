/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cancellation: a flag and an eventfd that stays readable. */
#include "sys/signal.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>

/* No signal's number. */
#define BECAUSE (-1)

static volatile sig_atomic_t signalled;
static int event_fd = -1;
/* Written once, before `signalled` says so. */
static struct err reason;

/* Runs in signal context: nothing but a store and a write. */
static void on_signal(int signo)
{
	static const uint64_t one = 1;
	int saved = errno;

	signalled = signo;
	if (event_fd >= 0) {
		ssize_t n = write(event_fd, &one, sizeof(one));
		(void)n; /* full means readable, which is all that is wanted */
	}
	errno = saved;
}

void cancel_install(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	if (event_fd < 0)
		event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct sigaction old,
			action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
		sigemptyset(&action.sa_mask);
		/* nohup and background shells ignore signals for us: that stays so. */
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
}

bool cancel_requested(void)
{
	return signalled != 0;
}

void cancel_request(int signo)
{
	on_signal(signo);
}

void cancel_because(const struct err *why)
{
	if (signalled != 0)
		return;
	reason = *why;
	on_signal(BECAUSE);
}

void cancel_forget(void)
{
	uint64_t count;

	signalled = 0;
	if (event_fd >= 0 && read(event_fd, &count, sizeof(count)) < 0)
		errno = 0; /* there was nothing to read */
}

int cancel_fd(void)
{
	return event_fd;
}

int cancel_check(struct err *err)
{
	int signo = signalled;

	if (signo == 0)
		return 0;
	if (signo == BECAUSE) {
		if (err)
			*err = reason;
		return -1;
	}
	const char *name = sigabbrev_np(signo);
	return err_set(err, ERR_CANCELLED, "interrupted by SIG%s", name ? name : "?");
}
