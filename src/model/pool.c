/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Worker threads. */
#include "model/pool.h"

#include <sched.h>
#include <time.h>

#include "sys/signal.h"
#include "sys/thread.h"

#define WATCH_NS 100000000L /* progress and cancellation: ten times a second */
#define MOST	 64

unsigned pool_threads(unsigned wanted, unsigned most)
{
	cpu_set_t set;

	most = MIN(most, (unsigned)MOST);
	if (wanted == 0 && sched_getaffinity(0, sizeof(set), &set) == 0)
		wanted = (unsigned)CPU_COUNT(&set);
	return MIN(MAX(wanted, 1u), most);
}

void pool_init(struct pool *p, const struct progress *progress)
{
	pthread_condattr_t attr;

	memset(p, 0, sizeof(*p));
	p->progress = progress;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->cond, &attr);
	pthread_condattr_destroy(&attr);
}

void pool_done(struct pool *p)
{
	pthread_cond_destroy(&p->cond);
	pthread_mutex_destroy(&p->lock);
}

void pool_lock(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
}

void pool_unlock(struct pool *p)
{
	pthread_mutex_unlock(&p->lock);
}

void pool_wait(struct pool *p)
{
	pthread_cond_wait(&p->cond, &p->lock);
}

void pool_wake(struct pool *p)
{
	pthread_cond_broadcast(&p->cond);
}

void pool_fail(struct pool *p, const struct err *err)
{
	if (!p->failed)
		p->err = *err;
	p->failed = true;
	pool_wake(p);
}

static void *thread(void *arg)
{
	struct pool *p = arg;

	p->work(p, p->arg);
	pool_lock(p);
	p->running--;
	pool_wake(p);
	pool_unlock(p);
	return NULL;
}

static void watch_until_done(struct pool *p, void (*watch)(struct pool *, void *))
{
	struct err err = { 0 };

	while (p->running > 0) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += WATCH_NS;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000L;
		}
		while (p->running > 0 &&
		       pthread_cond_timedwait(&p->cond, &p->lock, &until) == 0)
			;
		if (!p->failed && cancel_check(&err) < 0)
			pool_fail(p, &err);
		if (watch && !p->failed)
			watch(p, p->arg);
	}
}

int pool_run(struct pool *p, unsigned n, void (*work)(struct pool *pool, void *arg),
	     void (*watch)(struct pool *pool, void *arg), void *arg, struct err *err)
{
	pthread_t ids[MOST];
	unsigned started = 0;

	p->work = work;
	p->arg = arg;
	pool_lock(p);
	while (started < MIN(n, (unsigned)MOST) &&
	       thread_start(&ids[started], thread, p) == 0) {
		started++;
		p->running++;
	}
	if (started == 0) {
		pool_unlock(p);
		return err_set_errno(err, ERR_TRANSIENT, "cannot start a thread");
	}
	watch_until_done(p, watch);
	pool_unlock(p);
	for (unsigned i = 0; i < started; i++)
		pthread_join(ids[i], NULL);
	if (p->failed && err)
		*err = p->err;
	return p->failed ? -1 : 0;
}
