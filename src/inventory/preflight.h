/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pre-flight's checks: a const table of checks, and the known traps of each release pair as data.
 * They read a root that may hold only the small files an image's system state consists of (preflight_wants).
 */
#pragma once

#include "base/map.h"
#include "inventory/inventory.h"
#include "model/finding.h"
#include "model/layout.h"
#include "model/plan.h"

struct preflight_ctx {
	/* The full tree or the small files only. */
	const struct root *root;
	const struct inventory *inv;
	const struct layout *layout; /* may be NULL */
	const struct release *target;
	/* The trial solve; NULL when it failed, then plan_error has the solver's words. */
	const struct pkg_plan *plan;
	const char *plan_error;
	bool plan_untried;   /* something else inhibits: plan_error says what */
	bool update_allowed; /* -U: within the release */
	/* Bytes in the cache; cache_needed 0: nothing is to be put there. */
	uint64_t cache_free, cache_needed;
	/* Names of every package in the lpp_source's indexes and in those of the release
	 * before; NULL: unknown. */
	const struct map *known_target, *known_old;
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
/* The same for walking a tree: a directory is wanted when something below it can be. */
bool preflight_wants_entry(const char *path, bool is_dir);
