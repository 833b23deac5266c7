/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Package systems: what is installed, what a migration would change, and the change itself.
 *
 * A backend sees the alternate root as `root` (files) and runs its tools with `run`, a sandbox in which that root is
 * /alt_inst and the lpp_source /lpp_source. One solve decides everything (struct pkg_plan); phases 5 and 6 act on
 * parts of that one plan.
 */
#pragma once

#include "model/event.h"
#include "model/plan.h"
#include "sys/root.h"
#include "sys/runner.h"

struct pkg_ctx {
	const struct root *root;
	struct runner *run;
	struct events *events;
	const char *lpp_dir; /* the lpp_source's directory on the master */
	/* the job's directory for logs and state (dpkg's status-fd log, plan) */
	const char *work_dir;
	const char *release;	   /* target codename */
	const struct strv *bundle; /* extra packages to install, or NULL */
	unsigned script_timeout_s; /* longest silence of one maintainer script; 0: 900 */
};

struct pkg_backend {
	const char *name; /* "deb" */
	bool (*probe)(const struct root *root);
	/* The one solve. Missing archives are listed in *ret_missing as "URI name size SHA256:hash" lines when it is not NULL,
	 * and must be empty when it is NULL. */
	int (*plan)(const struct pkg_ctx *c, struct pkg_plan *ret,
		    struct strv *ret_missing, struct err *err);
	int (*prepare)(
		const struct pkg_ctx *c,
		struct err *err); /* policy-rc.d, diversions, preseed; idempotent */
	int (*apply_bos)(const struct pkg_ctx *c, const struct pkg_plan *p,
			 struct err *err); /* phase 5 */
	int (*apply_rest)(const struct pkg_ctx *c, const struct pkg_plan *p,
			  struct err *err); /* phase 6 */
	int (*finish)(const struct pkg_ctx *c,
		      struct err *err); /* takes `prepare` back; idempotent */
	/* Merges /bin, /sbin and /lib* into /usr. `c->root` is a plain tree (the overlay is laid over it later); `c->run` is not
	 * needed. Merged already: 0 at once. May be repeated after a crash. NULL: this system knows no such thing. */
	int (*merge_usr)(const struct pkg_ctx *c, struct err *err);
	/* Nothing half-installed, all at the lpp_source's level; findings say what is not. */
	int (*verify)(const struct pkg_ctx *c, const struct pkg_plan *p, bool bos_only,
		      struct findings *fs, struct err *err);
};

const struct pkg_backend *pkg_backend_for(const struct root *root); /* NULL: none known */
