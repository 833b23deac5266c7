/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The content store that all clients share: <cache>/objects/AB/<SHA-256 of the content><type>, one file each.
 *
 * The name is the content, which is checked before an object appears; the inode has the attributes of the file that brought
 * it. Jobs refer to an object by a hard link of their own (cache/pull.h), so the link count counts references, a
 * removal never takes content away from a job that runs, and no crash can lose or invent a reference. A hard link
 * changes the inode's ctime: what was not used for the longest time is what goes first.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "model/progress.h"

#define OBJECT_NAME_LEN 69 /* "ab/", 64 digits, the type, NUL */

struct objects {
	char *dir;
	int fd; /* of it */
};
#define OBJECTS_INIT                                                                     \
	{                                                                                \
		NULL, -1                                                                 \
	}
#define _cleanup_objects_ _cleanup_(objects_done)
/* Opens or makes the store below the cache directory, which is made too. */
int objects_open(struct objects *o, const char *cache, struct err *err) _must_check_;
void objects_done(struct objects *o);
/* "ab/abcd...f" */
void object_name(const char *sha256, char type, char ret[OBJECT_NAME_LEN]);

/* Gives an object another name at `to`, in the same file system. 1: the store does not have it. */
int objects_take(const struct objects *o, const char *name, int to, const char *to_name,
		 struct err *err) _must_check_;
/* Takes a file in under its object's name; its content was checked. One that is there already stays. */
int objects_add(const struct objects *o, int from, const char *from_name,
		const char *name, struct err *err) _must_check_;

struct objects_usage {
	uint64_t objects, bytes;
	uint64_t used_objects, used_bytes; /* of jobs that exist */
};
int objects_usage(const struct objects *o, struct objects_usage *ret, struct err *err)
	_must_check_;
/* Removes objects that no job uses, those first that were not used for the longest time, until the store has no more than
 * `limit` bytes. *ret: what went. */
int objects_collect(const struct objects *o, uint64_t limit, struct objects_usage *ret,
		    struct err *err) _must_check_;
/* Reads every object; one whose content is not its name is told and removed. *ret_bad: how many. */
struct objects_check {
	void (*bad)(void *arg, const char *name, const char *what);
	void *arg;
	const struct progress *progress;
};
int objects_check(const struct objects *o, const struct objects_check *c,
		  uint64_t *ret_bad, struct err *err) _must_check_;
