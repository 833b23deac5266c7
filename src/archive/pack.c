/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The workers of mksysb_write. One mutex guards struct pack; file data is read, hashed and compressed outside of it. */
#include "archive/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <zstd.h>

#include "archive/source.h"
#include "model/pool.h"
#include "sys/signal.h"

#define LARGE (PACK_CHUNK / 2) /* such a file is a segment of its own */
/* A frame in work needs up to 8 MiB, packed and not, and a thread's compressor some 1.5: together less than 80. */
#define THREADS_MAX 6
#define WINDOW_MAX  8
#define BATCH_FILES 4096

/* One frame on its way: raw bytes first, packed ones later. */
struct chunk {
	struct chunk *next;
	struct buf raw, packed;
	struct frame frame;
	struct str manifest; /* lines of the segment, with its last frame */
	uint64_t seq, bytes;
};

struct pack {
	struct pool pool; /* threads, lock, error */
	const struct mksysb_write *w;
	struct walk *walk;
	const struct sink *to;
	struct pack_result *r;
	size_t window;
	uint64_t next_seq, written;
	struct chunk *ring[WINDOW_MAX]; /* finished, by seq */
	struct chunk *queue, **queue_end;
	size_t queued;
	struct chunk *spare;
	bool writing, walked; /* walked: no more records */
	unsigned readers;     /* workers that read a large file */
	bool have_record;     /* a large file that ended a batch comes next */
	struct walk_record record;
	struct str record_path, record_target;
	struct strv notes;
	struct strv gone; /* paths that vanished */
};

/* What one worker owns. */
struct packer {
	struct pack *p;
	ZSTD_CCtx *ctx;
	struct dirs dirs;
	struct source source;
	struct buf list; /* records of a batch */
};

void pack_result_done(struct pack_result *r)
{
	table_done(&r->frames);
	spill_done(&r->manifest);
}

ZSTD_CCtx *pack_context(int level)
{
	ZSTD_CCtx *ctx = ZSTD_createCCtx();

	if (!ctx)
		abort(); /* as all allocations */
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
	return ctx;
}

int pack_compress(ZSTD_CCtx *ctx, const void *raw, size_t n, struct buf *out,
		  struct err *err)
{
	size_t bound = ZSTD_compressBound(n);

	out->len = 0;
	size_t got = ZSTD_compress2(ctx, buf_room(out, bound), bound, raw, n);
	if (ZSTD_isError(got))
		return err_set(err, ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(got));
	out->len = got;
	return 0;
}

/* Chunks are used again: fresh memory costs a page fault every 4 KiB. With the lock held. */
static struct chunk *chunk_get(struct pack *p)
{
	struct chunk *c = p->spare;

	if (c)
		p->spare = c->next;
	else
		c = xcalloc(1, sizeof(*c));
	c->raw.len = c->packed.len = 0;
	str_reset(&c->manifest);
	c->frame = (struct frame){ 0 };
	c->bytes = 0;
	return c;
}

static void chunk_put(struct pack *p, struct chunk *c)
{
	c->next = p->spare;
	p->spare = c;
}

static void chunk_free(struct chunk *c)
{
	if (!c)
		return;
	buf_done(&c->raw);
	buf_done(&c->packed);
	str_done(&c->manifest);
	free(c);
}

/* Without the lock. */
static int write_chunk(struct pack *p, struct chunk *c, struct err *err)
{
	if (sink_write(p->to, c->packed.p, c->packed.len, p->r->offset, err) < 0)
		return -1;
	sink_flush(p->to, p->r->offset, c->packed.len);
	return spill_write(&p->r->manifest, str_c(&c->manifest), c->manifest.len, err);
}

/* Writes what is next in order, and what follows it, unless another worker is at it. With the lock held. */
static void drain(struct pack *p)
{
	struct err err = { 0 };

	if (p->writing)
		return;
	p->writing = true;
	while (p->ring[p->written % p->window] && !p->pool.failed) {
		struct chunk *c = p->ring[p->written % p->window];

		p->ring[p->written % p->window] = NULL;
		pool_unlock(&p->pool);
		int rc = write_chunk(p, c, &err);
		pool_lock(&p->pool);
		if (rc < 0)
			pool_fail(&p->pool, &err);
		table_add(&p->r->frames, &c->frame);
		p->r->offset += c->frame.packed;
		p->r->raw += c->frame.raw;
		p->r->members += c->frame.members;
		p->r->bytes += c->bytes;
		p->written++;
		chunk_put(p, c);
		pool_wake(&p->pool);
	}
	p->writing = false;
}

