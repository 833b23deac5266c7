/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts that vanish with the process.
 *
 * A worker enters its own private mount namespace first; whatever it mounts there is gone when it ends, also by
 * SIGKILL, so a crashed job never leaves a mount behind.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* unshare(CLONE_NEWNS) and make everything private. Single-threaded callers only; idempotent. */
int mount_private_namespace(struct err *err) _must_check_;
/* A descriptor (borrowed) of the mount namespace that this process was in before. */
int mount_first_namespace(struct err *err) _must_check_;
/* The same of its root there. */
int mount_first_root(struct err *err) _must_check_;
/* Runs fn(arg) there, and returns what it returns: in a thread of its own. */
int mount_in_first(int (*fn)(void *arg, struct err *err), void *arg, struct err *err)
	_must_check_;
/* A copy of what is mounted at `path` (`all`: and below it), mounted nowhere until mount_put does so; a descriptor. */
int mount_copy(const char *path, bool all, struct err *err) _must_check_;
int mount_put(int tree, const char *path, struct err *err) _must_check_;
/* What is mounted at `path`, and below it, is there at the same path, too, and stays when this process ends. */
int mount_publish(const char *path, struct err *err) _must_check_;
/* Of the mounts that a private namespace was made with, it forgets those right below `dir`: whoever has made them can unmount
 * them for good. */
int mount_forget_below(const char *dir, struct err *err) _must_check_;
/*
 * overlay at `target`; metacopy and redirect_dir on, index off unless links are kept, volatile where the kernel has it.
 * A volatile overlay does not sync what it writes. That survives the death of the process but not of the machine,
 * so the file "<work>.state" tells which boot wrote to `upper`: where the machine went down before
 * mount_overlay_end, mounting again is refused (ERR_OPERATOR), for the upper tree cannot be trusted. One that is
 * read-only leaves that file as it is.
 */
enum mount_overlay {
	MOUNT_OVERLAY_PLAIN = 0,
	MOUNT_OVERLAY_KEEP_LINKS = 1,
	MOUNT_OVERLAY_READ_ONLY = 2,
	/* never volatile: what is written there is to survive the machine's death */
	MOUNT_OVERLAY_DURABLE = 4,
};
int mount_overlay(const char *lower, const char *upper, const char *work,
		  const char *target, enum mount_overlay how, struct err *err)
	_must_check_;
/* The same over two trees, of which `middle` was the upper one of an overlay of `lower`. Without `upper` and `work` it is
 * read-only, and nothing is recorded. */
struct mount_layers {
	const char *lower, *middle, *upper, *work;
};
int mount_layers(const struct mount_layers *l, const char *target, enum mount_overlay how,
		 struct err *err) _must_check_;
/* Unmounts, writes the upper tree to its disk, records that. Idempotent. Call it when a phase is done. */
int mount_overlay_end(const char *upper, const char *work, const char *target,
		      struct err *err) _must_check_;
/* Forgets what "<work>.state" says; for callers that have emptied `upper` and `work`. */
int mount_overlay_forget(const char *work, struct err *err) _must_check_;
/* What is mounted below `target` later is not seen at `source`, nor the other way round. */
int mount_bind(const char *source, const char *target, bool read_only, struct err *err)
	_must_check_;
int mount_tmpfs(const char *target, const char *options, struct err *err) _must_check_;
int mount_umount(const char *target, struct err *err) _must_check_; /* not mounted: 0 */
bool mount_is_mountpoint(const char *path);
/* the file system there; false where that cannot be told */
bool mount_is_read_only(const char *path);
/* Free bytes for root and total bytes of the file system that holds `path`. */
int mount_space(const char *path, uint64_t *ret_free, uint64_t *ret_total,
		struct err *err) _must_check_;
