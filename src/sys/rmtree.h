/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removal of trees by descriptor, whatever their depth. Shared by sys/root.c and sys/files.c. */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* Told now and then, and at the end, how many entries below the tree's top have gone so far. */
struct rmtree_watch {
	void (*gone)(void *arg, uint64_t n);
	void *arg;
};

/*
 * Removes `name` (one component, a file or a tree) from the directory `dirfd`. Never follows a symbolic link,
 * never enters another mount (that is an error; what lies beside it may be gone by then). Missing: 0.
 * `last`: a name in the tree's top that is removed after everything else there; may be NULL.
 * `shown` is the path for messages.
 */
int rmtree_at(int dirfd, const char *name, const char *last, const char *shown,
	      struct err *err) _must_check_;
/* `watch` may be NULL. */
int rmtree_watched_at(int dirfd, const char *name, const char *last, const char *shown,
		      const struct rmtree_watch *watch, struct err *err) _must_check_;
