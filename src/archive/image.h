/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An open image, inside the archive layer: frames, head, and reading segments member by member. */
#pragma once

#include "archive/lines.h"
#include "archive/mksysb.h"
#include "archive/pax.h"
#include "archive/table.h"
#include "model/digest.h"
#include "model/manifest.h"

struct ZSTD_DCtx_s;

/* A run of frames with whole members, and where its lines begin in the manifest. */
struct segment {
	size_t first, n; /* frames */
	uint32_t members, flags;
	uint64_t text, text_len; /* its lines in the unpacked head */
	uint64_t line;
};

struct mksysb {
	int fd;
	char *path;
	struct table table;
	char *image_data, *bosinst_data;
	struct head *head;
	struct manifest_head totals;
	struct segment *segments;
	size_t n_segments;
};

/* One thread's means of reading frames. */
struct frame_reader {
	const struct mksysb *m;
	struct ZSTD_DCtx_s *ctx;
	struct buf packed, raw;
};
void frame_reader_init(struct frame_reader *f, const struct mksysb *m);
void frame_reader_done(struct frame_reader *f);
/* Reads, checks and unpacks one frame into f->raw. */
int frame_read(struct frame_reader *f, size_t index, struct err *err) _must_check_;

/* What a reader of members does with them. All in one thread for one segment. */
struct member_sink {
	/* `e` is the member's line. 1: its data need not be passed on (it is checked all the same). */
	int (*begin)(void *arg, const struct member *m, const struct manifest_entry *e,
		     struct err *err);
	int (*data)(void *arg, uint64_t off, const void *p, size_t n, struct err *err);
	/* The data are complete and their SHA-256 is right. */
	int (*end)(void *arg, const struct member *m, const struct manifest_entry *e,
		   struct err *err);
	void *arg;
};

/* One thread's means of reading segments. */
struct segment_reader {
	struct frame_reader frames;
	struct digest digest;
	struct member member;
	struct manifest_entry line;
	struct lines lines;
	struct buf map; /* a map that goes beyond one frame */
	uint64_t done;	/* bytes of files in this segment, for progress */
};
void segment_reader_init(struct segment_reader *r, const struct mksysb *m);
void segment_reader_done(struct segment_reader *r);
/* Everything is checked: frames, headers against the manifest, contents against their SHA-256. */
int segment_read(struct segment_reader *r, const struct segment *s,
		 const struct member_sink *sink, struct err *err) _must_check_;

/* Runs a function for each segment, in parallel. The function gets its own reader.
 * `make` makes a thread's argument, `drop` ends it. */
struct segments_job {
	int (*each)(void *arg, struct segment_reader *r, const struct segment *s,
		    struct err *err);
	void *(*make)(void *shared);
	void (*drop)(void *arg);
	void *shared;
};
int segments_run(const struct mksysb *m, const struct segments_job *job, unsigned threads,
		 const struct progress *p, struct err *err) _must_check_;
/* The gap between head and data must be zeros: the one part that no checksum covers. */
int image_check_gap(const struct mksysb *m, struct err *err) _must_check_;
