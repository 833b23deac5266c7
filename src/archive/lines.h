/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manifest's lines of an open image, segment by segment. The text stays packed in the file: in memory are one
 * unpacked frame of the head, for all threads, and each reader's copy of one segment's lines.
 */
#pragma once

#include "archive/buf.h"
#include "model/manifest.h"

struct mksysb;
struct segment;

/* Offsets are those in the unpacked head. One for each image. */
struct head *head_new(const struct mksysb *m) _must_check_;
struct head *head_free(struct head *h); /* returns NULL */
uint64_t head_size(const struct head *h);
/* Appends the next whole frame, *frame being the first one to read. 1: there is none. */
int head_copy_frame(struct head *h, size_t *frame, struct buf *out, struct err *err)
	_must_check_;
/* Gives each segment its frames and its place in the manifest, whose lines are from `start` to `end`. */
int head_index(struct mksysb *m, uint64_t start, uint64_t end, struct err *err)
	_must_check_;

/* One thread's means of reading lines. */
struct lines {
	const struct mksysb *m;
	struct buf text;
	struct manifest_cursor c;
	size_t next; /* segment */
};
#define LINES_INIT(image)                                                                \
	{                                                                                \
		.m = (image)                                                             \
	}
#define _cleanup_lines_ _cleanup_(lines_done)
void lines_done(struct lines *l);
/* The lines of one segment: read them from l->c. */
int lines_load(struct lines *l, const struct segment *s, struct err *err) _must_check_;
/* The next line of the whole manifest. 0, or 1: there is none. Not to be mixed with lines_load. */
int lines_next(struct lines *l, struct manifest_entry *e, struct err *err) _must_check_;
