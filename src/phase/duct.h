/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command on a client, and a thread of ours at one end of it. */
#pragma once

#include "sys/runner.h"

enum duct_way {
	DUCT_OUT, /* the thread reads what the command writes to its standard output */
	DUCT_IN,  /* the thread writes what the command reads from its standard input */
};
/*
 * Runs the command to its end; meanwhile `work` has its end of the pipe in a thread of its own. 0: both went well. The
 * cause of a failure is what is reported, not what the other side made of it.
 */
int duct_run(struct runner *run, struct proc_spec *spec, enum duct_way way,
	     int (*work)(void *arg, int fd, struct err *err), void *arg, struct err *err)
	_must_check_;
