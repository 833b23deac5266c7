/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds a subject's lease and renews its heartbeat. */
#include "engine/lease.h"

#include "sys/thread.h"

/* A lease of another host counts as stale after 60 s without a heartbeat. */
#define HEARTBEAT_MS 15000

static unsigned interval_ms = HEARTBEAT_MS;

struct lease {
	struct store *store; /* the owner's connection */
	struct store *own;   /* the thread's */
	char *subject;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned interval_ms;
	bool running, stop; /* `stop` and `lost` under `lock` */
	struct err lost;
};

/* Waits one interval; false when the lease is being released. */
static bool wait_interval(struct lease *l)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += l->interval_ms / 1000;
	until.tv_nsec += (long)(l->interval_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&l->lock);
	while (!l->stop && pthread_cond_timedwait(&l->wake, &l->lock, &until) == 0)
		continue;
	bool go_on = !l->stop;
	pthread_mutex_unlock(&l->lock);
	return go_on;
}

static void *heartbeat(void *arg)
{
	struct lease *l = arg;

	while (wait_interval(l)) {
		struct err err = { 0 };

		/* a busy database is no loss: the next beat comes well before the lease is stale */
		if (store_lease_heartbeat(l->own, l->subject, &err) == 0 ||
		    err.kind != ERR_LOCKED)
			continue;
		pthread_mutex_lock(&l->lock);
		l->lost = err;
		pthread_mutex_unlock(&l->lock);
		break;
	}
	return NULL;
}

static int start(struct lease *l, struct err *err)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&l->lock, NULL);
	l->running = thread_start(&l->thread, heartbeat, l) == 0;
	if (l->running)
		return 0;
	return err_set_errno(err, ERR_OPERATOR, "start the heartbeat of %s", l->subject);
}

int lease_take(struct lease **ret, struct store *store, const char *state_dir,
	       const char *subject, bool force, struct err *err)
{
	if (store_lease_take(store, subject, force, err) < 0)
		return -1;

	_cleanup_lease_ struct lease *l = xcalloc(1, sizeof(*l));
	l->store = store;
	l->subject = xstrdup(subject);
	l->interval_ms = interval_ms;
	if (store_open(&l->own, state_dir, err) < 0 || start(l, err) < 0)
		return -1;
	*ret = TAKE_PTR(l);
	return 0;
}

int lease_check(struct lease *l, struct err *err)
{
	pthread_mutex_lock(&l->lock);
	struct err lost = l->lost;
	pthread_mutex_unlock(&l->lock);
	if (lost.kind != ERR_LOCKED)
		return 0;
	if (err)
		*err = lost;
	return -1;
}

struct lease *lease_release(struct lease *l)
{
	if (!l)
		return NULL;
	if (l->running) {
		pthread_mutex_lock(&l->lock);
		l->stop = true;
		pthread_cond_signal(&l->wake);
		pthread_mutex_unlock(&l->lock);
		pthread_join(l->thread, NULL);
		pthread_cond_destroy(&l->wake);
		pthread_mutex_destroy(&l->lock);
	}
	store_close(l->own);
	if (l->lost.kind != ERR_LOCKED) {
		struct err ignored = { 0 };
		if (store_lease_release(l->store, l->subject, &ignored) < 0)
			err_clear(&ignored);
	}
	free(l->subject);
	free(l);
	return NULL;
}

void lease_set_interval(unsigned ms)
{
	interval_ms = ms;
}

void lease_release_p(struct lease **l)
{
	*l = lease_release(*l);
}
