/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growable raw bytes whose memory is kept for the next use. */
#pragma once

#include "base/str.h"

struct buf {
	uint8_t *p;
	size_t len, cap;
};
#define _cleanup_buf_ _cleanup_(buf_done)

static inline void buf_done(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

/* Room for `n` more bytes at p + len; returns it. */
static inline uint8_t *buf_room(struct buf *b, size_t n)
{
	if (b->cap - b->len < n) {
		size_t cap = MAX(b->len + n, b->cap + b->cap / 2);

		b->p = xrealloc(b->p, cap);
		b->cap = cap;
	}
	return b->p + b->len;
}

static inline void buf_add(struct buf *b, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_room(b, n), bytes, n);
	b->len += n;
}

static inline void buf_zero(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	memset(buf_room(b, n), 0, n);
	b->len += n;
}

/* Zeros up to the next tar block. */
static inline void buf_pad512(struct buf *b)
{
	buf_zero(b, (512 - b->len % 512) % 512);
}
