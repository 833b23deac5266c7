/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fetch: threads take batches from one list, largest archives first. The calling thread alone speaks to the events.
 * While some threads wait for the mirror, others verify and re-encode what has come.
 */
#include "pkg/lpp-fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/stat.h>
#include <time.h>

#include "pkg/lpp-repack.h"
#include "pkg/lpp-transfer.h"
#include "sys/files.h"
#include "sys/mount.h"
#include "sys/sha256.h"
#include "sys/signal.h"

#define TRANSFERS   4
#define REPACKS	    2 /* at a time: an xz stream may need 64 MiB */
#define BATCH_FILES 24
#define BATCH_BYTES (4u << 20)
#define SPARE_BYTES (32u << 20)
/* The first release whose dpkg reads zstd. */
#define ZSTD_SINCE_MAJOR 12

struct item {
	const struct lpp_archive *a;
	bool fetch, repack;
	bool in_flight, done;
};

struct fetch {
	const struct lpp *l;
	struct item *v;
	size_t n, next, finished;
	uint64_t total;
	unsigned running;
	bool stop;
	struct err first;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	sem_t repacks;
};

static int by_size_down(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->a->size < y->a->size ? 1 : x->a->size > y->a->size ? -1 : 0;
}

static int file_record(struct lpp_record *r, const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t digest[32];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot read %s", path);
	r->size = (uint64_t)st.st_size;
	if (sha256_fd(fd, digest, err) < 0)
		return -1;
	sha256_hex(digest, r->sha256);
	return 0;
}

/* unpack/NAME from pool/NAME; what gains nothing from it is the same file under both names. */
static int make_unpack(struct fetch *f, const struct lpp_archive *a, struct err *err)
{
	_cleanup_free_ char *pool = lpp_pool_path(f->l, LPP_POOL, a->name);
	_cleanup_free_ char *unpack = lpp_pool_path(f->l, LPP_UNPACK, a->name);
	struct lpp_record r = { .size = a->size };
	int rc = 1;

	memcpy(r.origin, a->sha256, sizeof(r.origin));
	memcpy(r.sha256, a->sha256, sizeof(r.sha256));
	if (f->l->release->major >= ZSTD_SINCE_MAJOR) {
		while (sem_wait(&f->repacks) < 0)
			continue;
		rc = lpp_repack(pool, unpack, err);
		sem_post(&f->repacks);
	}
	if (rc == 0)
		rc = file_record(&r, unpack, err);
	else if (rc > 0) {
		rc = unlink(unpack) < 0 && errno != ENOENT ? -1 : link(pool, unpack);
		if (rc < 0)
			err_set_errno(err, ERR_OPERATOR, "cannot link %s to %s", pool,
				      unpack);
	}
	return rc < 0 ? -1 : lpp_pool_record(f->l, LPP_UNPACK, a->name, &r, err);
}

static int finish_item(struct fetch *f, struct item *it, struct err *err)
{
	struct lpp_record r = { .size = it->a->size };

	memcpy(r.sha256, it->a->sha256, sizeof(r.sha256));
	if (it->fetch && (lpp_transfer_accept(f->l, it->a, err) < 0 ||
			  lpp_pool_record(f->l, LPP_POOL, it->a->name, &r, err) < 0))
		return -1;
	return (it->fetch || it->repack) && !f->l->plain ? make_unpack(f, it->a, err) : 0;
}

static bool partial_is_whole(const struct lpp *l, const struct lpp_archive *a)
{
	_cleanup_free_ char *partial = lpp_transfer_partial(l, a->name);
	struct stat st;

	return stat(partial, &st) == 0 && (uint64_t)st.st_size == a->size;
}

/* A partial file that was continued to something else than the signed archive is begun anew, once. */
static int retry_item(struct fetch *f, struct item *it, struct err *err)
{
	struct err again = { 0 };
	_cleanup_free_ char *partial = lpp_transfer_partial(f->l, it->a->name);

	if (unlink(partial) < 0 && errno != ENOENT)
		return -1;
	if (lpp_transfer_batch(f->l, &it->a, 1, &again) < 0 ||
	    finish_item(f, it, &again) < 0) {
		*err = again;
		return -1;
	}
	err_clear(err);
	return 0;
}

