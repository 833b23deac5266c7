/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Catches a process while two devices of the device-mapper are suspended: dm-catch ACTION PID DEVICE DEVICE SNAPSHOT. From the
 * moment on when the snapshot exists it follows the process from system call to system call. Actions: "kill", "hold" (until the
 * devices go on without it), "look". Says for how long they were suspended. Status 1: they were not, or did not go on.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "sys/clock.h"
#include "sys/dm.h"

#define PATIENCE_S 120

static bool both(int dm, char **names)
{
	return dm_is_suspended(dm, names[0]) && dm_is_suspended(dm, names[1]);
}

static bool go_on(int dm, char **names)
{
	return !dm_is_suspended(dm, names[0]) && !dm_is_suspended(dm, names[1]);
}

static bool exists(int dm, char **names)
{
	struct err ignored = { 0 };
	_cleanup_dm_target_ struct dm_target t = DM_TARGET_INIT;

	return dm_table(dm, names[2], &t, &ignored) == 0;
}

static bool wait_until(bool (*state)(int dm, char **names), long nap_ns, int dm,
		       char **names)
{
	const struct timespec nap = { 0, nap_ns };
	double until = clock_mono() + PATIENCE_S;

	while (!state(dm, names)) {
		if (clock_mono() > until)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

/* It is stopped then. */
static bool follow(pid_t pid, int dm, char **names)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		return false;
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		bool event = status >> 16 != 0 || WSTOPSIG(status) == SIGTRAP;

		if (both(dm, names))
			return true;
		if (ptrace(PTRACE_SYSCALL, pid, NULL,
			   event ? 0L : (long)WSTOPSIG(status)) < 0)
			return false;
	}
	return false;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };

	if (argc != 6)
		return 2;
	char **names = argv + 3;
	pid_t pid = (pid_t)strtol(argv[2], NULL, 10);
	int dm = dm_open(&err);
	if (dm < 0 || mlockall(MCL_CURRENT | MCL_FUTURE) < 0 ||
	    !wait_until(exists, 10000000, dm, names) || !follow(pid, dm, names))
		return 1;
	double since = clock_mono();
	if (streq(argv[1], "kill"))
		kill(pid, SIGKILL);
	else if (streq(argv[1], "look"))
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	if (!wait_until(go_on, 1000000, dm, names)) {
		printf("still suspended\n");
		return 1;
	}
	printf("suspended for %.3f s\n", clock_mono() - since);
	return 0; /* a process that is held is let go with us */
}
