/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pre-flight's checks: a const table of checks, and the known traps of each release pair as data.
 * They read a root that may hold only the small files an image's system state consists of (preflight_wants).
 */
#pragma once

#include "inventory/inventory.h"
#include "model/finding.h"
#include "model/layout.h"
#include "model/plan.h"

struct preflight_ctx {
	const struct root *root; /* full tree or the small files */
	const struct inventory *inv;
	const struct layout *layout; /* may be NULL */
	const struct release *target;
	const struct pkg_plan *plan; /* trial solve; NULL when it failed */
	const char *plan_error;	     /* the solver's words, or NULL */
	const char *manifest; /* the image's, or NULL: paths and sizes of everything */
	bool update_allowed;  /* -U: within the release */
	uint64_t cache_free, cache_needed; /* bytes; 0: unknown */
	const char *lpp_source;		   /* object's name, for remedies */
	const struct strv *
		lpp_origins; /* hosts/paths of the sources that count as the distribution's, or NULL */
};

struct preflight_check {
	const char *id;
	const char *title;
	void (*run)(const struct preflight_ctx *c, const struct preflight_check *self,
		    struct findings *fs);
};
const struct preflight_check *preflight_table(size_t *ret_n);
/* Every check adds at least one finding (PASS when there is nothing to say). */
void preflight_run(const struct preflight_ctx *c, struct findings *fs);
/* Whether the pre-flight reads this path of an image ("etc/apt/sources.list", "var/lib/dpkg/status", ...): all of /etc,
 * the package state, os-release, /boot's names. */
bool preflight_wants(void *arg, const char *path);
