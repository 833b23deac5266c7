/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segment table and seek table: writer and strict reader. All numbers are little-endian. */
#include "archive/table.h"

#include <endian.h>
#include <errno.h>
#include <sys/stat.h>

#include "sys/sha256.h"

#define OUR_MAGIC   (ZSTD_SKIP_MAGIC + 1)
#define SEEK_MAGIC  (ZSTD_SKIP_MAGIC + 14)
#define SEEK_FOOTER 0x8F92EAB1u
#define NAME	    "NIMADMSG"

#define SKIP_HEADER 8
#define HEADER	    (8 + 4 + 4 + 8 + 8 + 8)
#define ENTRY	    (4 * 4 + 8)
#define SEEK_ENTRY  8
#define FOOTER	    9
#define FRAMES_MAX                                                                       \
	((size_t)1                                                                       \
	 << 24) /* 64 TiB of tar; keeps a hostile count from asking for all memory */

void table_done(struct table *t)
{
	free(t->v);
	*t = (struct table){ 0 };
}

void table_add(struct table *t, const struct frame *f)
{
	if (t->n == t->cap) {
		t->cap = MAX(t->cap * 2, (size_t)64);
		t->v = xrealloc(t->v, t->cap * sizeof(*t->v));
	}
	t->v[t->n++] = *f;
}

static uint64_t ours_size(size_t n)
{
	return SKIP_HEADER + HEADER + (uint64_t)n * ENTRY + SHA256_LEN;
}

static uint64_t seek_size(size_t n)
{
	return SKIP_HEADER + (uint64_t)n * SEEK_ENTRY + FOOTER;
}

uint64_t table_size(size_t n)
{
	return ours_size(n) + seek_size(n + 1);
}

static void add32(struct str *out, uint32_t v)
{
	v = htole32(v);
	str_addn(out, &v, sizeof(v));
}

