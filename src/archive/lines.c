/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the manifest out of the head's frames. */
#include "archive/lines.h"

#include <pthread.h>

#include "archive/image.h"

#define NONE SIZE_MAX

/* Frame i of the table holds the head's bytes from at[i] to at[i + 1]. */
struct head {
	pthread_mutex_t lock; /* of reader and loaded */
	struct frame_reader reader;
	size_t loaded;
	size_t n;
	uint64_t *at;
};

struct head *head_new(const struct mksysb *m)
{
	struct head *h = xcalloc(1, sizeof(*h));

	while (h->n < m->table.n && m->table.v[h->n].flags == FRAME_HEAD)
		h->n++;
	h->at = xcalloc(h->n + 1, sizeof(*h->at));
	for (size_t i = 0; i < h->n; i++)
		h->at[i + 1] = h->at[i] + m->table.v[i].raw;
	frame_reader_init(&h->reader, m);
	h->loaded = NONE;
	pthread_mutex_init(&h->lock, NULL);
	return h;
}

struct head *head_free(struct head *h)
{
	if (!h)
		return NULL;
	frame_reader_done(&h->reader);
	pthread_mutex_destroy(&h->lock);
	free(h->at);
	free(h);
	return NULL;
}

uint64_t head_size(const struct head *h)
{
	return h->at[h->n];
}

/* With the lock held, or by the only thread. */
static int load(struct head *h, size_t frame, struct err *err)
{
	if (h->loaded == frame)
		return 0;
	h->loaded = NONE;
	if (frame_read(&h->reader, frame, err) < 0)
		return -1;
	h->loaded = frame;
	return 0;
}

static size_t frame_at(const struct head *h, uint64_t offset)
{
	size_t low = 0, high = h->n;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (h->at[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Appends bytes of the head. Thread-safe. */
static int head_copy(struct head *h, uint64_t offset, uint64_t n, struct buf *out,
		     struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&h->lock);
	for (size_t frame = frame_at(h, offset); rc == 0 && n > 0; frame++) {
		rc = load(h, frame, err);
		if (rc < 0)
			break;
		uint64_t from = offset - h->at[frame];
		uint64_t some = MIN(n, h->at[frame + 1] - offset);
		buf_add(out, h->reader.raw.p + from, (size_t)some);
		offset += some;
		n -= some;
	}
	pthread_mutex_unlock(&h->lock);
	return rc;
}

int head_copy_frame(struct head *h, size_t *frame, struct buf *out, struct err *err)
{
	if (*frame >= h->n)
		return 1;
	if (load(h, *frame, err) < 0)
		return -1;
	buf_add(out, h->reader.raw.p, h->reader.raw.len);
	++*frame;
	return 0;
}

/* A position in the manifest while its lines are counted. */
struct scan {
	struct head *h;
	uint64_t at, end;
};

/* Behind the next `n` lines. */
static int skip_lines(struct scan *s, uint32_t n, struct err *err)
{
	while (n > 0) {
		size_t frame = frame_at(s->h, s->at);

		if (s->at >= s->end)
			return err_set(err, ERR_OPERATOR,
				       "damaged: the manifest is too short");
		if (load(s->h, frame, err) < 0)
			return -1;
		uint64_t limit = MIN(s->end, s->h->at[frame + 1]);
		const uint8_t *base = s->h->reader.raw.p;
		const uint8_t *p = base + (s->at - s->h->at[frame]);
		const uint8_t *end = base + (limit - s->h->at[frame]);
		for (; n > 0 && p < end; n--) {
			const uint8_t *newline = memchr(p, '\n', (size_t)(end - p));
			if (!newline) {
				p = end;
				break;
			}
			p = newline + 1;
		}
		s->at = s->h->at[frame] + (uint64_t)(p - base);
	}
	return 0;
}

int head_index(struct mksysb *m, uint64_t start, uint64_t end, struct err *err)
{
	struct scan scan = { .h = m->head, .at = start, .end = end };
	uint64_t line = 1;

	m->segments = xcalloc(m->table.n, sizeof(*m->segments));
	for (size_t i = 0; i < m->table.n; i++) {
		const struct frame *f = &m->table.v[i];

		if (f->flags & (FRAME_HEAD | FRAME_GAP))
			continue;
		if (!(f->flags & FRAME_START) && m->n_segments == 0)
			return err_set(err, ERR_OPERATOR,
				       "damaged: a frame of no segment");
		if (!(f->flags & FRAME_START)) {
			m->segments[m->n_segments - 1].n++;
			continue;
		}
		struct segment *s = &m->segments[m->n_segments++];
		*s = (struct segment){ .first = i,
				       .n = 1,
				       .members = f->members,
				       .flags = f->flags,
				       .text = scan.at,
				       .line = line };
		if (skip_lines(&scan, f->members, err) < 0)
			return -1;
		s->text_len = scan.at - s->text;
		line += f->members;
	}
	if (scan.at != end || m->n_segments == 0 || line - 1 != m->totals.members ||
	    !(m->segments[m->n_segments - 1].flags & FRAME_END))
		return err_set(err, ERR_OPERATOR,
			       "damaged: manifest and segments do not fit each other");
	return 0;
}

void lines_done(struct lines *l)
{
	buf_done(&l->text);
}

int lines_load(struct lines *l, const struct segment *s, struct err *err)
{
	l->text.len = 0;
	if (head_copy(l->m->head, s->text, s->text_len, &l->text, err) < 0)
		return -1;
	const char *text = (const char *)l->text.p;
	l->c = (struct manifest_cursor){ .p = text,
					 .end = text + l->text.len,
					 .line = s->line };
	return 0;
}

int lines_next(struct lines *l, struct manifest_entry *e, struct err *err)
{
	for (;;) {
		int rc = manifest_next(&l->c, e, err);

		if (rc <= 0)
			return rc;
		if (l->next == l->m->n_segments)
			return 1;
		if (lines_load(l, &l->m->segments[l->next++], err) < 0)
			return -1;
	}
}
