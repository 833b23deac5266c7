/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the pre-flight share: the groups of checks and helpers for their evidence. */
#pragma once

#include "inventory/preflight.h"

typedef void preflight_fn(const struct preflight_ctx *c,
			  const struct preflight_check *self, struct findings *fs);

/* preflight-system.c */
preflight_fn preflight_distribution, preflight_distance, preflight_arch,
	preflight_foreign_arch, preflight_merged_usr, preflight_boot, preflight_layout,
	preflight_space, preflight_cache, preflight_kernels;
/* preflight-packages.c */
preflight_fn preflight_dpkg_state, preflight_held, preflight_pinned, preflight_foreign,
	preflight_obsolete, preflight_sources, preflight_solve, preflight_removals,
	preflight_lost, preflight_conffiles, preflight_size;
/* preflight-traps.c */
preflight_fn preflight_traps;

void preflight_pass(const struct preflight_check *self, struct findings *fs,
		    const char *evidence);
void preflight_add(const struct preflight_check *self, struct findings *fs,
		   enum finding_severity severity, const char *evidence,
		   const char *remedy);

/* "a, b, c and 12 more": the evidence line of a list of names. malloc'd. */
char *preflight_join(const struct strv *names, size_t max) _must_check_;