/* Compresses and hands over. With the lock held, but not meanwhile. */
static void finish_chunk(struct packer *k, struct chunk *c)
{
	struct pack *p = k->p;
	struct err err = { 0 };

	pool_unlock(&p->pool);
	int rc = pack_compress(k->ctx, c->raw.p, c->raw.len, &c->packed, &err);
	c->frame.raw = (uint32_t)c->raw.len;
	c->frame.packed = (uint32_t)c->packed.len;
	table_sum(c->packed.p, c->packed.len, c->frame.sum);
	pool_lock(&p->pool);
	if (rc < 0)
		pool_fail(&p->pool, &err);
	p->ring[c->seq % p->window] = c;
	drain(p);
}

static bool finish_one_queued(struct packer *k)
{
	struct pack *p = k->p;
	struct chunk *c = p->queue;

	if (!c)
		return false;
	p->queue = c->next;
	if (!p->queue)
		p->queue_end = &p->queue;
	p->queued--;
	finish_chunk(k, c);
	return true;
}

static void note(struct pack *p, const char *path, const char *what)
{
	/* A note each is for people; a count would do beyond this. */
	if (p->notes.n < 2000) {
		strv_add(&p->notes, path);
		strv_add(&p->notes, what);
	}
}

/* A record that outlives the list it came from. With the lock held. 1: the end. */
static int next_record(struct pack *p, struct err *err)
{
	if (p->have_record)
		return 0;
	int rc = walk_next(&p->walk->members, &p->record, err);
	if (rc != 0)
		return rc;
	p->have_record = true;
	str_reset(&p->record_path);
	str_add(&p->record_path, p->record.path);
	str_reset(&p->record_target);
	if (p->record.target)
		str_add(&p->record_target, p->record.target);
	p->record.path = p->record_path.p;
	p->record.target = p->record.target ? p->record_target.p : NULL;
	return 0;
}

static void batch_add(struct buf *list, const struct walk_record *r)
{
	buf_add(list, &r->size, sizeof(r->size));
	buf_add(list, &r->type, 1);
	buf_add(list, r->path, strlen(r->path) + 1);
	if (r->type == 'h')
		buf_add(list, r->target, strlen(r->target) + 1);
}

static bool batch_next(const struct buf *list, size_t *at, struct walk_record *r)
{
	if (*at >= list->len)
		return false;
	*r = (struct walk_record){ 0 };
	memcpy(&r->size, list->p + *at, sizeof(r->size));
	r->type = (char)list->p[*at + sizeof(r->size)];
	r->path = (const char *)list->p + *at + sizeof(r->size) + 1;
	*at += sizeof(r->size) + 1 + strlen(r->path) + 1;
	if (r->type == 'h') {
		r->target = (const char *)list->p + *at;
		*at += strlen(r->target) + 1;
	}
	return true;
}

static bool is_large(const struct walk_record *r)
{
	return r->type == 'f' && r->size > LARGE;
}

/* Small files until a frame is full. With the lock held. 1: the next record is a large file, or there is none. */
static int take_batch(struct pack *p, struct buf *list, struct err *err)
{
	uint64_t size = 0;

	list->len = 0;
	for (unsigned n = 0; n < BATCH_FILES && size < PACK_CHUNK - LARGE / 2; n++) {
		int rc = next_record(p, err);
		if (rc < 0)
			return -1;
		if (rc > 0) {
			p->walked = true;
			break;
		}
		if (is_large(&p->record))
			break;
		batch_add(list, &p->record);
		size += p->record.size + 1536;
		p->have_record = false;
	}
	return list->len == 0;
}

