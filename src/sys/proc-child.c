/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The child between fork and exec: own group, clean signals and descriptors, then exec. */
#include "sys/proc-child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

_noreturn_ static void fail(const struct child *c, enum child_stage stage)
{
	struct child_failure f = { .stage = stage, .errnum = errno };
	ssize_t n = write(c->status_fd, &f, sizeof(f));

	(void)n; /* the parent is gone: nobody to tell */
	_exit(127);
}

static void default_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int signo = 1; signo < NSIG; signo++)
		sigaction(signo, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* All descriptors above the three get close-on-exec, then the wanted ones lose it. */
static void close_others(const struct proc_spec *spec)
{
	/* The flag came with Linux 5.11. */
	if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) < 0) {
		struct rlimit limit = { .rlim_cur = 65536 };
		getrlimit(RLIMIT_NOFILE, &limit);
		for (int fd = 3; fd < (int)MIN(limit.rlim_cur, (rlim_t)65536); fd++)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	for (size_t i = 0; i < spec->n_keep_fds; i++)
		if (spec->keep_fds[i] > 2)
			fcntl(spec->keep_fds[i], F_SETFD, 0);
}

/* The process outside of the pid namespace: ends as the one inside does. */
_noreturn_ static void pass_on(pid_t inside)
{
	int status = 0;

	while (waitpid(inside, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFSIGNALED(status))
		_exit(WEXITSTATUS(status));
	signal(WTERMSIG(status), SIG_DFL);
	raise(WTERMSIG(status));
	_exit(128 + WTERMSIG(status));
}

/* Returns in the first process of the new namespaces; SIGTERM ends the outer one, and that this one. */
static void enter_jail(const struct child *c)
{
	struct pollfd outer = { .fd = (int)syscall(SYS_pidfd_open, getpid(), 0),
				.events = POLLIN };
	const int spaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC;
	pid_t inside;

	if (unshare(c->spec->jail->network ? spaces : spaces | CLONE_NEWNET) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    (inside = fork()) < 0)
		fail(c, CHILD_JAIL);
	if (inside > 0) {
		/* Else the parent would wait for the end of them as long as this process lives. */
		close(c->status_fd);
		close(c->go_fd);
		pass_on(inside);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Its number cannot tell: from in here any parent is 0. */
	if (poll(&outer, 1, 0) != 0)
		_exit(127); /* died before the line above took effect */
	if (c->spec->jail->enter(c->spec->jail) < 0)
		fail(c, CHILD_JAIL);
}

static int enter_namespace(const struct proc_outliving *how)
{
	if (setns(how->mount_ns, CLONE_NEWNS) < 0)
		return -1;
	return how->root > 0 && (fchdir(how->root) < 0 || chroot(".") < 0) ? -1 : 0;
}

_noreturn_ void child_exec(const struct child *c)
{
	const struct proc_spec *spec = c->spec;
	char byte;

	if (!spec->tty)
		setpgid(0, 0);
	if (!spec->outlives)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != c->parent)
		_exit(127); /* died before the line above took effect */
	default_signals();
	close(c->go_end); /* else its end of file would never come */
	while (read(c->go_fd, &byte, 1) != 1)
		if (errno != EINTR)
			_exit(127);
	for (int i = 0; i < 3; i++)
		if (c->std[i] >= 0 && dup2(c->std[i], i) < 0)
			fail(c, CHILD_STDIO);
	umask(022);
	if (spec->outlives && enter_namespace(spec->outlives) < 0)
		fail(c, CHILD_JAIL);
	if (spec->jail)
		enter_jail(c);
	if (chdir(spec->cwd ? spec->cwd : "/") < 0)
		fail(c, CHILD_CHDIR);
	close_others(spec);
	/* execve(2) changes neither; its prototype is older than const. */
	execve(c->program, (char **)(uintptr_t)spec->argv, c->envp);
	fail(c, CHILD_EXEC);
}
