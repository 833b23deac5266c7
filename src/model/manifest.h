/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manifest of an image (mksysb(5)): a first line with totals, then one line a member, in the archive's order:
 *
 *	nimadm-manifest 1 members=N bytes=N length=N
 *	TYPE MODE UID GID SECONDS.NANOSECONDS SIZE SHA256 XATTRS FLAGS PATH[ TARGET]
 *
 * TYPE: f file, s file with holes, d directory, l symbolic link, h hard link to TARGET, c and b devices, p fifo.
 * SIZE: of f and s in bytes, of c and b "major:minor", else 0. SHA256: of f the content's, of s the digest of its
 * blocks (mksysb(5)), else "-". XATTRS: 16 digits over all extended attributes, or "-". FLAGS: inode flags as lsattr
 * shows them, or "-". PATH and TARGET: bytes up to 0x20, 0x7f and '\' as "\ooo"; no leading slash; the root is ".".
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define MANIFEST_VERSION 1

struct manifest_head {
	uint64_t members, bytes; /* bytes: sum of the sizes of f and s */
	uint64_t length;	 /* of the whole image file */
};

struct manifest_entry {
	char type;
	uint32_t mode, uid, gid; /* mode without the type's bits */
	int64_t sec;
	uint32_t nsec;
	uint64_t size;
	uint32_t major, minor;
	char sha256[65]; /* "" where the line has "-" */
	char xattrs[17];
	char flags[16];
	struct str path, target; /* unescaped; reused from entry to entry */
};
#define _cleanup_manifest_entry_ _cleanup_(manifest_entry_done)
void manifest_entry_done(struct manifest_entry *e);

/* Whether what the entry tells of is such a thing: a file, directory or symbolic link; false for all else. */
bool manifest_is_of_kind(const struct manifest_entry *e, mode_t mode);
/* Whether this is of the time, and a file of the length, that the entry tells. */
struct statx;
bool manifest_is_as_it_was(const struct manifest_entry *e, const struct statx *sx);

/* Fixed width, whatever the numbers. */
void manifest_head_write(const struct manifest_head *h, struct str *out);
void manifest_entry_write(const struct manifest_entry *e, struct str *out);

/* A position in a manifest's text. */
struct manifest_cursor {
	const char *p, *end;
	uint64_t line; /* of the entry read last; the first line is 1 */
};
/* Reads the first line. `text` stays the caller's. */
int manifest_begin(struct manifest_cursor *c, const char *text, size_t len,
		   struct manifest_head *ret, struct err *err) _must_check_;
/* 0: *e is the next entry; 1: there is none; -1: "manifest: line N: cause". */
int manifest_next(struct manifest_cursor *c, struct manifest_entry *e, struct err *err)
	_must_check_;

/* A path without "..", ".", empty parts, leading slash or NUL; or "." itself. */
bool manifest_path_is_safe(const char *path, size_t len);
/* One path as the manifest shows it. */
void manifest_escape(const char *path, struct str *out);