/* 1: it has gone. */
static int add_member(struct packer *k, const struct walk_record *r, struct chunk *c,
		      const char **ret_note, struct err *err)
{
	struct source *s = &k->source;
	int rc = source_open(s, &k->dirs, r, LARGE * 2, err);

	if (rc != 0)
		return rc;
	pax_write(&s->m, &c->raw);
	if (source_read(s, &c->raw, SIZE_MAX, err) < 0)
		return -1;
	buf_pad512(&c->raw);
	c->frame.members++;
	c->bytes += s->m.type == 'f' || s->m.type == 's' ? s->m.size : 0;
	*ret_note = source_close(s, &c->manifest);
	return 0;
}

static int fill_batch(struct packer *k, struct chunk *c, struct err *err)
{
	struct walk_record r;

	for (size_t at = 0; batch_next(&k->list, &at, &r);) {
		const char *what = NULL;
		int rc = add_member(k, &r, c, &what, err);

		if (rc < 0)
			return -1;
		if (rc == 0 && !what)
			continue;
		pool_lock(&k->p->pool);
		note(k->p, r.path, rc > 0 ? "it vanished while the tree was read" : what);
		if (rc > 0)
			strv_add(&k->p->gone, r.path);
		pool_unlock(&k->p->pool);
	}
	return 0;
}

static void do_batch(struct packer *k)
{
	struct pack *p = k->p;
	struct err err = { 0 };
	struct chunk *c = chunk_get(p);

	c->seq = p->next_seq++;
	c->frame.flags = FRAME_START;
	pool_unlock(&p->pool);
	int rc = fill_batch(k, c, &err);
	pool_lock(&p->pool);
	if (rc < 0) {
		pool_fail(&p->pool, &err);
		chunk_put(p, c);
		return;
	}
	finish_chunk(k, c);
}

/* Room in the window for this frame; compresses for others while there is none. With the lock held. */
static void wait_for_window(struct packer *k, uint64_t seq)
{
	struct pack *p = k->p;

	while (!p->pool.failed && (seq >= p->written + p->window || p->queued > 1))
		if (!finish_one_queued(k))
			pool_wait(&p->pool);
}

static void enqueue(struct pack *p, struct chunk *c)
{
	c->next = NULL;
	*p->queue_end = c;
	p->queue_end = &c->next;
	p->queued++;
	pool_wake(&p->pool);
}

/* The frames of one large file, whose first bytes (headers) are in `head`. With the lock held, but not while reading. */
static int large_frames(struct packer *k, struct buf *head, uint64_t seq, uint64_t frames,
			struct err *err)
{
	struct pack *p = k->p;
	struct source *s = &k->source;

	for (uint64_t i = 0; i < frames && !p->pool.failed; i++) {
		wait_for_window(k, seq + i);
		struct chunk *c = chunk_get(p);

		c->seq = seq + i;
		pool_unlock(&p->pool);
		if (i == 0) {
			buf_add(&c->raw, head->p, head->len);
			c->frame.flags = FRAME_START;
			c->frame.members = 1;
			c->bytes = s->m.size;
		}
		int rc = source_read(s, &c->raw, PACK_CHUNK - c->raw.len, err);
		const char *what = NULL;
		if (rc >= 0 && i + 1 == frames) {
			buf_pad512(&c->raw);
			what = source_close(s, &c->manifest);
		}
		pool_lock(&p->pool);
		if (rc < 0) {
			chunk_put(p, c);
			return -1;
		}
		if (what)
			note(p, s->m.path.p, what);
		enqueue(p, c);
	}
	return 0;
}

static void do_large(struct packer *k)
{
	_cleanup_buf_ struct buf head = { 0 };
	struct pack *p = k->p;
	struct err err = { 0 };
	/* Opened under the lock: the number of its frames decides where the next file begins. */
	int rc = source_open(&k->source, &k->dirs, &p->record, UINT64_MAX, &err);

	p->have_record = false;
	if (rc > 0) {
		note(p, p->record.path, "it vanished while the tree was read");
		strv_add(&p->gone, p->record.path);
		return;
	}
	if (rc == 0) {
		pax_write(&k->source.m, &head);
		/* The map is part of what is stored. */
		uint64_t total = head.len;
		for (size_t i = 0; i < k->source.m.n_map; i++)
			total += k->source.m.map[i].len;
		uint64_t frames = (total + PACK_CHUNK - 1) / PACK_CHUNK,
			 seq = p->next_seq;
		p->next_seq += frames;
		p->readers++;
		rc = large_frames(k, &head, seq, frames, &err);
		p->readers--;
		pool_wake(&p->pool);
	}
	if (rc < 0)
		pool_fail(&p->pool, &err);
}

