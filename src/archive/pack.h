/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The workers that fill an image: each takes some small files or one large file at a time, reads, hashes and compresses;
 * the frames go to the file in the order in which the files were taken.
 *
 * A large file is read and hashed by one worker and compressed by all. Memory is bounded by a window of frames between
 * the one that is written next and the one that is begun.
 */
#pragma once

#include "archive/mksysb.h"
#include "archive/sink.h"
#include "archive/table.h"
#include "archive/walk.h"

#define PACK_CHUNK ((size_t)4 << 20) /* bytes of tar in a frame, about */

struct pack_result {
	struct table frames; /* in the order of the file */
	struct spill manifest;
	uint64_t offset; /* end of the last frame */
	uint64_t members, bytes, raw;
};
void pack_result_done(struct pack_result *r);

/* Writes all members from `offset` of the image on. Calls w->note for what changed meanwhile. */
int pack_run(struct pack_result *r, const struct mksysb_write *w, struct walk *walk,
	     const struct sink *to, uint64_t offset, const struct progress *p,
	     struct err *err) _must_check_;

/* A frame's bytes: `out` is emptied first. Thread-safe with a context of one's own. */
struct ZSTD_CCtx_s;
struct ZSTD_CCtx_s *pack_context(int level);
int pack_compress(struct ZSTD_CCtx_s *ctx, const void *raw, size_t n, struct buf *out,
		  struct err *err) _must_check_;
