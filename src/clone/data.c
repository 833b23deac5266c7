/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data of one file: shared with its source where the file system can, else copied inside the kernel, else read and
 * written. With a manifest everything is read here once, for its digest.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <time.h>

#include "clone/clone-internal.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/signal.h"

/* How much is asked for ahead of what is being copied. */
#define AHEAD	   ((uint64_t)4 << 20)
#define RANGE_STEP ((uint64_t)4 << 20)
#define LIMIT_STEP ((uint64_t)256 << 10)

struct copying {
	struct worker *w;
	struct data *d;
	bool hash;
	uint64_t asked; /* read ahead up to here */
	bool at_end;	/* the file ended early */
};

/* Sleeps until `n` more bytes keep the pace. */
static void pace(struct clone *c, uint64_t n)
{
	double now = clock_mono(), start;

	if (c->job->limit == 0)
		return;
	pthread_mutex_lock(&c->pace_lock);
	/* What was lost in the last quarter of a second may be caught up with. */
	start = c->pace_next > 0 ? MAX(now - 0.25, c->pace_next) : now;
	c->pace_next = start + (double)n / (double)c->job->limit;
	/* After its turn, not before: else the last bytes would be for nothing. */
	double wait = c->pace_next - now;
	pthread_mutex_unlock(&c->pace_lock);
	struct timespec t = { .tv_sec = (time_t)wait,
			      .tv_nsec = (long)((wait - (double)(time_t)wait) * 1e9) };
	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static void count(struct copying *k, uint64_t n)
{
	atomic_fetch_add(&k->w->c->seen, n);
	if (k->d->to >= 0)
		clone_wrote(k->w->c, n);
}

static void ask_ahead(struct copying *k, uint64_t at, uint64_t end)
{
	if (k->w->c->job->limit || end <= AHEAD / 4 || at + AHEAD / 2 < k->asked)
		return;
	uint64_t from = MAX(at, k->asked), to = MIN(at + AHEAD, end);
	if (to > from)
		posix_fadvise(k->d->from, (off_t)from, (off_t)(to - from),
			      POSIX_FADV_WILLNEED);
	k->asked = to;
}

/* `write`: not where the data is shared already and only its digest is wanted. */
static int by_reading(struct copying *k, uint64_t at, uint64_t end, bool write,
		      struct err *err)
{
	while (at < end && !k->at_end && !k->d->unreadable) {
		size_t want = (size_t)MIN((uint64_t)CLONE_CHUNK, end - at);

		if (cancel_check(err) < 0)
			return -1;
		ask_ahead(k, at, end);
		ssize_t n = pread(k->d->from, k->w->data, want, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			clone_note_errno(k->w->c, CLONE_NOTE_UNREADABLE, k->d->path,
					 "cannot be read");
			k->d->unreadable = true;
		} else if (n == 0) {
			k->at_end = true;
		}
		if (n <= 0) {
			k->d->size = at;
			break;
		}
		if (k->hash)
			digest_feed(&k->w->digest, at, k->w->data, (size_t)n);
		if (write && files_pwrite_all(k->d->to, k->w->data, (size_t)n, at) < 0)
			return clone_failed(k->d->path, "cannot write it", err);
		at += (uint64_t)n;
		count(k, (uint64_t)n);
		pace(k->w->c, (uint64_t)n);
	}
	return 0;
}

/* Returns how far it came: the rest is for by_reading, which finds out what is wrong. */
static uint64_t by_range(struct copying *k, uint64_t at, uint64_t end)
{
	struct clone *c = k->w->c;
	uint64_t step = c->job->limit ? LIMIT_STEP : RANGE_STEP;

	while (at < end && !atomic_load(&c->no_range) && !cancel_requested()) {
		off_t in = (off_t)at, out = (off_t)at;

		ask_ahead(k, at, end);
		ssize_t n = copy_file_range(k->d->from, &in, k->d->to, &out,
					    (size_t)MIN(step, end - at), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == ENOSYS || errno == EPERM || errno == EXDEV ||
			      errno == EOPNOTSUPP))
			atomic_store(&c->no_range, true);
		if (n <= 0)
			break;
		at += (uint64_t)n;
		count(k, (uint64_t)n);
		pace(c, (uint64_t)n);
	}
	return at;
}

/* A small file is quicker read and written. */
#define RANGE_MIN ((uint64_t)64 << 10)

static int copy_extent(struct copying *k, uint64_t at, uint64_t end, bool shared,
		       struct err *err)
{
	if (!k->hash && end - at >= RANGE_MIN)
		at = by_range(k, at, end);
	return by_reading(k, at, end, !shared, err);
}

/* Whether the copy shares its source's blocks now. */
static bool by_reflink(struct data *d)
{
	if (d->size == 0 || d->no_reflink || d->to < 0)
		return false;
	if (ioctl(d->to, FICLONE, d->from) == 0)
		return true;
	if (errno != EINVAL)
		d->no_reflink = true;
	return false;
}

static int copy_extents(struct copying *k, bool shared, struct err *err)
{
	struct data *d = k->d;
	off_t at = 0, end;

	while ((uint64_t)at < d->size && !k->at_end && !d->unreadable) {
		off_t data = lseek(d->from, at, SEEK_DATA);
		if (data < 0 && errno != ENXIO)
			return copy_extent(k, (uint64_t)at, d->size, shared, err);
		if (data < 0 || (uint64_t)data >= d->size)
			break;
		end = lseek(d->from, data, SEEK_HOLE);
		if (end < 0 || (uint64_t)end > d->size)
			end = (off_t)d->size;
		if (copy_extent(k, (uint64_t)data, (uint64_t)end, shared, err) < 0)
			return -1;
		at = end;
	}
	/* The hole at the end, or what a file that shrank left of the shared blocks. */
	if (ftruncate(d->to, (off_t)d->size) < 0)
		return clone_failed(d->path, "cannot set its size", err);
	return 0;
}

static bool has_holes(const struct data *d)
{
	if (d->blocks * 512 >= d->size)
		return false;
	off_t hole = lseek(d->from, 0, SEEK_HOLE);
	return hole >= 0 && (uint64_t)hole < d->size;
}

int data_copy(struct worker *w, struct data *d, struct err *err)
{
	struct copying k = { .w = w, .d = d, .hash = w->c->lines.fd >= 0 };
	bool shared = by_reflink(d);
	int rc = 0;

	d->type = has_holes(d) ? 's' : 'f';
	if (k.hash)
		digest_begin(&w->digest, d->type, d->size);
	if (d->to < 0)
		shared = true; /* kept from an earlier copy: for its digest only */
	if (shared && !k.hash)
		count(&k, d->size);
	else if (d->type == 's' && d->to >= 0)
		rc = copy_extents(&k, shared, err);
	else
		rc = copy_extent(&k, 0, d->size, shared, err);
	if (rc < 0)
		return rc;
	if (k.hash) {
		/* A size that turned out smaller only matters for blocks cut short at the end. */
		w->digest.size = d->size;
		digest_end(&w->digest, d->sha256);
	}
	if (d->to >= 0 && d->size >= (1 << 20))
		sync_file_range(d->to, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}