static int run_batch(struct fetch *f, struct item *v, size_t n, struct err *err)
{
	const struct lpp_archive *as[BATCH_FILES];
	bool resumed[BATCH_FILES] = { false };
	struct err transfer = { 0 };
	size_t want = 0;
	int rc = 0, failed = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].fetch) {
			_cleanup_free_ char *p = lpp_transfer_partial(f->l, v[i].a->name);
			resumed[i] = files_exists(p);
			as[want++] = v[i].a;
		}
	if (want)
		rc = lpp_transfer_batch(f->l, as, want, &transfer);
	if (rc < 0 && transfer.kind == ERR_CANCELLED) {
		*err = transfer;
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		struct err one = { 0 };
		int bad = 0;
		/* After a failed transfer the others of the batch are whole all the same. */
		if (rc < 0 && v[i].fetch && !partial_is_whole(f->l, v[i].a)) {
			one = transfer;
			bad = resumed[i] && strstr(transfer.msg, "signed index names")
				      ? 1
				      : -1;
		} else if (finish_item(f, &v[i], &one) < 0) {
			bad = resumed[i] && one.kind == ERR_TRANSIENT ? 1 : -1;
		}
		if (bad > 0 && retry_item(f, &v[i], &one) == 0)
			bad = 0;
		if (bad && !failed) {
			*err = one;
			failed = -1;
		}
		if (bad)
			continue;
		pthread_mutex_lock(&f->lock);
		v[i].done = true;
		f->finished++;
		pthread_cond_signal(&f->changed);
		pthread_mutex_unlock(&f->lock);
	}
	return failed;
}

static size_t take_batch(struct fetch *f, size_t *ret_first)
{
	uint64_t bytes = 0;
	size_t n = 0;

	*ret_first = f->next;
	while (!f->stop && f->next < f->n && n < BATCH_FILES &&
	       (n == 0 || bytes + f->v[f->next].a->size <= BATCH_BYTES)) {
		f->v[f->next].in_flight = true;
		bytes += f->v[f->next++].a->size;
		n++;
	}
	return n;
}

static void *worker(void *arg)
{
	struct fetch *f = arg;

	pthread_mutex_lock(&f->lock);
	for (;;) {
		size_t first, n = take_batch(f, &first);
		struct err err = { 0 };
		if (n == 0)
			break;
		pthread_mutex_unlock(&f->lock);
		int rc = run_batch(f, f->v + first, n, &err);
		pthread_mutex_lock(&f->lock);
		if (rc < 0 && !f->stop) {
			f->stop = true;
			f->first = err;
		}
	}
	f->running--;
	pthread_cond_signal(&f->changed);
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

/* Bytes of finished archives and of those on their way. Called with the lock held. */
static uint64_t bytes_so_far(const struct fetch *f, const char **ret_item)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < f->next; i++) {
		const struct item *it = &f->v[i];
		if (it->done)
			bytes += it->a->size;
		if (it->done || !it->in_flight)
			continue;
		_cleanup_free_ char *partial = lpp_transfer_partial(f->l, it->a->name);
		struct stat st;
		if (stat(partial, &st) == 0)
			bytes += MIN((uint64_t)st.st_size, it->a->size);
		*ret_item = it->a->name;
	}
	return bytes;
}

static void watch(struct fetch *f, struct events *ev)
{
	struct progress progress = events_progress(ev);

	pthread_mutex_lock(&f->lock);
	while (f->running) {
		struct timespec until;
		const char *item = NULL;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 250000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&f->changed, &f->lock, &until);
		uint64_t bytes = bytes_so_far(f, &item);
		if (cancel_requested())
			f->stop = true;
		pthread_mutex_unlock(&f->lock);
		progress_report(&progress, PROGRESS_BYTES, bytes, f->total, item);
		pthread_mutex_lock(&f->lock);
	}
	pthread_mutex_unlock(&f->lock);
}

static int run_threads(struct fetch *f, struct events *ev, struct err *err)
{
	pthread_t threads[TRANSFERS];
	size_t n = 0;

	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	sem_init(&f->repacks, 0, REPACKS);
	pthread_mutex_lock(&f->lock);
	for (; n < TRANSFERS; n++) {
		if (pthread_create(&threads[n], NULL, worker, f) != 0)
			break;
		f->running++;
	}
	pthread_mutex_unlock(&f->lock);
	watch(f, ev);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	sem_destroy(&f->repacks);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	if (cancel_check(err) < 0)
		return -1;
	if (f->first.kind != ERR_NONE) {
		*err = f->first;
		return -1;
	}
	if (f->finished < f->n)
		return err_set(err, ERR_INTERNAL,
			       "lpp_source %s: no thread could be started", f->l->name);
	return 0;
}

