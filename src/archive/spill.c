/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists on disk. */
#include "archive/spill.h"

#include "sys/files.h"

#define CHUNK ((size_t)64 << 10)

int spill_open(struct spill *s, const char *beside, struct err *err)
{
	const char *slash = strrchr(beside, '/');
	_cleanup_free_ char *dir =
		slash ? xstrndup(beside, MAX((size_t)(slash - beside), (size_t)1))
		      : xstrdup(".");

	s->fd = files_nameless(dir, err);
	return s->fd < 0 ? -1 : 0;
}

void spill_done(struct spill *s)
{
	close_p(&s->fd);
	buf_done(&s->buf);
	*s = (struct spill)SPILL_INIT;
}

static int flush(struct spill *s, struct err *err)
{
	if (files_pwrite_all(s->fd, s->buf.p, s->buf.len, s->size) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot write a temporary file");
	s->size += s->buf.len;
	s->buf.len = 0;
	return 0;
}

int spill_write(struct spill *s, const void *p, size_t n, struct err *err)
{
	buf_add(&s->buf, p, n);
	return s->buf.len < CHUNK ? 0 : flush(s, err);
}

int spill_rewind(struct spill *s, struct err *err)
{
	if (flush(s, err) < 0)
		return -1;
	s->read = 0;
	s->at = 0;
	return 0;
}

int spill_read(struct spill *s, size_t n, const void **ret, struct err *err)
{
	size_t left = s->buf.len - s->at;

	if (left < n) {
		if (left > 0)
			memmove(s->buf.p, s->buf.p + s->at, left);
		s->buf.len = left;
		s->at = 0;
		size_t want = MAX(CHUNK, n - left);
		ssize_t got = pread(s->fd, buf_room(&s->buf, want), want, (off_t)s->read);
		if (got < 0)
			return err_set_errno(err, ERR_INTERNAL,
					     "cannot read a temporary file");
		s->buf.len += (size_t)got;
		s->read += (uint64_t)got;
		if (s->buf.len < n)
			return s->buf.len == 0 ? 1
					       : err_set(err, ERR_INTERNAL,
							 "a temporary file is cut off");
	}
	*ret = s->buf.p + s->at;
	s->at += n;
	return 0;
}

uint64_t spill_position(const struct spill *s)
{
	return s->size + s->buf.len;
}

int spill_read_at(struct spill *s, uint64_t at, void *p, size_t n, struct err *err)
{
	if (at >= s->size && at + n <= s->size + s->buf.len) {
		memcpy(p, s->buf.p + (at - s->size), n);
		return 0;
	}
	if (at + n > s->size && flush(s, err) < 0)
		return -1;
	if (pread(s->fd, p, n, (off_t)at) != (ssize_t)n)
		return err_set_errno(err, ERR_INTERNAL, "cannot read a temporary file");
	return 0;
}
