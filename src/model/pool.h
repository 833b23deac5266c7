/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Worker threads with one lock, one condition and one error: the first that fails stops all.
 * The caller's thread watches: it reports progress and asks for cancellation.
 */
#pragma once

#include <pthread.h>

#include "base/err.h"
#include "base/str.h"
#include "model/progress.h"

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool failed;
	struct err err;
	unsigned running;
	const struct progress *progress;
	void (*work)(struct pool *pool, void *arg);
	void *arg;
};

/* How many to start: `wanted`, or one a core, at most `most`. */
unsigned pool_threads(unsigned wanted, unsigned most);
void pool_init(struct pool *p, const struct progress *progress);
void pool_done(struct pool *p);
/* Runs `work` in `n` threads to its end; `watch` (with the lock held) some times a second. */
int pool_run(struct pool *p, unsigned n, void (*work)(struct pool *pool, void *arg),
	     void (*watch)(struct pool *pool, void *arg), void *arg, struct err *err)
	_must_check_;
void pool_lock(struct pool *p);
void pool_unlock(struct pool *p);
/* With the lock held: */
void pool_wait(struct pool *p);
void pool_wake(struct pool *p);
void pool_fail(struct pool *p, const struct err *err);
