/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads beside the main one. */
#pragma once

#include <pthread.h>

/*
 * Runs run(arg) in a thread that no signal is ever delivered to: all are blocked in it from its first instruction, so that they
 * wake the thread that waits for them (sys/signal.h). The caller's own mask is what it was.
 *
 * The thread is to be joined; with `ret` NULL nobody joins it, and it may go on to the end of the process. -1 and errno.
 */
int thread_start(pthread_t *ret, void *(*run)(void *arg), void *arg);
