/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashing of a whole shelf in threads. */
#include "pkg/lpp-verify.h"

#include <pthread.h>
#include <stdatomic.h>

#include "sys/signal.h"

#define THREADS_MAX 8

void lpp_verify_done(struct lpp_verify_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i].path);
		free(list->v[i].why);
	}
	free(list->v);
	*list = (struct lpp_verify_list){ 0 };
}

struct work {
	struct lpp_verify_list *list;
	atomic_size_t next;
	pthread_mutex_t lock;
	struct err first;
};

static void *verify_some(void *arg)
{
	struct work *w = arg;
	size_t i;

	while ((i = atomic_fetch_add(&w->next, 1)) < w->list->n && !cancel_requested()) {
		struct lpp_verify_item *it = &w->list->v[i];
		struct err err = { 0 };
		if (lpp_pool_verify(it->path, it->record->sha256, it->record->size,
				    &it->why, &err) >= 0)
			continue;
		pthread_mutex_lock(&w->lock);
		if (w->first.kind == ERR_NONE)
			w->first = err;
		pthread_mutex_unlock(&w->lock);
	}
	return NULL;
}

int lpp_verify_shelf(const struct lpp *l, enum lpp_shelf shelf, const struct map *records,
		     struct events *ev, struct lpp_verify_list *ret, struct err *err)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t threads = (size_t)MAX(1L, MIN(cores, (long)THREADS_MAX)), started = 0;
	pthread_t ids[THREADS_MAX];
	struct work w = { .list = ret, .lock = PTHREAD_MUTEX_INITIALIZER };
	const char *name;
	void *record;

	ret->v = xcalloc(map_size(records) + 1, sizeof(*ret->v));
	for (size_t it = 0; map_next(records, &it, &name, &record);)
		ret->v[ret->n++] =
			(struct lpp_verify_item){ .path = lpp_pool_path(l, shelf, name),
						  .name = name,
						  .record = record };
	if (ret->n)
		events_step(ev, "Verifying %zu archives of lpp_source %s%s", ret->n,
			    l->name, shelf == LPP_UNPACK ? ", as dpkg gets them" : "");
	/* The calling thread works as well, so nothing is left undone where no thread can be had. */
	for (; started + 1 < threads; started++)
		if (pthread_create(&ids[started], NULL, verify_some, &w) != 0)
			break;
	verify_some(&w);
	for (size_t i = 0; i < started; i++)
		pthread_join(ids[i], NULL);
	if (cancel_check(err) < 0)
		return -1;
	if (w.first.kind != ERR_NONE) {
		*err = w.first;
		return -1;
	}
	return 0;
}
