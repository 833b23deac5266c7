/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes (ACLs and file capabilities among them) and inode flags of one file.
 *
 * A list is kept as one run of bytes, sorted by name: name, NUL, length (4 bytes, little-endian), value. The digest in
 * the manifest is the start of the SHA-256 of these bytes.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct xattrs {
	struct str blob;
	size_t n;
};
void xattrs_done(struct xattrs *x);
void xattrs_reset(struct xattrs *x);
void xattrs_add(struct xattrs *x, const char *name, const void *value, size_t len);
/* for (size_t pos = 0; xattrs_next(x, &pos, &name, &value, &len);) */
bool xattrs_next(const struct xattrs *x, size_t *pos, const char **name,
		 const void **value, size_t *len);
/* Whether one of this name is among them. */
bool xattrs_has(const struct xattrs *x, const char *name);
/* False for what belongs to a mount, not to the file: an overlay's book-keeping, NFS's view of the mode. */
bool xattrs_is_kept(const char *name);
/* 16 hexadecimal digits, or "" where there are none. */
void xattrs_digest(const struct xattrs *x, char ret[17]);

/* A file: by descriptor, or, where that is -1, by name in a directory (for what cannot be opened). */
struct xattrs_of {
	int fd;
	int dir_fd;
	const char *name;
};
/* 0, or -1 and errno. A file system without extended attributes gives an empty list. */
int xattrs_read(struct xattrs *x, const struct xattrs_of *of) _must_check_;
/* -1 and errno; *ret_name is the attribute that failed. */
int xattrs_apply(const struct xattrs *x, const struct xattrs_of *of,
		 const char **ret_name) _must_check_;

/* The same, and attributes that are not in the list are taken away. */
int xattrs_replace(const struct xattrs *x, const struct xattrs_of *of,
		   const char **ret_name) _must_check_;

/* lsattr's letters for the flags that a copy should keep; "" for none. False where the file system has no flags. */
bool flags_read(int fd, char ret[16]);
/* As many as the file system knows; -1 and errno: one that it knows cannot be set. */
int flags_apply(int fd, const char *letters) _must_check_;
/* Takes those flags away: what is immutable can be changed then. Errors show when it is. */
void flags_clear(int fd);
/* The names that other programs have for them: "schg,nodump". flags_parse: false where one is not known. */
void flags_names(const char *letters, struct str *out);
bool flags_parse(const char *names, size_t n, char ret[16]);
/* Whether a copy on any file system has what it should: what a, d and i mean is never given up in silence. */
bool flags_are_kept(const char *want, const char *have);