/* Takes the next thing to do. With the lock held. False: everything is done. */
static bool step(struct packer *k)
{
	struct pack *p = k->p;
	struct err err = { 0 };

	if (finish_one_queued(k))
		return true;
	if (p->walked && !p->have_record) {
		if (p->readers == 0)
			return false;
		pool_wait(&p->pool);
		return true;
	}
	if (p->next_seq >= p->written + p->window) {
		pool_wait(&p->pool);
		return true;
	}
	int rc = take_batch(p, &k->list, &err);
	if (rc < 0)
		pool_fail(&p->pool, &err);
	else if (rc == 0)
		do_batch(k);
	else if (p->have_record)
		do_large(k);
	return true;
}

static void packer_init(struct packer *k, struct pack *p)
{
	*k = (struct packer){ .p = p,
			      .ctx = pack_context(p->w->level),
			      .dirs = DIRS_INIT(p->w->root->fd, false) };
	source_init(&k->source);
}

static void packer_done(struct packer *k)
{
	ZSTD_freeCCtx(k->ctx);
	dirs_done(&k->dirs);
	source_done(&k->source);
	buf_done(&k->list);
}

static void worker(struct pool *pool, void *arg)
{
	_cleanup_(packer_done) struct packer k = { 0 };

	packer_init(&k, arg);
	pool_lock(pool);
	while (!pool->failed && step(&k))
		;
	pool_wake(pool);
	pool_unlock(pool);
}

/* A hard link whose file vanished before it was read would lead nowhere. There is hardly ever one such file. */
static int check_gone(struct pack *p, struct err *err)
{
	struct walk_record r;
	int rc;

	if (p->gone.n == 0)
		return 0;
	if (spill_rewind(&p->walk->members, err) < 0)
		return -1;
	while ((rc = walk_next(&p->walk->members, &r, err)) == 0)
		if (r.target && strv_has(&p->gone, r.target) &&
		    !strv_has(&p->gone, r.path)) {
			err_set(err, ERR_TRANSIENT,
				"/%s: removed while its other names were read", r.target);
			return err_remedy(err, "try again when the tree is quiet");
		}
	return rc < 0 ? -1 : 0;
}

/* In the caller's thread, while the workers run. With the lock held. */
static void watch(struct pool *pool, void *arg)
{
	struct pack *p = arg;
	uint64_t done = p->r->bytes;

	pool_unlock(pool);
	progress_report(pool->progress, PROGRESS_BYTES, done, p->walk->bytes, NULL);
	pool_lock(pool);
}

static void pack_done(struct pack *p)
{
	for (size_t i = 0; i < WINDOW_MAX; i++)
		chunk_free(p->ring[i]);
	while (p->queue) {
		struct chunk *c = p->queue;
		p->queue = c->next;
		chunk_free(c);
	}
	while (p->spare) {
		struct chunk *c = p->spare;
		p->spare = c->next;
		chunk_free(c);
	}
	str_done(&p->record_path);
	str_done(&p->record_target);
	strv_done(&p->notes);
	strv_done(&p->gone);
	pool_done(&p->pool);
}

int pack_run(struct pack_result *r, const struct mksysb_write *w, struct walk *walk,
	     const struct sink *to, uint64_t offset, const struct progress *progress,
	     struct err *err)
{
	unsigned threads = pool_threads(w->threads, THREADS_MAX);
	_cleanup_(pack_done) struct pack p = {
		.w = w,
		.walk = walk,
		.to = to,
		.r = r,
		.window = MIN(threads * 2 + 2, (unsigned)WINDOW_MAX),
	};

	p.queue_end = &p.queue;
	pool_init(&p.pool, progress);
	r->offset = offset;
	int rc = pool_run(&p.pool, threads, worker, watch, &p, err);
	if (rc == 0)
		rc = check_gone(&p, err);
	for (size_t i = 0; rc == 0 && w->note && i < p.notes.n; i += 2)
		w->note(w->note_arg, p.notes.v[i], p.notes.v[i + 1]);
	progress_report(progress, PROGRESS_BYTES, r->bytes, r->bytes, NULL);
	return rc;
}
