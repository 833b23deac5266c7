/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The master's own files: state directory, logs, outputs. For files inside a foreign root use sys/root.h. */
#pragma once

#include "base/err.h"
#include "base/str.h"

int files_mkdirs(const char *path, mode_t mode, struct err *err) _must_check_;
int files_read(const char *path, size_t max, struct str *out, struct err *err)
	_must_check_;
/* What a descriptor still gives, added to `out`; -1 and errno: EFBIG when it is more than `max` bytes. */
int files_read_fd(int fd, size_t max, struct str *out) _must_check_;
/* All bytes to a descriptor; -1 and errno. */
int files_write_all(int fd, const void *data, size_t n) _must_check_;
int files_pwrite_all(int fd, const void *data, size_t n, uint64_t off) _must_check_;
/* A file without a name in this directory, open for reading and writing: gone with its descriptor. */
int files_nameless(const char *dir, struct err *err) _must_check_;
/* Written beside, synced, renamed over; the directory is synced too. */
int files_write_atomic(const char *path, const void *data, size_t n, mode_t mode,
		       struct err *err) _must_check_;
bool files_exists(const char *path);
bool files_is_dir(const char *path);
/* Absolute form of a path that need not exist; malloc'd. */
char *files_absolute(const char *path);
/* Removes a tree; refuses "/", anything shorter than two components, and a missing marker file when `marker` is given
 * (the tree's top must hold it). Missing tree: 0. Never crosses mounts or follows links. */
int files_rmtree(const char *path, const char *marker, struct err *err) _must_check_;
/* The same with somebody who waits; `watch` may be NULL. */
struct rmtree_watch;
int files_rmtree_watched(const char *path, const char *marker,
			 const struct rmtree_watch *watch, struct err *err) _must_check_;
/* What lies below the directory `path` on its file system. */
struct files_usage {
	/* st_blocks * 512, the directory itself included, a file with several names once */
	uint64_t bytes;
	uint64_t names;
};
int files_usage(const char *path, struct files_usage *ret, struct err *err) _must_check_;
int files_disk_usage(const char *path, uint64_t *ret, struct err *err) _must_check_;

/* A file that appears under its name only when published: written to a temporary name in the same directory. Of what is there
 * only a file is replaced. */
struct files_pending {
	int fd;
	char *tmp, *path;
};
#define FILES_PENDING_INIT                                                               \
	{                                                                                \
		-1, NULL, NULL                                                           \
	}
#define _cleanup_files_pending_ _cleanup_(files_pending_drop)
int files_pending_open(struct files_pending *p, const char *path, mode_t mode,
		       struct err *err) _must_check_;
/* fsync, rename, fsync of the directory. */
int files_pending_publish(struct files_pending *p, struct err *err) _must_check_;
/* removes the temporary; no-op after publish */
void files_pending_drop(struct files_pending *p);
