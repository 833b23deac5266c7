/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directories that a walk has still to visit, depth first: of each directory on the way down, the names of its
 * subdirectories. So memory grows with the widest directories on one path, not with the tree.
 */
#pragma once

#include "base/str.h"

struct todo_level {
	size_t path_len; /* of the directory, in todo.path */
	uint64_t mount;	 /* the caller's */
	struct str names;
	size_t at;
};

struct todo {
	struct todo_level *v;
	size_t n, cap;
	struct str path; /* of the directory to visit: "" is the top */
};
#define TODO_INIT                                                                        \
	{                                                                                \
		.v = NULL                                                                \
	}
#define _cleanup_todo_ _cleanup_(todo_done)
void todo_done(struct todo *t);
/* The directory at t->path is being visited: what todo_add names are subdirectories of it. */
void todo_enter(struct todo *t, uint64_t mount);
void todo_add(struct todo *t, const char *name);
/* Sets t->path to the next directory. *ret_mount: its parent's. false: there is none. */
bool todo_next(struct todo *t, uint64_t *ret_mount);
