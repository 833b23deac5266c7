/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A long list kept in a nameless file instead of memory: written to its end first, then read from its start. */
#pragma once

#include "archive/buf.h"
#include "base/err.h"

struct spill {
	int fd;
	uint64_t size, read;
	struct buf buf; /* what is not yet written, or read ahead */
	size_t at;	/* in buf, while reading */
};
#define SPILL_INIT                                                                       \
	{                                                                                \
		.fd = -1                                                                 \
	}
#define _cleanup_spill_ _cleanup_(spill_done)
/* In the directory of `beside`, where there is room for large files. */
int spill_open(struct spill *s, const char *beside, struct err *err) _must_check_;
void spill_done(struct spill *s);
int spill_write(struct spill *s, const void *p, size_t n, struct err *err) _must_check_;
int spill_rewind(struct spill *s, struct err *err) _must_check_;
/* Exactly `n` bytes, borrowed until the next call; 1: the end. */
int spill_read(struct spill *s, size_t n, const void **ret, struct err *err) _must_check_;
/* While writing: where the next byte will be, and bytes that were written earlier. */
uint64_t spill_position(const struct spill *s);
int spill_read_at(struct spill *s, uint64_t at, void *p, size_t n, struct err *err)
	_must_check_;
