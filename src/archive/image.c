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
#define STANZAS_MAX	 ((size_t)64 << 20)  /* both stanza files, far more than enough */
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

/* The next member of the head must have this name; its text, borrowed, begins at *at. */
static int head_member(const struct buf *head, size_t *at, const char *name,
		       const char **ret, uint64_t *ret_len, struct err *err)
{
	_cleanup_member_ struct member m = { 0 };
	size_t len;

	int rc = pax_read(head->p + *at, head->len - *at, &m, &len, err);
	if (rc < 0)
		return -1;
	if (rc > 0 || m.type != 'f' || !streq(str_c(&m.path), name))
		return err_set(err, ERR_OPERATOR, "not an image: it has no %s", name);
	*at += len;
	*ret = (const char *)head->p + *at;
	*ret_len = m.size;
	return 0;
}

/* The same for a member of which everything must be there; *at is behind it afterwards. */
static int head_text(const struct buf *head, size_t *at, const char *name,
		     const char **ret, size_t *ret_len, struct err *err)
{
	uint64_t len;

	if (head_member(head, at, name, ret, &len, err) < 0)
		return -1;
	if (len > head->len - *at || (len + 511) / 512 * 512 > head->len - *at)
		return err_set(err, ERR_OPERATOR, "not an image: it has no %s", name);
	*ret_len = (size_t)len;
	*at += (size_t)(len + 511) / 512 * 512;
	return 0;
}

/* The stanzas and the manifest's first line. */
static int parse_head(struct mksysb *m, const struct buf *head, uint64_t *ret_start,
		      uint64_t *ret_end, struct err *err)
{
	struct manifest_cursor c;
	const char *image_data, *bosinst_data, *manifest;
	size_t at = 0, n_image, n_bosinst;
	uint64_t n_manifest;

	if (head_text(head, &at, "image.data", &image_data, &n_image, err) < 0 ||
	    head_text(head, &at, "bosinst.data", &bosinst_data, &n_bosinst, err) < 0 ||
	    head_member(head, &at, "manifest", &manifest, &n_manifest, err) < 0 ||
	    manifest_begin(&c, manifest, head->len - at, &m->totals, err) < 0)
		return -1;
	*ret_start = (uint64_t)((const uint8_t *)c.p - head->p);
	*ret_end = at + n_manifest;
	if (*ret_end < at || *ret_end < *ret_start || *ret_end > head_size(m->head))
		return err_set(err, ERR_OPERATOR,
			       "damaged: the manifest is longer than the head");
	m->image_data = xstrndup(image_data, n_image);
	m->bosinst_data = xstrndup(bosinst_data, n_bosinst);
	return 0;
}

/* Only as much of the head is unpacked as is needed up to the manifest's first line. */
static int read_head(struct mksysb *m, struct err *err)
{
	_cleanup_buf_ struct buf head = { 0 };
	struct err cause = { 0 };
	uint64_t start, end;
	size_t frame = 0;
	int rc = -1;

	m->head = head_new(m);
	if (head_size(m->head) > HEAD_MAX)
		return err_set(err, ERR_OPERATOR,
			       "damaged: its head is impossibly large");
	err_set(&cause, ERR_OPERATOR, "not an image: it has no image.data");
	while (rc < 0 && head.len < STANZAS_MAX) {
		rc = head_copy_frame(m->head, &frame, &head, err);
		if (rc < 0)
			return -1;
		if (rc > 0)
			break;
		err_clear(&cause);
		rc = parse_head(m, &head, &start, &end, &cause);
	}
	if (rc != 0) {
		if (err)
			*err = cause;
		return -1;
	}
	if (m->totals.members != m->table.members || m->totals.bytes != m->table.bytes ||
	    m->totals.length != m->table.length)
		return err_set(err, ERR_OPERATOR,
			       "damaged: manifest and segment table disagree");
	return head_index(m, start, end, err);
}

static int open_image(struct mksysb *m, struct err *err)
{
	struct stat st;

	m->fd = open(m->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (m->fd < 0 || fstat(m->fd, &st) < 0) {
		err_set_errno(err, ERR_OPERATOR, "cannot be opened");
		return err_remedy(err,
				  "give the path of an image; mksysb -o FILE makes one");
	}
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_OPERATOR, "not an image: not a regular file");
	int rc = table_read(&m->table, m->fd, err);
	if (rc > 0)
		return diagnose(m->fd, err);
	return rc < 0 ? -1 : read_head(m, err);
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
	head_free(m->head);
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

int mksysb_each(const struct mksysb *m,
		void (*each)(void *arg, const struct manifest_entry *e), void *arg,
		struct err *err)
{
	_cleanup_manifest_entry_ struct manifest_entry e = { 0 };
	_cleanup_lines_ struct lines l = LINES_INIT(m);
	int rc;

	while ((rc = lines_next(&l, &e, err)) == 0)
		each(arg, &e);
	return rc < 0 ? -1 : 0;
}

uint64_t mksysb_total_bytes(const struct mksysb *m)
{
	return m->totals.bytes;
}

uint64_t mksysb_total_files(const struct mksysb *m)
{
	return m->totals.members;
}
