/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members on their way through a pipe: a pax tar in one zstd frame, as `tar --zstd -t` reads it too.
 *
 * Who reads trusts nothing of what arrives: a limit bounds it, and it must end with the tar's end marker.
 */
#pragma once

#include "archive/pax.h"
#include "archive/source.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

struct stream_out {
	int fd; /* borrowed */
	struct ZSTD_CCtx_s *ctx;
	struct buf raw, packed;
	uint64_t raw_bytes, packed_bytes; /* so far */
};
#define _cleanup_stream_out_ _cleanup_(stream_out_done)
int stream_out_begin(struct stream_out *s, int fd, struct err *err) _must_check_;
/* A text of our own. */
int stream_out_text(struct stream_out *s, const char *name, const char *text, uint64_t n,
		    struct err *err) _must_check_;
/* The attributes of `m` without data. */
int stream_out_attributes(struct stream_out *s, struct member *m, struct err *err)
	_must_check_;
/* What source_open has opened, with its data. */
int stream_out_source(struct stream_out *s, struct source *src, struct err *err)
	_must_check_;
/* The end marker, and what is still in memory. */
int stream_out_end(struct stream_out *s, struct err *err) _must_check_;
void stream_out_done(struct stream_out *s);

struct stream_in {
	int fd; /* borrowed */
	struct ZSTD_DCtx_s *ctx;
	struct buf packed, raw;
	size_t packed_at, raw_at;
	bool at_end;
	/* data of the current member that was not read yet, with its padding */
	uint64_t left;
	uint64_t raw_bytes, packed_bytes, limit;
};
#define _cleanup_stream_in_ _cleanup_(stream_in_done)
/* No more than `limit` bytes of tar are taken. */
int stream_in_begin(struct stream_in *s, int fd, uint64_t limit, struct err *err)
	_must_check_;
/* The next member; what was not read of the last one is skipped. 1: the end. */
int stream_in_next(struct stream_in *s, struct member *m, struct err *err) _must_check_;
/* The data of the current member, piece by piece; what a hole covers is left out. */
typedef int (*stream_data_fn)(void *arg, uint64_t off, const void *p, size_t n,
			      struct err *err);
int stream_in_data(struct stream_in *s, struct member *m, stream_data_fn fn, void *arg,
		   struct err *err) _must_check_;
/* The current member must have this name; its data goes to a descriptor. */
int stream_in_text(struct stream_in *s, const char *name, int fd, struct err *err)
	_must_check_;
void stream_in_done(struct stream_in *s);
