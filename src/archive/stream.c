/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tar and zstd, both as a flow. */
#include "archive/stream.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <zstd.h>

#include "model/pool.h"
#include "sys/files.h"
#include "sys/signal.h"

#define CHUNK ((size_t)256 << 10)
#define LEVEL 2
/* 8 MiB: what level 2 needs, and no more memory for a hostile one */
#define WINDOW_LOG 23
#define HEADER_MAX ((size_t)1 << 20) /* of extended records; pax_read holds the same */
#define MAP_STEP   ((size_t)64 << 10)
#define MAP_MAX	   ((size_t)48 << 20)

static int pack(struct stream_out *s, ZSTD_EndDirective how, struct err *err)
{
	ZSTD_inBuffer in = { s->raw.p, s->raw.len, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { buf_room(&s->packed, CHUNK), CHUNK, 0 };

		left = ZSTD_compressStream2(s->ctx, &out, &in, how);
		if (ZSTD_isError(left))
			return err_set(err, ERR_INTERNAL, "cannot compress: %s",
				       ZSTD_getErrorName(left));
		if (files_write_all(s->fd, s->packed.p, out.pos) < 0)
			return err_set_errno(err, ERR_TRANSIENT, "cannot send");
		s->packed_bytes += out.pos;
	} while (in.pos < in.size || (how == ZSTD_e_end && left > 0));
	s->raw_bytes += s->raw.len;
	s->raw.len = 0;
	return cancel_check(err);
}

static int flow(struct stream_out *s, struct err *err)
{
	return s->raw.len < CHUNK ? 0 : pack(s, ZSTD_e_continue, err);
}

