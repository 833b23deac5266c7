/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading segments: each member's header against its manifest line, its data against their SHA-256. */
#include <errno.h>

#include "archive/image.h"
#include "model/pool.h"

#define THREADS_MAX 8

void segment_reader_init(struct segment_reader *r, const struct mksysb *m)
{
	memset(r, 0, sizeof(*r));
	frame_reader_init(&r->frames, m);
	digest_init(&r->digest);
	r->lines = (struct lines)LINES_INIT(m);
}

void segment_reader_done(struct segment_reader *r)
{
	frame_reader_done(&r->frames);
	digest_done(&r->digest);
	member_done(&r->member);
	manifest_entry_done(&r->line);
	buf_done(&r->map);
	lines_done(&r->lines);
}

/* A position in a segment's tar: a frame and an offset in its unpacked bytes. */
struct tape {
	struct segment_reader *r;
	const struct segment *s;
	size_t frame; /* the next one to read */
	size_t at;
};

/* At least one byte at the position, unless the segment is over: then 1. */
static int tape_more(struct tape *t, struct err *err)
{
	while (t->at == t->r->frames.raw.len) {
		if (t->frame == t->s->first + t->s->n)
			return 1;
		if (frame_read(&t->r->frames, t->frame, err) < 0)
			return -1;
		t->frame++;
		t->at = 0;
	}
	return 0;
}

static int damaged(const struct member *m, const char *what, struct err *err)
{
	_cleanup_str_ struct str path = STR_INIT;

	manifest_escape(str_c(&m->path), &path);
	return err_set(err, ERR_OPERATOR, "damaged: %s: %s", str_c(&path), what);
}

/* Whether a header and a line tell of the same member. */
static const char *disagreement(const struct member *m, const struct manifest_entry *e)
{
	char xattrs[17];

	if (m->type != e->type || !streq(str_c(&m->path), str_c(&e->path)))
		return "the manifest has another member here";
	if (!manifest_path_is_safe(str_c(&m->path), m->path.len))
		return "a path that leads out of the image";
	if (m->mode != e->mode || m->uid != e->uid || m->gid != e->gid ||
	    m->sec != e->sec || m->nsec != e->nsec)
		return "owner, mode or time differ from the manifest";
	if ((m->type == 'f' || m->type == 's') && m->size != e->size)
		return "the size differs from the manifest";
	if ((m->type == 'c' || m->type == 'b') &&
	    (m->major != e->major || m->minor != e->minor))
		return "the device number differs from the manifest";
	if ((m->type == 'l' || m->type == 'h') &&
	    !streq(str_c(&m->target), str_c(&e->target)))
		return "the link target differs from the manifest";
	if (!streq(m->flags, e->flags))
		return "the inode flags differ from the manifest";
	xattrs_digest(&m->xattrs, xattrs);
	if (!streq(xattrs, e->xattrs))
		return "the extended attributes differ from the manifest";
	return NULL;
}

/* The map of a file with holes, which may go beyond its first frame. */
static int read_map(struct tape *t, struct err *err)
{
	struct segment_reader *r = t->r;
	size_t len;
	const uint8_t *p = r->frames.raw.p + t->at;
	int rc = pax_read_map(p, r->frames.raw.len - t->at, &r->member, &len, err);

	if (rc == 0)
		t->at += len;
	if (rc <= 0)
		return rc;
	r->map.len = 0;
	for (;;) {
		size_t before = r->map.len, some = r->frames.raw.len - t->at;

		buf_add(&r->map, r->frames.raw.p + t->at, some);
		t->at += some;
		rc = pax_read_map(r->map.p, r->map.len, &r->member, &len, err);
		if (rc == 0)
			t->at -= some - (len - before);
		if (rc <= 0)
			return rc;
		rc = tape_more(t, err);
		if (rc != 0)
			return rc < 0 ? rc
				      : damaged(&r->member, "its map is cut off", err);
	}
}

static int pass_extent(struct tape *t, const struct extent *e,
		       const struct member_sink *sink, bool pass, struct err *err)
{
	struct segment_reader *r = t->r;

	for (uint64_t done = 0; done < e->len;) {
		int rc = tape_more(t, err);
		if (rc != 0)
			return rc < 0 ? rc
				      : damaged(&r->member, "its data are cut off", err);
		const uint8_t *p = r->frames.raw.p + t->at;
		size_t n = (size_t)MIN(e->len - done, r->frames.raw.len - t->at);
		digest_feed(&r->digest, e->off + done, p, n);
		if (pass && sink->data(sink->arg, e->off + done, p, n, err) < 0)
			return -1;
		done += n;
		t->at += n;
	}
	return 0;
}

static int pass_data(struct tape *t, const struct member_sink *sink, bool pass,
		     struct err *err)
{
	struct segment_reader *r = t->r;
	struct member *m = &r->member;
	char sha256[SHA256_HEX_LEN];

