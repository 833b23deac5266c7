/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What closes an image: the segment table, a skippable zstd frame of ours, and a seek table in zstd's seekable format.
 *
 * The segment table has size, checksum and role of every frame before it and a SHA-256 over itself; the seek table
 * repeats the sizes. A segment is a run of frames that begins with FRAME_START and holds whole members.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define TABLE_VERSION	1
#define FRAME_RAW_MAX	((size_t)64 << 20) /* more is refused when reading */
#define ZSTD_SKIP_MAGIC 0x184D2A50u	   /* skippable frames: + 0 to 15 */

enum {
	FRAME_HEAD = 1,	 /* image.data, bosinst.data, manifest */
	FRAME_GAP = 2,	 /* what the head did not use: a skippable frame of zeros */
	FRAME_START = 4, /* first frame of a segment */
	FRAME_LINKS =
		8,     /* of a segment of hard links: to be made when all else is there */
	FRAME_END = 8, /* the tar's end marker */
};

struct frame {
	uint32_t packed, raw; /* bytes in the file, bytes of tar */
	uint32_t flags;
	uint32_t members; /* with FRAME_START: lines of the manifest */
	uint8_t sum[8]; /* of the packed bytes: first bytes of their SHA-256; gap: zero */
	uint64_t offset; /* in the file; not stored */
};

struct table {
	struct frame *v;
	size_t n, cap;
	uint64_t members, bytes;
	uint64_t length; /* of the whole file */
};
#define _cleanup_table_ _cleanup_(table_done)
void table_done(struct table *t);
void table_add(struct table *t, const struct frame *f);
/* Bytes that table_write adds for `n` frames. */
uint64_t table_size(size_t n);
void table_write(const struct table *t, struct str *out);
/* First bytes of the SHA-256. */
void table_sum(const void *packed, size_t n, uint8_t sum[8]);

/* From the descriptor of a whole file. 1: there is no table at its end, *err is not set. -1: it is damaged or newer. */
int table_read(struct table *t, int fd, struct err *err) _must_check_;
/* The same from memory: what is at the end of a file of `length` bytes. For tests. */
int table_parse(struct table *t, const void *tail, size_t n, uint64_t length,
		struct err *err) _must_check_;
