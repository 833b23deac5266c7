/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A root directory as an object: the running system, an alternate root, an image's tree, a test fixture.
 *
 * Every path is looked up with openat2(2) below the directory, as chroot(2) would: a leading '/' and
 * absolute symbolic links mean this root, ".." cannot leave it, magic links are refused.
 * Nothing in a root, however hostile, can make these functions touch a file outside it.
 * Paths are given with or without the leading '/'. Errors: ERR_OPERATOR with path and cause.
 */
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/str.h"
#include "base/strv.h"

struct root {
	int fd;	    /* O_PATH or O_RDONLY directory; -1 when closed */
	char *path; /* for messages and for tools that need a name; owned */
};
#define ROOT_INIT                                                                        \
	{                                                                                \
		-1, NULL                                                                 \
	}
#define _cleanup_root_ _cleanup_(root_done)

int root_open(struct root *r, const char *path, struct err *err) _must_check_;
/* A directory inside `r` as a root of its own. */
int root_open_sub(struct root *r, const struct root *parent, const char *path,
		  struct err *err) _must_check_;
void root_done(struct root *r);

/*
 * The raw lookup. Returns a descriptor, or -1 with errno set and no message: for callers to whom a missing
 * file is no error. O_CLOEXEC is added; with O_NOFOLLOW the last component is not followed.
 */
int root_openat(const struct root *r, const char *path, int flags, mode_t mode);
/* Opens the directory that holds the last component (no symlink followed in that component);
 * *ret_name points into `path`. -1 and errno. */
int root_open_parent(const struct root *r, const char *path, const char **ret_name);

bool root_exists(const struct root *r, const char *path); /* follows links */
int root_stat(const struct root *r, const char *path, struct stat *st);	 /* -1, errno */
int root_lstat(const struct root *r, const char *path, struct stat *st); /* -1, errno */
/* Target of a symbolic link, malloc'd; NULL and errno. */
char *root_readlink(const struct root *r, const char *path);

/* Whole file into `out` (appended); refuses more than `max` bytes (0: 64 MiB) and what is no regular file. */
int root_read(const struct root *r, const char *path, size_t max, struct str *out,
	      struct err *err) _must_check_;
/* As root_read; returns 1 and leaves *out alone when the file does not exist. */
int root_read_opt(const struct root *r, const char *path, size_t max, struct str *out,
		  struct err *err) _must_check_;
/* Written beside, synced and renamed over; parent must exist; keeps mode/owner/xattrs of a file that was there,
 * else mode `mode` and root's. A symbolic link is kept and what it leads to is replaced. */
int root_write(const struct root *r, const char *path, const void *data, size_t n,
	       mode_t mode, struct err *err) _must_check_;
int root_mkdirs(const struct root *r, const char *path, mode_t mode, struct err *err)
	_must_check_;
/* Replaces a file or link of that name; the same again is fine. */
int root_symlink(const struct root *r, const char *target, const char *path,
		 struct err *err) _must_check_;
int root_rename(const struct root *r, const char *from, const char *to, struct err *err)
	_must_check_;
/* A missing file is no error. */
int root_unlink(const struct root *r, const char *path, struct err *err) _must_check_;
/* Removes a whole tree beneath the root, never crossing into another mount, never following a link. */
int root_rmtree(const struct root *r, const char *path, struct err *err) _must_check_;
/* Copies one regular file or symlink with owner, mode, times and xattrs. */
int root_copy(const struct root *from, const char *src, const struct root *to,
	      const char *dst, struct err *err) _must_check_;
/* Sorted names of a directory, without "." and ".."; a missing directory gives an empty list and 0. */
int root_list(const struct root *r, const char *path, struct strv *ret, struct err *err)
	_must_check_;
