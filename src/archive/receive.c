/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other end of an image's stream (archive/sink.h): a file again, within a limit, whatever is sent. */
#include <endian.h>
#include <errno.h>

#include "archive/mksysb.h"
#include "archive/sink.h"
#include "sys/files.h"

struct mksysb_receive {
	struct files_pending out;
	uint64_t limit, bytes; /* bytes: of the pieces */
	uint8_t header[SINK_HEADER];
	size_t have;   /* of the header */
	uint64_t left; /* of the piece */
	uint64_t at;
	bool ended;
};

int mksysb_receive_open(struct mksysb_receive **ret, const char *path, uint64_t limit,
			struct err *err)
{
	struct mksysb_receive *r = xcalloc(1, sizeof(*r));

	r->out = (struct files_pending)FILES_PENDING_INIT;
	r->limit = limit;
	if (files_pending_open(&r->out, path, 0600, err) < 0) {
		free(r);
		return -1;
	}
	*ret = r;
	return 0;
}

struct mksysb_receive *mksysb_receive_close(struct mksysb_receive *r)
{
	if (!r)
		return NULL;
	files_pending_drop(&r->out);
	free(r);
	return NULL;
}

void mksysb_receive_close_p(struct mksysb_receive **r)
{
	mksysb_receive_close(*r);
}

static uint32_t word(const struct mksysb_receive *r, size_t i)
{
	uint32_t w;

	memcpy(&w, r->header + 4 * i, sizeof(w));
	return le32toh(w);
}

static int too_much(const struct mksysb_receive *r, struct err *err)
{
	char limit[32];

	return err_set(err, ERR_OPERATOR,
		       "the image is larger than the %s that it may be",
		       fmt_bytes(limit, sizeof(limit), r->limit));
}

static int begin_piece(struct mksysb_receive *r, struct err *err)
{
	uint32_t n = word(r, 0), mark = word(r, 1);

	r->have = 0;
	r->at = word(r, 2) | (uint64_t)word(r, 3) << 32;
	if (mark == SINK_END && n == 0) {
		if (r->at > r->limit)
			return too_much(r, err);
		r->ended = true;
		if (ftruncate(r->out.fd, (off_t)r->at) < 0)
			return err_set_errno(err, ERR_OPERATOR, "%s", r->out.path);
		return 0;
	}
	if (mark != SINK_PIECE || n == 0 || n > SINK_PIECE_MAX)
		return err_set(
			err, ERR_OPERATOR,
			"what arrives is not an image: a piece begins with %08x %08x", n,
			mark);
	if (r->at > r->limit || n > r->limit - r->at || n > r->limit - r->bytes)
		return too_much(r, err);
	r->left = n;
	r->bytes += n;
	return 0;
}

int mksysb_receive_data(struct mksysb_receive *r, const void *data, size_t n,
			struct err *err)
{
	const uint8_t *p = data;

	while (n > 0) {
		size_t part;

		if (r->ended)
			return err_set(err, ERR_OPERATOR,
				       "something follows the end of the image");
		if (r->left == 0) {
			part = MIN(n, SINK_HEADER - r->have);
			memcpy(r->header + r->have, p, part);
			r->have += part;
			if (r->have == SINK_HEADER && begin_piece(r, err) < 0)
				return -1;
		} else {
			part = (size_t)MIN((uint64_t)n, r->left);
			if (files_pwrite_all(r->out.fd, p, part, r->at) < 0) {
				err_set_errno(err, ERR_OPERATOR, "%s", r->out.path);
				return err_remedy(err, "see to room there");
			}
			r->at += part;
			r->left -= part;
		}
		p += part;
		n -= part;
	}
	return 0;
}

int mksysb_receive_end(struct mksysb_receive *r, struct err *err)
{
	if (!r->ended)
		return err_set(err, ERR_TRANSIENT,
			       "the image ends too early, after %llu bytes",
			       (unsigned long long)r->bytes);
	return files_pending_publish(&r->out, err);
}
