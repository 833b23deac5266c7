/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directories that a walk has still to visit, depth first: of each directory on the way down, the names of its
 * subdirectories. So memory grows with the widest directories on one path, not with the tree.
 */
#pragma once

#include "base/str.h"

struct dirstack_level {
	size_t path_len; /* of the directory, in dirstack.path */
	uint64_t mount;	 /* the caller's */
	struct str names;
	size_t at;
};

struct dirstack {
	struct dirstack_level *v;
	size_t n, cap;
	struct str path; /* of the directory to visit: "" is the top */
};
#define DIRSTACK_INIT                                                                    \
	{                                                                                \
		.v = NULL                                                                \
	}
#define _cleanup_dirstack_ _cleanup_(dirstack_done)
void dirstack_done(struct dirstack *s);
/* The directory at s->path is being visited: what dirstack_add names are subdirectories of it. */
void dirstack_enter(struct dirstack *s, uint64_t mount);
void dirstack_add(struct dirstack *s, const char *name);
/* Sets s->path to the next directory. *ret_mount: its parent's. false: there is none. */
bool dirstack_next(struct dirstack *s, uint64_t *ret_mount);
