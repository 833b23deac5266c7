/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A runner: how a backend's commands are executed. Local, in the sandbox, over ssh, or a recorder in tests.
 * A backend gets a struct root and a struct runner and nothing else of its surroundings.
 */
#pragma once

#include "sys/proc.h"

struct runner;
struct runner_ops {
	const char *name;
	/* Contract of proc_run. */
	int (*run)(struct runner *r, const struct proc_spec *spec,
		   struct proc_result *res, struct err *err);
	void (*free)(struct runner *r);
};
struct runner {
	const struct runner_ops *ops;
};

int runner_run(struct runner *r, const struct proc_spec *spec, struct proc_result *res,
	       struct err *err) _must_check_;
/* Contract of proc_check. */
int runner_check(struct runner *r, const struct proc_spec *spec, struct err *err)
	_must_check_;
struct runner *runner_free(struct runner *r); /* returns NULL; NULL is fine */
void runner_free_p(struct runner **r);
#define _cleanup_runner_ _cleanup_(runner_free_p)

/* Runs on this machine with proc_run. Static object; freeing it is harmless. */
struct runner *runner_local(void);
