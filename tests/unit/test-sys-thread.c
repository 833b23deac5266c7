/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that signals pass by. */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "sys/thread.h"

/* Signals that a program of ours is told to stop with, and one that none of ours asks for. */
static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGUSR1 };

static void *read_mask(void *arg)
{
	pthread_sigmask(SIG_SETMASK, NULL, arg);
	return NULL;
}

static void test_blocks_signals(void **state)
{
	sigset_t theirs, mine;
	pthread_t thread;

	sigemptyset(&theirs);
	assert_int_equal(thread_start(&thread, read_mask, &theirs), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_sigmask(SIG_SETMASK, NULL, &mine);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		assert_true(sigismember(&theirs, signals[i]));
		assert_false(sigismember(&mine, signals[i]));
	}
}

static void test_keeps_the_mask(void **state)
{
	sigset_t one, mine, theirs;
	pthread_t thread;

	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &one, NULL);
	assert_int_equal(thread_start(&thread, read_mask, &theirs), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_sigmask(SIG_UNBLOCK, &one, &mine);
	assert_true(sigismember(&mine, SIGUSR1));
	assert_false(sigismember(&mine, SIGTERM));
}

static void *say(void *arg)
{
	const int *fd = arg;

	return write(*fd, "x", 1) == 1 ? arg : NULL;
}

static void test_nobody_joins(void **state)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(thread_start(NULL, say, &fds[1]), 0);
	struct pollfd p = { .fd = fds[0], .events = POLLIN };
	assert_int_equal(poll(&p, 1, 10000), 1);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks_signals),
		cmocka_unit_test(test_keeps_the_mask),
		cmocka_unit_test(test_nobody_joins),
	};

	return cmocka_run_group_tests_name("sys-thread", tests, NULL, NULL);
}