	if (m->type == 'f')
		member_add_extent(m, 0, m->size);
	digest_begin(&r->digest, m->type, m->size);
	for (size_t i = 0; i < m->n_map; i++)
		if (pass_extent(t, &m->map[i], sink, pass, err) < 0)
			return -1;
	digest_end(&r->digest, sha256);
	if (!streq(sha256, r->line.sha256))
		return damaged(m, "its SHA-256 differs from the manifest", err);
	/* Frames end at block limits: padding is in the frame where the data end. */
	size_t pad = (512 - m->stored % 512) % 512;
	if (pad > r->frames.raw.len - t->at)
		return damaged(m, "its data are cut off", err);
	t->at += pad;
	r->done += m->size;
	return 0;
}

static int read_member(struct tape *t, struct manifest_cursor *c,
		       const struct member_sink *sink, struct err *err)
{
	struct segment_reader *r = t->r;
	size_t len;

	if (manifest_next(c, &r->line, err) != 0)
		return err->kind != ERR_NONE ? -1 : damaged(&r->member, "no line", err);
	int rc = tape_more(t, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		rc = pax_read(r->frames.raw.p + t->at, r->frames.raw.len - t->at,
			      &r->member, &len, err);
	if (rc < 0)
		return -1;
	if (rc > 0)
		return err_set(err, ERR_OPERATOR, "damaged: a segment ends too early");
	t->at += len;
	const char *wrong = disagreement(&r->member, &r->line);
	if (wrong)
		return damaged(&r->member, wrong, err);
	bool has_data = r->member.type == 'f' || r->member.type == 's';
	if (r->member.type == 's' && read_map(t, err) < 0)
		return -1;
	rc = sink->begin(sink->arg, &r->member, &r->line, err);
	if (rc < 0 || (has_data && pass_data(t, sink, rc == 0, err) < 0))
		return -1;
	return rc > 0 || !sink->end ? 0 : sink->end(sink->arg, &r->member, &r->line, err);
}

/* Nothing but the end marker may be where no members are. */
static int read_end(struct tape *t, struct err *err)
{
	for (;;) {
		int rc = tape_more(t, err);
		if (rc != 0)
			return rc < 0 ? rc : 0;
		for (; t->at < t->r->frames.raw.len; t->at++)
			if (t->r->frames.raw.p[t->at] != 0)
				return err_set(err, ERR_OPERATOR,
					       "damaged: a member that no line tells of");
	}
}

int segment_read(struct segment_reader *r, const struct segment *s,
		 const struct member_sink *sink, struct err *err)
{
	struct tape t = { .r = r, .s = s, .frame = s->first };
	struct err cause = { 0 };
	int rc = lines_load(&r->lines, s, &cause);

	r->frames.raw.len = 0;
	r->done = 0;
	for (uint32_t i = 0; rc == 0 && i < s->members; i++)
		rc = read_member(&t, &r->lines.c, sink, &cause);
	if (rc == 0)
		rc = read_end(&t, &cause);
	if (rc < 0 && err)
		*err = cause;
	return rc;
}

struct run {
	struct pool pool;
	const struct mksysb *m;
	const struct segments_job *job;
	size_t next;
	uint64_t done;
};

static void work(struct pool *pool, void *arg)
{
	struct run *run = arg;
	struct segment_reader r;
	void *mine = run->job->make ? run->job->make(run->job->shared) : run->job->shared;

	segment_reader_init(&r, run->m);
	pool_lock(pool);
	while (!pool->failed && run->next < run->m->n_segments) {
		const struct segment *s = &run->m->segments[run->next++];
		struct err err = { 0 };

		pool_unlock(pool);
		int rc = run->job->each(mine, &r, s, &err);
		pool_lock(pool);
		run->done += r.done;
		if (rc < 0)
			pool_fail(pool, &err);
	}
	pool_unlock(pool);
	segment_reader_done(&r);
	if (run->job->drop)
		run->job->drop(mine);
}

static void watch(struct pool *pool, void *arg)
{
	struct run *run = arg;
	uint64_t done = run->done;

	pool_unlock(pool);
	progress_report(pool->progress, PROGRESS_BYTES, done, run->m->totals.bytes, NULL);
	pool_lock(pool);
}

int segments_run(const struct mksysb *m, const struct segments_job *job, unsigned threads,
		 const struct progress *p, struct err *err)
{
	struct run run = { .m = m, .job = job };

	pool_init(&run.pool, p);
	int rc = pool_run(&run.pool, pool_threads(threads, THREADS_MAX), work, watch,
			  &run, err);
	pool_done(&run.pool);
	if (rc == 0)
		progress_report(p, PROGRESS_BYTES, m->totals.bytes, m->totals.bytes,
				NULL);
	return rc;
}