static int check_space(const struct fetch *f, struct err *err)
{
	uint64_t need = SPARE_BYTES, free_bytes, total;
	char a[32], b[32];

	for (size_t i = 0; i < f->n; i++) {
		const struct lpp_archive *x = f->v[i].a;
		_cleanup_free_ char *partial = lpp_transfer_partial(f->l, x->name);
		struct stat st;
		uint64_t have = stat(partial, &st) == 0 ? (uint64_t)st.st_size : 0;
		if (f->v[i].fetch)
			need += x->size - MIN(have, x->size);
		need += x->size + x->size / 3;
	}
	if (mount_space(f->l->dir, &free_bytes, &total, err) < 0)
		return -1;
	if (free_bytes >= need)
		return 0;
	err_set(err, ERR_OPERATOR,
		"lpp_source %s: %zu packages need %s in %s, which has %s free",
		f->l->name, f->n, fmt_bytes(a, sizeof(a), need), f->l->dir,
		fmt_bytes(b, sizeof(b), free_bytes));
	return err_remedy(err, "free space there");
}

/* What is missing of `as` becomes the list of items. */
static int plan(struct fetch *f, const struct lpp_archives *as, struct err *err)
{
	_cleanup_map_ struct map *pool = lpp_pool_records(f->l, LPP_POOL, err);
	_cleanup_map_ struct map *unpack = pool ? lpp_pool_records(f->l, LPP_UNPACK, err)
						: NULL;

	if (!pool || !unpack)
		return -1;
	f->v = xcalloc(as->n + 1, sizeof(*f->v));
	for (size_t i = 0; i < as->n; i++) {
		const struct lpp_archive *a = &as->v[i];
		const struct lpp_record *p = map_get(pool, a->name);
		const struct lpp_record *u = map_get(unpack, a->name);
		struct item it = { .a = a };
		it.fetch = !p || !streq(p->sha256, a->sha256) ||
			   !lpp_pool_has(f->l, LPP_POOL, pool, a->name);
		it.repack = !f->l->plain &&
			    (!u || !streq(u->origin, a->sha256) ||
			     !lpp_pool_has(f->l, LPP_UNPACK, unpack, a->name));
		if (!it.fetch && !it.repack)
			continue;
		f->total += a->size;
		f->v[f->n++] = it;
	}
	qsort(f->v, f->n, sizeof(*f->v), by_size_down);
	return 0;
}

int lpp_fetch_archives(const struct lpp *l, const struct lpp_archives *as,
		       struct events *ev, struct err *err)
{
	struct fetch f = { .l = l };
	char size[32];
	int rc = -1;

	_cleanup_close_ int lock = lpp_pool_lock(l, ev, err);
	if (lock < 0)
		return -1;
	if (lpp_transfer_prepare(l, err) < 0 || plan(&f, as, err) < 0)
		goto out;
	rc = 0;
	if (f.n == 0)
		goto out;
	rc = check_space(&f, err);
	if (rc == 0) {
		events_step(ev, "Fetching %zu packages (%s) into lpp_source %s", f.n,
			    fmt_bytes(size, sizeof(size), f.total), l->name);
		rc = run_threads(&f, ev, err);
	}
	if (rc < 0 && err && err->errnum == ENOSPC)
		err_remedy(err, "free space in %s", l->dir);
out:
	free(f.v);
	return rc;
}

int lpp_fetch_names(const struct lpp *l, const struct map *names, struct events *ev,
		    struct err *err)
{
	_cleanup_lpp_archives_ struct lpp_archives as = { 0 };
	_cleanup_map_ struct map *found = map_new(NULL);
	const char *name;
	void *value;

	if (lpp_index_find(l, names, &as, err) < 0)
		return -1;
	for (size_t i = 0; i < as.n; i++)
		map_set(found, as.v[i].name, MAP_PRESENT);
	for (size_t it = 0; map_next(names, &it, &name, &value);)
		if (!map_has(found, name)) {
			err_set(err, ERR_OPERATOR,
				"lpp_source %s: no signed index names the package archive %s",
				l->name, name);
			return err_remedy(err, "nim -o update %s", l->name);
		}
	return lpp_fetch_archives(l, &as, ev, err);
}