int stream_out_begin(struct stream_out *s, int fd, struct err *err)
{
	*s = (struct stream_out){ .fd = fd, .ctx = ZSTD_createCCtx() };
	if (!s->ctx)
		return err_set(err, ERR_INTERNAL, "cannot compress");
	ZSTD_CCtx_setParameter(s->ctx, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(s->ctx, ZSTD_c_checksumFlag, 1);
	/* A zstd without threads refuses this, and works alone. */
	ZSTD_CCtx_setParameter(s->ctx, ZSTD_c_nbWorkers, (int)pool_threads(0, 4));
	return 0;
}

void stream_out_done(struct stream_out *s)
{
	ZSTD_freeCCtx(s->ctx);
	buf_done(&s->raw);
	buf_done(&s->packed);
	*s = (struct stream_out){ .fd = -1 };
}

int stream_out_text(struct stream_out *s, const char *name, const char *text, uint64_t n,
		    struct err *err)
{
	_cleanup_member_ struct member m = { .type = 'f', .mode = 0600, .size = n };

	m.sec = (int64_t)time(NULL);
	str_add(&m.path, name);
	pax_write(&m, &s->raw);
	for (uint64_t at = 0; at < n;) {
		size_t some = (size_t)MIN((uint64_t)CHUNK, n - at);
		buf_add(&s->raw, text + at, some);
		at += some;
		if (flow(s, err) < 0)
			return -1;
	}
	buf_zero(&s->raw, (size_t)((512 - n % 512) % 512));
	return flow(s, err);
}

int stream_out_attributes(struct stream_out *s, struct member *m, struct err *err)
{
	if (m->type == 's')
		m->type = 'f';
	m->size = 0;
	m->n_map = 0;
	pax_write(m, &s->raw);
	return flow(s, err);
}

int stream_out_source(struct stream_out *s, struct source *src, struct err *err)
{
	uint64_t done = 0;
	int rc;

	if (src->m.type == 's' && src->m.stored >= INT64_MAX)
		return err_set(err, ERR_OPERATOR, "/%s is too large",
			       str_c(&src->m.path));
	pax_write(&src->m, &s->raw);
	do {
		size_t before = s->raw.len;

		rc = source_read(src, &s->raw, CHUNK, err);
		done += s->raw.len - before;
		if (rc < 0 || flow(s, err) < 0)
			return -1;
	} while (rc == 0);
	buf_zero(&s->raw, (size_t)((512 - done % 512) % 512));
	return flow(s, err);
}

int stream_out_end(struct stream_out *s, struct err *err)
{
	buf_zero(&s->raw, 1024);
	return pack(s, ZSTD_e_end, err);
}

int stream_in_begin(struct stream_in *s, int fd, uint64_t limit, struct err *err)
{
	*s = (struct stream_in){ .fd = fd, .limit = limit, .ctx = ZSTD_createDCtx() };
	if (!s->ctx)
		return err_set(err, ERR_INTERNAL, "cannot decompress");
	ZSTD_DCtx_setParameter(s->ctx, ZSTD_d_windowLogMax, WINDOW_LOG);
	return 0;
}

void stream_in_done(struct stream_in *s)
{
	ZSTD_freeDCtx(s->ctx);
	buf_done(&s->packed);
	buf_done(&s->raw);
	*s = (struct stream_in){ .fd = -1 };
}

/* More packed bytes; 1: the end of the pipe. A silent sender is waited for, but not after a cancellation. */
static int receive(struct stream_in *s, struct err *err)
{
	struct pollfd fds[] = { { .fd = s->fd, .events = POLLIN },
				{ .fd = cancel_fd(), .events = POLLIN } };
	ssize_t n;

	s->packed.len = s->packed_at = 0;
	if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
		return err_set_errno(err, ERR_INTERNAL, "cannot wait");
	if (cancel_check(err) < 0)
		return -1;
	do
		n = read(s->fd, buf_room(&s->packed, CHUNK), CHUNK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set_errno(err, ERR_TRANSIENT, "cannot receive");
	s->packed.len = (size_t)n;
	s->packed_bytes += (uint64_t)n;
	return n == 0 ? 1 : 0;
}

/* More tar; 1: there is none. */
static int unpack(struct stream_in *s, struct err *err)
{
	ZSTD_outBuffer out = { buf_room(&s->raw, CHUNK), CHUNK, 0 };

	while (out.pos == 0) {
		ZSTD_inBuffer in = { s->packed.p, s->packed.len, s->packed_at };
		size_t rc = ZSTD_decompressStream(s->ctx, &out, &in);

		if (ZSTD_isError(rc))
			return err_set(err, ERR_OPERATOR, "the stream is damaged: %s",
				       ZSTD_getErrorName(rc));
		s->packed_at = in.pos;
		if (out.pos > 0)
			break;
		if (s->packed_at < s->packed.len)
			continue;
		int got = receive(s, err);
		if (got != 0)
			return got;
	}
	s->raw.len += out.pos;
	s->raw_bytes += out.pos;
	if (s->raw_bytes > s->limit)
		return err_set(err, ERR_OPERATOR,
			       "the stream is longer than the %llu bytes that can be",
			       (unsigned long long)s->limit);
	return 0;
}

static int cut_off(struct err *err)
{
	err_set(err, ERR_TRANSIENT, "the stream ended early");
	return err_remedy(err, "look at what the other side said, and try again");
}

/* At least `n` bytes ahead, where there are that many; *ret: how many there are. */
static int look_ahead(struct stream_in *s, size_t n, size_t *ret, struct err *err)
{
	while (s->raw.len - s->raw_at < n && !s->at_end) {
		if (s->raw_at > 0) {
			memmove(s->raw.p, s->raw.p + s->raw_at, s->raw.len - s->raw_at);
			s->raw.len -= s->raw_at;
			s->raw_at = 0;
		}
		int rc = unpack(s, err);
		if (rc < 0)
			return -1;
		s->at_end = rc > 0;
	}
	*ret = s->raw.len - s->raw_at;
	return 0;
}

static int skip(struct stream_in *s, struct err *err)
{
	while (s->left > 0) {
		size_t have;

		if (look_ahead(s, 1, &have, err) < 0)
			return -1;
		if (have == 0)
			return cut_off(err);
		size_t n = (size_t)MIN((uint64_t)have, s->left);
		s->raw_at += n;
		s->left -= n;
	}
	return 0;
}

/* How much a header takes: an extended one says how long it is. */
static int header_length(struct stream_in *s, size_t *ret, struct err *err)
{
	size_t have, size = 0;

	if (look_ahead(s, 512, &have, err) < 0)
		return -1;
	if (have < 512)
		return cut_off(err);
	const uint8_t *p = s->raw.p + s->raw_at;
	*ret = 512;
	if (p[156] != 'x')
		return 0;
	for (size_t i = 124; i < 136 && p[i] >= '0' && p[i] <= '7'; i++)
		size = size * 8 + (p[i] - '0');
	if (size <= HEADER_MAX)
		*ret = 512 + (size + 511) / 512 * 512 + 512;
	return 0;
}

int stream_in_next(struct stream_in *s, struct member *m, struct err *err)
{
	size_t want = 0, have = 0, len = 0;

	if (skip(s, err) < 0 || header_length(s, &want, err) < 0 ||
	    look_ahead(s, want, &have, err) < 0)
		return -1;
	int rc = pax_read(s->raw.p + s->raw_at, MIN(have, want), m, &len, err);
	if (rc != 0)
		return rc;
	s->raw_at += len;
	s->left = (m->stored + 511) / 512 * 512;
	return 0;
}

static int read_map(struct stream_in *s, struct member *m, struct err *err)
{
	for (size_t want = MAP_STEP;; want *= 2) {
		size_t have, len = 0;

		if (look_ahead(s, want, &have, err) < 0)
			return -1;
		size_t most = (size_t)MIN((uint64_t)have, s->left);
		int rc = pax_read_map(s->raw.p + s->raw_at, most, m, &len, err);
		if (rc < 0)
			return -1;
		if (rc == 0) {
			s->raw_at += len;
			s->left -= len;
			return 0;
		}
		if (have < want || most < want || want > MAP_MAX)
			return err_set(err, ERR_OPERATOR,
				       "the map of a file with holes is cut off");
	}
}

static int read_extent(struct stream_in *s, const struct extent *x, stream_data_fn fn,
		       void *arg, struct err *err)
{
	for (uint64_t done = 0; done < x->len;) {
		size_t have;

		if (look_ahead(s, 1, &have, err) < 0)
			return -1;
		size_t n = (size_t)MIN((uint64_t)have, x->len - done);
		if (n == 0 || n > s->left)
			return cut_off(err);
		if (fn(arg, x->off + done, s->raw.p + s->raw_at, n, err) < 0)
			return -1;
		s->raw_at += n;
		s->left -= n;
		done += n;
	}
	return 0;
}

int stream_in_data(struct stream_in *s, struct member *m, stream_data_fn fn, void *arg,
		   struct err *err)
{
	if (m->type == 's') {
		if (read_map(s, m, err) < 0)
			return -1;
	} else {
		m->n_map = 0;
		member_add_extent(m, 0, m->size);
	}
	for (size_t i = 0; i < m->n_map; i++)
		if (read_extent(s, &m->map[i], fn, arg, err) < 0)
			return -1;
	return skip(s, err);
}

static int to_fd(void *arg, uint64_t off, const void *p, size_t n, struct err *err)
{
	const int *fd = arg;

	if (files_pwrite_all(*fd, p, n, off) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot write what arrives");
	return 0;
}

int stream_in_text(struct stream_in *s, const char *name, int fd, struct err *err)
{
	_cleanup_member_ struct member m = { 0 };
	int rc = stream_in_next(s, &m, err);

	if (rc < 0)
		return -1;
	if (rc > 0 || m.type != 'f' || !streq(str_c(&m.path), name))
		return err_set(err, ERR_OPERATOR, "the stream has no '%s' here", name);
	return stream_in_data(s, &m, to_fd, &fd, err);
}