static void add64(struct str *out, uint64_t v)
{
	v = htole64(v);
	str_addn(out, &v, sizeof(v));
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

void table_sum(const void *packed, size_t n, uint8_t sum[8])
{
	uint8_t digest[SHA256_LEN];

	sha256_buf(packed, n, digest);
	memcpy(sum, digest, 8);
}

static void write_ours(const struct table *t, struct str *out)
{
	uint8_t digest[SHA256_LEN];
	size_t start = out->len + SKIP_HEADER;

	add32(out, OUR_MAGIC);
	add32(out, (uint32_t)(ours_size(t->n) - SKIP_HEADER));
	str_addn(out, NAME, 8);
	add32(out, TABLE_VERSION);
	add32(out, (uint32_t)t->n);
	add64(out, t->length);
	add64(out, t->members);
	add64(out, t->bytes);
	for (size_t i = 0; i < t->n; i++) {
		add32(out, t->v[i].packed);
		add32(out, t->v[i].raw);
		add32(out, t->v[i].flags);
		add32(out, t->v[i].members);
		str_addn(out, t->v[i].sum, sizeof(t->v[i].sum));
	}
	sha256_buf(out->p + start, out->len - start, digest);
	str_addn(out, digest, sizeof(digest));
}

static void write_seek(const struct table *t, struct str *out)
{
	add32(out, SEEK_MAGIC);
	add32(out, (uint32_t)(seek_size(t->n + 1) - SKIP_HEADER));
	for (size_t i = 0; i < t->n; i++) {
		add32(out, t->v[i].packed);
		add32(out, t->v[i].raw);
	}
	add32(out, (uint32_t)ours_size(t->n));
	add32(out, 0);
	add32(out, (uint32_t)(t->n + 1));
	str_addc(out, 0);
	add32(out, SEEK_FOOTER);
}

void table_write(const struct table *t, struct str *out)
{
	write_ours(t, out);
	write_seek(t, out);
}

static int damaged(struct err *err, const char *what)
{
	return err_set(err, ERR_OPERATOR, "damaged: %s", what);
}

/* What a reader relies on beyond the checksum. */
static int check_frames(struct table *t, struct err *err)
{
	uint64_t offset = 0;
	size_t i = 0;

	for (size_t k = 0; k < t->n; k++) {
		t->v[k].offset = offset;
		offset += t->v[k].packed;
		if (t->v[k].raw > FRAME_RAW_MAX)
			return damaged(err, "the segment table has an impossible frame");
	}
	while (i < t->n && t->v[i].flags == FRAME_HEAD)
		i++;
	if (i == 0 || i == t->n || t->v[i].flags != FRAME_GAP ||
	    t->v[i].packed < SKIP_HEADER || t->v[i].raw != 0)
		return damaged(err, "the segment table does not begin with the head");
	for (i++; i < t->n; i++)
		if (t->v[i].flags & ~(uint32_t)(FRAME_START | FRAME_END))
			return damaged(err, "the segment table has an unknown frame");
	if (offset + table_size(t->n) != t->length)
		return damaged(err, "the segment table does not fit the file");
	return 0;
}

static int parse_ours(struct table *t, const uint8_t *p, size_t size, uint64_t length,
		      struct err *err)
{
	uint8_t digest[SHA256_LEN];
	const uint8_t *body = p + SKIP_HEADER;

	sha256_buf(body, size - SKIP_HEADER - SHA256_LEN, digest);
	if (get32(p) != OUR_MAGIC || get32(p + 4) != size - SKIP_HEADER ||
	    memcmp(body, NAME, 8) != 0 ||
	    memcmp(p + size - SHA256_LEN, digest, SHA256_LEN) != 0)
		return damaged(err, "the segment table at its end");
	if (get32(body + 8) != TABLE_VERSION)
		return err_set(err, ERR_OPERATOR,
			       "image format %u is newer than this program",
			       get32(body + 8));
	size_t n = get32(body + 12);
	if (ours_size(n) != size)
		return damaged(err, "the segment table at its end");
	t->length = get64(body + 16);
	t->members = get64(body + 24);
	t->bytes = get64(body + 32);
	if (t->length != length)
		return err_set(err, ERR_OPERATOR,
			       "damaged: it has %llu bytes and should have %llu",
			       (unsigned long long)length, (unsigned long long)t->length);
	const uint8_t *e = body + HEADER;
	for (size_t i = 0; i < n; i++, e += ENTRY) {
		struct frame f = { .packed = get32(e),
				   .raw = get32(e + 4),
				   .flags = get32(e + 8),
				   .members = get32(e + 12) };
		memcpy(f.sum, e + 16, sizeof(f.sum));
		table_add(t, &f);
	}
	return check_frames(t, err);
}

/* How long the tables of a file are that ends with these FOOTER bytes; 0: none are there. */
static uint64_t tables_before(const uint8_t *footer)
{
	size_t n = get32(footer);

	if (get32(footer + 5) != SEEK_FOOTER || footer[4] != 0 || n < 3 || n > FRAMES_MAX)
		return 0;
	return table_size(n - 1);
}

int table_parse(struct table *t, const void *tail, size_t n, uint64_t length,
		struct err *err)
{
	const uint8_t *end = (const uint8_t *)tail + n;
	_cleanup_table_ struct table read = { 0 };
	_cleanup_str_ struct str again = STR_INIT;
	uint64_t size = n < FOOTER ? 0 : tables_before(end - FOOTER);

	if (size == 0 || size > n)
		return 1;
	size_t frames = get32(end - FOOTER) - 1;
	if (parse_ours(&read, end - size, (size_t)ours_size(frames), length, err) < 0)
		return -1;
	write_seek(&read, &again);
	if (memcmp(again.p, end - again.len, again.len) != 0)
		return damaged(err, "the seek table at its end");
	table_done(t);
	*t = read;
	read = (struct table){ 0 };
	return 0;
}

int table_read(struct table *t, int fd, struct err *err)
{
	uint8_t footer[FOOTER];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot be read");
	uint64_t length = (uint64_t)st.st_size;
	if (length < FOOTER)
		return 1;
	if (pread(fd, footer, FOOTER, st.st_size - FOOTER) != FOOTER)
		return err_set_errno(err, ERR_OPERATOR, "cannot be read");
	uint64_t size = tables_before(footer);
	if (size == 0 || size > length)
		return 1;
	_cleanup_free_ uint8_t *tail = xmalloc(size);
	errno = EIO;
	if (pread(fd, tail, size, (off_t)(length - size)) != (ssize_t)size)
		return err_set_errno(err, ERR_OPERATOR, "cannot be read");
	return table_parse(t, tail, size, length, err);
}
