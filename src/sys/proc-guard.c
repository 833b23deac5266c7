/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard process. */
#include "sys/proc-guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"

#define AGAIN_MS 500
#define READY	 'r'
#define FIRED	 'f'

struct guard {
	int hold, fired;
	int wait_ms;
	void (*undo)(void *arg);
	void *arg;
};

static int wait_for_end(int hold, int ms)
{
	struct pollfd fd = { .fd = hold, .events = POLLIN };

	return poll(&fd, 1, ms);
}

static void tell(int fd, char what)
{
	ssize_t n = write(fd, &what, 1);
	(void)n; /* whoever does not listen any more is dead: that is seen at `hold` */
}

_noreturn_ static void guard(const struct guard *g)
{
	char end;

	setsid();
	if (mlockall(MCL_CURRENT) < 0)
		_exit(1);
	tell(g->fired, READY);
	if (wait_for_end(g->hold, g->wait_ms) == 0) {
		tell(g->fired, FIRED);
		do
			g->undo(g->arg);
		while (wait_for_end(g->hold, AGAIN_MS) == 0);
	}
	if (read(g->hold, &end, 1) != 1)
		g->undo(g->arg);
	_exit(0);
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static pid_t fork_guard(const struct guard *g, const int ours[2])
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid_t pid = fork();
	if (pid == 0) {
		close_all(ours, 2);
		guard(g);
	}
	int saved = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return pid;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int proc_guard_start(struct proc_guard *g, double seconds, void (*undo)(void *arg),
		     void *arg, struct err *err)
{
	int hold[2] = { -1, -1 }, fired[2] = { -1, -1 };
	char ready = 0;

	if (pipe2(hold, O_CLOEXEC) < 0 || pipe2(fired, O_CLOEXEC) < 0) {
		err_set_errno(err, ERR_OPERATOR, "no pipe to a guard");
		close_all(hold, 2);
		return -1;
	}
	struct guard child = { hold[0], fired[1],
			       seconds < 0 ? -1 : (int)(seconds * 1000), undo, arg };
	const int ours[2] = { hold[1], fired[0] };
	g->pid = fork_guard(&child, ours);
	int saved = errno;
	close(hold[0]);
	close(fired[1]);
	g->hold = hold[1];
	g->fired = fired[0];
	errno = saved;
	if (g->pid > 0 && read(g->fired, &ready, 1) == 1 && ready == READY)
		return 0;
	err_set_errno(err, ERR_OPERATOR, "no guard can be started");
	close_all(ours, 2);
	if (g->pid > 0)
		reap(g->pid);
	return -1;
}

bool proc_guard_fired(const struct proc_guard *g)
{
	struct pollfd fd = { .fd = g->fired, .events = POLLIN };

	return poll(&fd, 1, 0) != 0;
}

bool proc_guard_end(struct proc_guard *g)
{
	char what = 0;

	tell(g->hold, 'e');
	reap(g->pid);
	close(g->hold);
	ssize_t n = read(g->fired, &what, 1);
	close(g->fired);
	return n == 1;
}
