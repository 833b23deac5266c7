/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sandbox as a command line of bwrap: what is visible inside, where, and how. */
#pragma once

#include "base/strv.h"
#include "sandbox/sandbox.h"

/* Descriptors that bwrap reads or writes, by their numbers in the child. */
struct bwrap_fds {
	int filters[2]; /* seccomp programs */
	int info;	/* gets bwrap's JSON about the child */
	int empty; /* an open /dev/null, duplicated for each file that is to look empty */
};

/* Words of bwrap's command line before the command. `files` are descriptors that bwrap copies into files inside:
 * they must stay open under their numbers until bwrap runs, and be closed then. */
struct bwrap_line {
	struct strv words;
	int files[96];
	size_t n_files;
};
#define BWRAP_LINE_INIT                                                                  \
	{                                                                                \
		STRV_INIT, { 0 }, 0                                                      \
	}
void bwrap_line_done(struct bwrap_line *line);
#define _cleanup_bwrap_line_ _cleanup_(bwrap_line_done)

int bwrap_line_build(struct bwrap_line *line, const struct sandbox_config *cfg,
		     const struct bwrap_fds *fds, struct err *err) _must_check_;

/* After bwrap_line_build: a read-only file inside, at `path`, where one must exist, with the descriptor's bytes from its
 * current offset on. Takes the descriptor. */
int bwrap_line_file(struct bwrap_line *line, const char *path, int fd, struct err *err)
	_must_check_;

/* Mount points that the sandbox lays over a root's own directories. */
#define BWRAP_MOUNT_POINTS 5
extern const char *const bwrap_mount_points[BWRAP_MOUNT_POINTS];
