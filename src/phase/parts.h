/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file systems of a job's tree that get an overlay each, stacked at their mount points: an overlay does not cross into
 * what is mounted below its lower tree. A tree in the cache, and an image's, is a single one.
 */
#pragma once

#include "engine/job.h"
#include "sys/mount.h"

struct part {
	char *path; /* "" is the tree's top, then "/boot"; parents first */
	/* NULL in both: only read */
	char *upper, *work;
	char *middle; /* between the lower and the upper tree; NULL: nothing */
};
struct parts {
	struct part *v;
	size_t n;
};
#define PARTS_INIT                                                                       \
	{                                                                                \
		NULL, 0                                                                  \
	}
#define _cleanup_parts_ _cleanup_(parts_done)
void parts_done(struct parts *p);

/* The parts of the job's tree as the fact "parts" lists them, with upper and work trees of these names; those of all but the
 * first have its number added. */
void parts_of(const struct job *job, const char *upper, const char *work,
	      struct parts *ret);
/* The job's own. */
void parts_of_job(const struct job *job, struct parts *ret);

/* A directory below `top` that a mount can go to, as an O_PATH descriptor; no link is followed on the way, whoever made it.
 * "" is the top. */
int parts_place(const char *top, const char *path, struct err *err) _must_check_;
/* Overlays of what is at `lower` at `target`, as far as they are not mounted yet. All or none. */
int parts_attach(const struct parts *p, const char *lower, const char *target,
		 enum mount_overlay how, struct err *err) _must_check_;
int parts_detach(const struct parts *p, const char *target, struct err *err) _must_check_;
/* The same; and the upper trees are on their disk. */
int parts_release(const struct parts *p, const char *target, struct err *err)
	_must_check_;
/* The upper and work trees, empty. */
int parts_make(const struct parts *p, struct err *err) _must_check_;
