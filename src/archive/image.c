/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening an image: tables, head, index of segments; and saying what is wrong with a file that is none. */
#include "archive/image.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <zstd.h>

#include "archive/pax-header.h"

#define ZSTD_MAGIC_BYTES "\x28\xB5\x2F\xFD"
#define HEAD_MAX	 ((uint64_t)1 << 32) /* a manifest of some 20 million members */

void frame_reader_init(struct frame_reader *f, const struct mksysb *m)
{
	*f = (struct frame_reader){ .m = m, .ctx = ZSTD_createDCtx() };
	if (!f->ctx)
		abort(); /* as all allocations */
}

void frame_reader_done(struct frame_reader *f)
{
	ZSTD_freeDCtx(f->ctx);
	buf_done(&f->packed);
	buf_done(&f->raw);
}

static int damaged_at(const struct frame *f, const char *what, struct err *err)
{
	err_set(err, ERR_OPERATOR, "damaged: %s at byte %llu", what,
		(unsigned long long)f->offset);
	return err_remedy(err, "take another copy of the image");
}

static int read_at(int fd, uint64_t offset, struct buf *out, size_t n, struct err *err)
{
	out->len = 0;
	buf_room(out, n);
	while (out->len < n) {
		ssize_t got = pread(fd, out->p + out->len, n - out->len,
				    (off_t)(offset + out->len));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_OPERATOR, "cannot be read");
		if (got == 0)
			return err_set(err, ERR_OPERATOR, "truncated while it was read");
		out->len += (size_t)got;
	}
	return 0;
}

int frame_read(struct frame_reader *f, size_t index, struct err *err)
{
	const struct frame *frame = &f->m->table.v[index];
	uint8_t sum[8];

	if (read_at(f->m->fd, frame->offset, &f->packed, frame->packed, err) < 0)
		return -1;
	table_sum(f->packed.p, f->packed.len, sum);
	if (memcmp(sum, frame->sum, sizeof(sum)) != 0)
		return damaged_at(frame, "the frame", err);
	f->raw.len = 0;
	size_t got = ZSTD_decompressDCtx(f->ctx, buf_room(&f->raw, frame->raw + 1u),
					 frame->raw, f->packed.p, f->packed.len);
	if (ZSTD_isError(got) || got != frame->raw)
		return damaged_at(frame, "the compressed data", err);
	f->raw.len = got;
	return 0;
}

int image_check_gap(const struct mksysb *m, struct err *err)
{
	const struct frame *gap = m->table.v;
	_cleanup_buf_ struct buf b = { 0 };
	uint32_t header[2];

	while (gap->flags != FRAME_GAP)
		gap++;
	header[0] = htole32(ZSTD_SKIP_MAGIC);
	header[1] = htole32(gap->packed - 8);
	for (uint64_t at = 0; at < gap->packed; at += b.len) {
		size_t n = (size_t)MIN((uint64_t)gap->packed - at, (uint64_t)1 << 20);

		if (read_at(m->fd, gap->offset + at, &b, n, err) < 0)
			return -1;
		size_t skip = at == 0 ? sizeof(header) : 0;
		if (skip > 0 && memcmp(b.p, header, skip) != 0)
			return damaged_at(gap, "the gap behind the head", err);
		for (size_t i = skip; i < b.len; i++)
			if (b.p[i] != 0)
				return damaged_at(gap, "the gap behind the head", err);
	}
	return 0;
}

