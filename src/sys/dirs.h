/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories beneath a tree's top, reached without following any symbolic link; the last one is kept open, since
 * members of one directory follow each other. One object a thread.
 */
#pragma once

#include "base/str.h"

struct dirs {
	int top;	 /* borrowed */
	bool make;	 /* make missing directories */
	int fd;		 /* of `path`; -1: none */
	struct str path; /* "" is the top */
};
#define DIRS_INIT(top_fd, make_them)                                                     \
	{                                                                                \
		.top = (top_fd), .make = (make_them), .fd = -1                           \
	}
#define _cleanup_dirs_ _cleanup_(dirs_done)
void dirs_done(struct dirs *d);
/* O_PATH descriptor (borrowed, until the next call) of the directory that holds `path`; *ret_name points into `path`.
 * -1 and errno: ELOOP or ENOTDIR where something other than a directory is in the way. */
int dirs_parent(struct dirs *d, const char *path, const char **ret_name);
/* Opens what `path` names below `top`, no links followed: -1 and errno. "." is the top. */
int dirs_open(int top, const char *path, int flags);
