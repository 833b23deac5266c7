/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard takes back when we are too slow or dead, and only then. */
#include "test.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "sys/clock.h"
#include "sys/proc-guard.h"

static _Atomic int *taken_back;

static void undo(void *arg)
{
	(*taken_back)++;
}

static int setup(void **state)
{
	taken_back = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return taken_back == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
	return munmap(taken_back, sizeof(int));
}

static void wait_until_taken_back(void)
{
	for (double until = clock_mono() + 20; *taken_back == 0 && clock_mono() < until;)
		usleep(10000);
}

static void nothing_is_taken_back_in_time(void **state)
{
	struct proc_guard g;
	struct err err = { 0 };

	assert_ok(proc_guard_start(&g, 60, undo, NULL, &err), &err);
	assert_false(proc_guard_fired(&g));
	assert_false(proc_guard_end(&g));
	assert_int_equal(*taken_back, 0);
}

static void too_slow(void **state)
{
	struct proc_guard g;
	struct err err = { 0 };

	assert_ok(proc_guard_start(&g, 0.05, undo, NULL, &err), &err);
	wait_until_taken_back();
	assert_true(proc_guard_fired(&g));
	assert_true(proc_guard_end(&g));
	assert_true(*taken_back > 0);
}

static void killed(void **state)
{
	struct proc_guard g;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct err err = { 0 };
		setpgid(0, 0);
		if (proc_guard_start(&g, 60, undo, NULL, &err) == 0)
			kill(0, SIGKILL); /* the whole group */
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	wait_until_taken_back();
	assert_true(*taken_back > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_taken_back_in_time, setup,
						teardown),
		cmocka_unit_test_setup_teardown(too_slow, setup, teardown),
		cmocka_unit_test_setup_teardown(killed, setup, teardown),
	};

	return cmocka_run_group_tests_name("sys-guard", tests, NULL, NULL);
}
