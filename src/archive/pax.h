/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tar members in POSIX pax form, as GNU tar and libarchive read them, byte for byte under our control.
 *
 * Names are raw bytes (no character set is declared or converted), owners are numbers, times have nanoseconds where they
 * need them, extended attributes are SCHILY.xattr records, files with holes are GNU sparse 1.0. The reader takes just this
 * dialect and refuses everything else: images are read by nobody but us and general tar programs.
 */
#pragma once

#include "archive/buf.h"
#include "base/err.h"
#include "sys/xattrs.h"

struct extent {
	uint64_t off, len;
};

struct member {
	char type; /* as in the manifest: f s d l h c b p */
	uint32_t mode, uid, gid;
	int64_t sec;
	uint32_t nsec;
	uint64_t size; /* f, s: of the file */
	uint32_t major, minor;
	char flags[16]; /* f s d: of the inode, in lsattr's letters */
	struct str path, target;
	struct xattrs xattrs;
	/* s: the map. The writer fills it; the reader gets it with pax_read_map, since it is part of the data. */
	struct extent *map;
	size_t n_map, map_cap;
	uint64_t stored; /* bytes behind the header, without padding: data and map */
};
#define _cleanup_member_ _cleanup_(member_done)
void member_done(struct member *m);
void member_reset(struct member *m); /* memory kept */
void member_add_extent(struct member *m, uint64_t off, uint64_t len);

/* Appends the headers (and the map of a file with holes); sets m->stored. */
void pax_write(struct member *m, struct buf *out);

/* Reads the headers at `p`: *ret_len bytes of them. 1: the end marker. */
int pax_read(const uint8_t *p, size_t n, struct member *m, size_t *ret_len,
	     struct err *err) _must_check_;
/* Takes the map of an s member from the start of its data. 1: `n` bytes hold only a part of it. *ret_len: its length. */
int pax_read_map(const uint8_t *p, size_t n, struct member *m, size_t *ret_len,
		 struct err *err) _must_check_;