/* What kind of file it is that has no tables at its end. */
static int diagnose(int fd, struct err *err)
{
	_cleanup_free_ uint8_t *packed = xmalloc(1 << 17), *raw = xmalloc(1 << 17);
	ssize_t n = pread(fd, packed, 1 << 17, 0);

	if (n < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot be read");
	if (n == 0)
		return err_set(err, ERR_OPERATOR, "not an image: the file is empty");
	if (memcmp(packed, ZSTD_MAGIC_BYTES, (size_t)MIN(n, (ssize_t)4)) != 0)
		return err_set(err, ERR_OPERATOR,
			       "not an image: it does not begin with zstd data");
	ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer in = { packed, (size_t)n, 0 };
	ZSTD_outBuffer out = { raw, 1 << 17, 0 };
	size_t left = ZSTD_decompressStream(stream, &out, &in);
	ZSTD_freeDStream(stream);
	bool cut = n < (1 << 17) && (ZSTD_isError(left) || left > 0);
	if (out.pos < sizeof(struct pax_header) && cut)
		return err_set(err, ERR_OPERATOR, "truncated: it ends within its head");
	if (out.pos < 2048 || (memcmp(raw, "image.data", 11) != 0 &&
			       memcmp(raw + 1024, "image.data", 11) != 0))
		return err_set(err, ERR_OPERATOR,
			       "not an image: zstd data, but not written by mksysb");
	return err_set(err, ERR_OPERATOR,
		       "truncated or damaged at its end: the tables are missing");
}

/* All head frames in one piece. */
static int read_head(struct mksysb *m, struct buf *head, struct err *err)
{
	struct frame_reader f;
	uint64_t total = 0;
	int rc = 0;

	for (size_t i = 0; m->table.v[i].flags == FRAME_HEAD; i++)
		total += m->table.v[i].raw;
	if (total > HEAD_MAX)
		return err_set(err, ERR_OPERATOR,
			       "damaged: its head is impossibly large");
	buf_room(head, total + 1);
	frame_reader_init(&f, m);
	for (size_t i = 0; rc == 0 && m->table.v[i].flags == FRAME_HEAD; i++) {
		rc = frame_read(&f, i, err);
		if (rc == 0)
			buf_add(head, f.raw.p, f.raw.len);
	}
	frame_reader_done(&f);
	return rc;
}

/* The next member of the head must have this name; its text is borrowed. */
static int head_member(const struct buf *head, size_t *at, const char *name,
		       const char **ret, size_t *ret_len, struct err *err)
{
	_cleanup_member_ struct member m = { 0 };
	size_t len;

	int rc = pax_read(head->p + *at, head->len - *at, &m, &len, err);
	if (rc < 0)
		return -1;
	if (rc > 0 || m.type != 'f' || !streq(str_c(&m.path), name) ||
	    m.size > head->len - *at - len)
		return err_set(err, ERR_OPERATOR, "not an image: it has no %s", name);
	*ret = (const char *)head->p + *at + len;
	*ret_len = m.size;
	*at += len + (m.size + 511) / 512 * 512;
	return 0;
}

static int parse_head(struct mksysb *m, struct err *err)
{
	struct manifest_cursor c;
	const char *image_data, *bosinst_data;
	size_t at = 0, n_image, n_bosinst;

	if (read_head(m, &m->head, err) < 0 ||
	    head_member(&m->head, &at, "image.data", &image_data, &n_image, err) < 0 ||
	    head_member(&m->head, &at, "bosinst.data", &bosinst_data, &n_bosinst, err) <
		    0 ||
	    head_member(&m->head, &at, "manifest", &m->manifest, &m->manifest_len, err) <
		    0)
		return -1;
	m->image_data = xstrndup(image_data, n_image);
	m->bosinst_data = xstrndup(bosinst_data, n_bosinst);
	/* There is room for it: read_head. What follows is padding. */
	m->head.p[m->manifest - (const char *)m->head.p + (ptrdiff_t)m->manifest_len] =
		'\0';
	if (manifest_begin(&c, m->manifest, m->manifest_len, &m->totals, err) < 0)
		return -1;
	m->lines_at = (size_t)(c.p - m->manifest);
	if (m->totals.members != m->table.members || m->totals.bytes != m->table.bytes ||
	    m->totals.length != m->table.length)
		return err_set(err, ERR_OPERATOR,
			       "damaged: manifest and segment table disagree");
	return 0;
}

/* Gives each segment its frames and its place in the manifest. */
static int index_segments(struct mksysb *m, struct err *err)
{
	const char *p = m->manifest + m->lines_at, *end = m->manifest + m->manifest_len;
	uint64_t line = 1;

	m->segments = xcalloc(m->table.n, sizeof(*m->segments));
	for (size_t i = 0; i < m->table.n; i++) {
		const struct frame *f = &m->table.v[i];

		if (f->flags & (FRAME_HEAD | FRAME_GAP))
			continue;
		if (f->flags & FRAME_START)
			m->segments[m->n_segments++] = (struct segment){
				.first = i,
				.members = f->members,
				.flags = f->flags,
				.text = (size_t)(p - m->manifest),
				.line = line,
			};
		if (m->n_segments == 0)
			return err_set(err, ERR_OPERATOR,
				       "damaged: a frame of no segment");
		m->segments[m->n_segments - 1].n++;
		for (uint32_t k = 0; f->flags & FRAME_START && k < f->members; k++) {
			p = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
			if (!p)
				return err_set(err, ERR_OPERATOR,
					       "damaged: the manifest is too short");
			p++;
			line++;
		}
	}
	if (p != end || m->n_segments == 0 || line - 1 != m->totals.members ||
	    !(m->segments[m->n_segments - 1].flags & FRAME_END))
		return err_set(err, ERR_OPERATOR,
			       "damaged: manifest and segments do not fit each other");
	return 0;
}

static int open_image(struct mksysb *m, struct err *err)
{
	struct stat st;

	m->fd = open(m->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (m->fd < 0 || fstat(m->fd, &st) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot be opened");
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_OPERATOR, "not an image: not a regular file");
	int rc = table_read(&m->table, m->fd, err);
	if (rc > 0)
		return diagnose(m->fd, err);
	if (rc < 0 || parse_head(m, err) < 0)
		return -1;
	return index_segments(m, err);
}

int mksysb_open(struct mksysb **ret, const char *path, struct err *err)
{
	_cleanup_mksysb_ struct mksysb *m = xcalloc(1, sizeof(*m));

	m->fd = -1;
	m->path = xstrdup(path);
	if (open_image(m, err) < 0) {
		err_prefix(err, "image %s", path);
		if (err && err->errnum == 0)
			err_remedy(err, "take another copy, or make it again: mksysb -o");
		return -1;
	}
	*ret = TAKE_PTR(m);
	return 0;
}

struct mksysb *mksysb_close(struct mksysb *m)
{
	if (!m)
		return NULL;
	close_p(&m->fd);
	table_done(&m->table);
	free(m->path);
	free(m->image_data);
	free(m->bosinst_data);
	buf_done(&m->head);
	free(m->segments);
	free(m);
	return NULL;
}

void mksysb_close_p(struct mksysb **m)
{
	mksysb_close(*m);
}

const char *mksysb_image_data(const struct mksysb *m)
{
	return m->image_data;
}

const char *mksysb_bosinst_data(const struct mksysb *m)
{
	return m->bosinst_data;
}

const char *mksysb_manifest(const struct mksysb *m)
{
	return m->manifest;
}

uint64_t mksysb_total_bytes(const struct mksysb *m)
{
	return m->totals.bytes;
}

uint64_t mksysb_total_files(const struct mksysb *m)
{
	return m->totals.members;
}
