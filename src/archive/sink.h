/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an image goes: a file, or a stream of pieces with their positions, since the head of an image is written last.
 *
 * The stream: any number of pieces, then the end. Each begins with 16 bytes, little-endian: the length (32 bits), a mark
 * (32 bits, SINK_PIECE or SINK_END) and the position (64 bits); the length's bytes follow. At the end the length is 0
 * and the position that of the image's end. What no piece has written is zero.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define SINK_PIECE     0x504d494eu /* "NIMP" */
#define SINK_END       0x454d494eu /* "NIME" */
#define SINK_HEADER    16
#define SINK_PIECE_MAX (64u << 20)

struct sink {
	int fd;
	bool stream;
};

/* One caller at a time. */
int sink_write(const struct sink *s, const void *p, size_t n, uint64_t offset,
	       struct err *err) _must_check_;
/* Begins to write back: the sync at the end finds less to do. */
void sink_flush(const struct sink *s, uint64_t offset, size_t n);
/* Closes a stream; a file needs nothing. */
int sink_end(const struct sink *s, uint64_t size, struct err *err) _must_check_;
