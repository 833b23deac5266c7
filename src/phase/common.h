/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What several phases share: the job's working tree, the sandbox around it, the image's layout, the plan.
 *
 * Mounts live in the worker's private mount namespace and vanish with it, so each phase attaches what it needs; attaching
 * twice is free.
 */
#pragma once

#include "engine/phase.h"
#include "inventory/inventory.h"
#include "merge/merge.h"
#include "model/layout.h"
#include "model/plan.h"
#include "pkg/pkg.h"
#include "sys/root.h"
#include "sys/runner.h"

/* Which tree of the job a phase works on. */
enum tree {
	TREE_FACTS, /* the image's small files, for the pre-flight */
	TREE_LOWER, /* the restored system as it was */
	TREE_ALT, /* the alternate root: overlay of what changed over the restored tree */
	TREE_RESULT, /* the same, finished: on its disk, and only read from now on */
	/* Throw-away overlays of the last two, for services' own checkers, which write as they go. */
	TREE_CHECK_LOWER,
	TREE_CHECK_ALT,
};

/* An open tree with the sandbox around it. */
struct site {
	struct root root;
	struct runner *run;
	char *path;
};
#define SITE_INIT                                                                        \
	{                                                                                \
		ROOT_INIT, NULL, NULL                                                    \
	}
#define _cleanup_site_ _cleanup_(site_done)
/* Opens a tree of the job; TREE_ALT and TREE_RESULT mount the overlay first when it is not mounted like that yet. */
int site_open(struct site *s, const struct phase_ctx *c, enum tree tree, bool read_only,
	      struct err *err) _must_check_;
void site_done(struct site *s);

/* usrmerge has work to do: it would write into a tree that it must have for itself. */
bool common_merges_usr(const struct phase_ctx *c);

/* The alternate root, mounted in this process's namespace; to be written to, or finished: on its disk, and only read from now
 * on. Again and again: nothing. */
int common_attach(const struct phase_ctx *c, struct err *err) _must_check_;
int common_attach_result(const struct phase_ctx *c, struct err *err) _must_check_;

/* Unmounts the alternate root in this process's namespace, if it is mounted. */
int common_detach(const struct phase_ctx *c, struct err *err) _must_check_;

/* files_rmtree with progress. */
int common_remove(const struct phase_ctx *c, const char *dir, const char *marker,
		  struct err *err) _must_check_;

/* Drops everything that was written over the restored tree. */
int common_drop_changes(const struct phase_ctx *c, struct err *err) _must_check_;

/* The layout of the image as it is now: the job's own image.data once phase 5 has written one, else
 * -i's, else the image's. */
int common_layout(const struct phase_ctx *c, struct layout *ret, struct err *err)
	_must_check_;
int common_layout_save(const struct phase_ctx *c, const struct layout *l, struct err *err)
	_must_check_;
int common_plan_load(const struct phase_ctx *c, struct pkg_plan *ret, struct err *err)
	_must_check_;
/* Makes the file system that holds /usr large enough for what the plan unpacks; says so. */
void common_grow(struct layout *l, const struct pkg_plan *plan, struct events *events);
char *common_plan_path(const struct phase_ctx *c) _must_check_;

/* Reads a bundle file: package names, one a line, '#' comments. Empty without -b. */
int common_bundle(const struct phase_ctx *c, struct strv *ret, struct err *err)
	_must_check_;

/* The package system of a site's tree; NULL: an error. */
const struct pkg_backend *common_backend(const struct site *s, struct err *err);

/* A pkg_ctx for a site; `bundle` must live as long. */
struct pkg_ctx common_pkg(const struct phase_ctx *c, const struct site *s,
			  const struct strv *bundle);

/* Everything a merge method sees: both roots with their sandboxes, the layout, the plan. */
struct merge_site {
	struct site old, alt, check_old, check_alt;
	struct layout layout;
	struct pkg_plan plan;
	struct findings findings;
	struct merge_ctx ctx;
	char *from_release;
};
#define _cleanup_merge_site_ _cleanup_(merge_site_done)
int merge_site_open(struct merge_site *m, const struct phase_ctx *c, struct err *err)
	_must_check_;
/* Adds the throw-away trees that validators run in; merge_site_done drops what they wrote. */
int merge_site_open_checks(struct merge_site *m, const struct phase_ctx *c,
			   struct err *err) _must_check_;
/* Emits the findings and stores them and the methods' report under facts.<key>. */
int merge_site_store(struct merge_site *m, const struct phase_ctx *c, const char *key,
		     struct err *err) _must_check_;
void merge_site_done(struct merge_site *m);

/* What the phases that change packages work with. */
struct package_work {
	struct merge_site m;
	struct strv bundle;
	const struct pkg_backend *backend;
	struct pkg_ctx ctx;
};
#define _cleanup_package_work_ _cleanup_(package_work_done)
int package_work_open(struct package_work *w, const struct phase_ctx *c, struct err *err)
	_must_check_;
void package_work_done(struct package_work *w);

/* Facts: small typed access, saved at once. */
int common_fact_set(const struct phase_ctx *c, const char *key, json_t *value_stolen,
		    struct err *err) _must_check_;
const json_t *common_fact(const struct phase_ctx *c, const char *key);

/* Writes what an lpp_source holds now into its object: level, held_packages, size. */
int common_lpp_level(struct store *s, const char *name, const char *dir, struct err *err)
	_must_check_;

/* Runs a script resource on the master with NIM_* in its environment; anything but status 0 is an error. */
int common_script(const struct phase_ctx *c, const char *script, const char *which,
		  struct err *err) _must_check_;

/* The package backend's own proof, for the base system or for everything; findings are emitted, INHIBIT ones are the error. */
int common_verify_packages(const struct phase_ctx *c, bool bos_only, struct err *err)
	_must_check_;
