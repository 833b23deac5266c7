/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The child's side of proc_run, between fork and exec. Private to sys/proc.c. */
#pragma once

#include "sys/proc.h"

enum child_stage { CHILD_STDIO, CHILD_JAIL, CHILD_CHDIR, CHILD_EXEC };

/* What a child that never reached exec writes into its status pipe. */
struct child_failure {
	enum child_stage stage;
	int errnum;
};

struct child {
	const struct proc_spec *spec;
	const char *program; /* full path */
	char *const *envp;
	int std[3];    /* become 0, 1, 2; -1: leave as it is */
	int go_end;    /* the parent's end of it, to be closed */
	int go_fd;     /* a byte arrives when exec may go on; end of file: give up */
	int status_fd; /* close-on-exec: end of file tells the parent that exec worked */
	pid_t parent;
};

/* Uses async-signal-safe calls only: the parent may have threads. */
_noreturn_ void child_exec(const struct child *c);
