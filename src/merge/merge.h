/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merge methods: one const object per kind of configuration that a migration must carry over, in a const table
 * (merge/table.c); and validators, which run services' own checkers on the old and on the migrated root and report
 * regressions only.
 */
#pragma once

#include "model/event.h"
#include "model/layout.h"
#include "model/plan.h"
#include "sys/root.h"
#include "sys/runner.h"

struct merge_ctx {
	/* The system as it was, read only (the overlay's lower tree). */
	const struct root *old_root;
	const struct root *root;     /* the alternate root, written */
	const struct root *baseline; /* merge_run's own (merge/baseline.h) */
	struct runner *run;	     /* sandbox around `root` */
	/* The checkers' sandboxes, around throw-away overlays of the two roots: checkers write logs and caches as they go,
	 * and nothing of that may stay. run_old may also be a read-only sandbox; run_check NULL: `run` is used. */
	struct runner *run_old, *run_check;
	/* NULL or empty: the image tells nothing about its disks */
	const struct layout *layout;
	const struct pkg_plan *plan;
	const char *from_release, *release; /* codenames */
	const char *work_dir;		    /* the job's directory */
	const char *hooks_dir;		    /* NULL: /etc/nimadm/merge.d */
	struct events *events;
	/* What needs a human, and what was done (INFO). Not emitted as events: that is the caller's. */
	struct findings *findings;
	struct json_t *report; /* object: one member per method, what it changed */
	/* The file `path` as package `pkg` of exactly `version` shipped it; 1: not to be had. */
	int (*pristine)(void *arg, const char *pkg, const char *version, const char *arch,
			const char *path, struct str *out, struct err *err);
	void *pristine_arg;
};

enum merge_stage { MERGE_BEFORE_PACKAGES, MERGE_AFTER_PACKAGES };

struct merge_method {
	const char *name;  /* "apt_sources" */
	const char *title; /* "Package sources" */
	const char *help;  /* one sentence, for nimadm-merge(7) */
	enum merge_stage stage;
	bool (*applies)(const struct merge_ctx *c);
	int (*run)(const struct merge_ctx *c, struct err *err); /* idempotent */
};
const struct merge_method *const *merge_table(size_t *ret_n);

/* Copies /etc and the package state's small files to /var/adm/nimadm/save in the alternate root (from the old root), and a
 * tar.zst of the same to `beside` on the master (NULL: none). Idempotent. */
int merge_save_config(const struct merge_ctx *c, const char *beside, struct err *err)
	_must_check_;
/*
 * All methods of a stage, then the executables of /etc/nimadm/merge.d on the master (NIM_MERGE_STAGE=before|after,
 * NIM_ALT_INST, NIM_OLD_ROOT, NIM_RELEASE, NIM_FROM_RELEASE, NIM_JOB_DIR). What was done is kept in the alternate root
 * (/var/adm/nimadm/merge), so that a repeated run reports the whole of it again.
 */
int merge_run(const struct merge_ctx *c, enum merge_stage stage, struct err *err)
	_must_check_;
/* Validators on both roots; findings "validate.<name>": INHIBIT for an enabled service, WARN else; PASS where fine. */
int merge_validate(const struct merge_ctx *c, struct err *err) _must_check_;
