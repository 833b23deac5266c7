/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing an image to a file or as a stream. */
#include "archive/sink.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>

#include "sys/files.h"

static int put_header(const struct sink *s, uint32_t mark, size_t n, uint64_t offset)
{
	uint32_t words[4] = { htole32((uint32_t)n), htole32(mark),
			      htole32((uint32_t)offset),
			      htole32((uint32_t)(offset >> 32)) };

	return files_write_all(s->fd, words, sizeof(words));
}

static int send_failed(struct err *err)
{
	if (errno == EPIPE)
		return err_set(err, ERR_OPERATOR, "whoever reads the image has gone");
	return err_set_errno(err, ERR_OPERATOR, "cannot send");
}

int sink_write(const struct sink *s, const void *p, size_t n, uint64_t offset,
	       struct err *err)
{
	const char *at = p;

	if (!s->stream) {
		if (files_pwrite_all(s->fd, p, n, offset) < 0)
			return err_set_errno(err, ERR_OPERATOR, "cannot write");
		return 0;
	}
	while (n > 0) {
		size_t part = MIN(n, (size_t)SINK_PIECE_MAX);
		if (put_header(s, SINK_PIECE, part, offset) < 0 ||
		    files_write_all(s->fd, at, part) < 0)
			return send_failed(err);
		at += part;
		offset += part;
		n -= part;
	}
	return 0;
}

void sink_flush(const struct sink *s, uint64_t offset, size_t n)
{
	if (!s->stream)
		sync_file_range(s->fd, (off_t)offset, (off_t)n, SYNC_FILE_RANGE_WRITE);
}

int sink_end(const struct sink *s, uint64_t size, struct err *err)
{
	if (s->stream && put_header(s, SINK_END, 0, size) < 0)
		return send_failed(err);
	return 0;
}
