/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plan of a migration's packages: what one trial solve decided; phases 5 and 6 act on parts of it. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

enum pkg_action { PKG_UPGRADE, PKG_INSTALL, PKG_REMOVE };
enum pkg_removal {
	PKG_REPLACED,
	PKG_OBSOLETE,
	PKG_LOST
}; /* why a package goes; LOST: a function is lost */

struct pkg_item {
	char *name, *arch; /* arch: "amd64", "all" */
	char *old_version; /* "" for INSTALL */
	char *new_version; /* "" for REMOVE */
	char *file;	   /* archive's name in the lpp_source's pool, "" for REMOVE */
	enum pkg_action action;
	enum pkg_removal removal; /* REMOVE only */
	char *replaced_by;	  /* REMOVE: the package that takes over, or "" */
	bool bos;		  /* belongs to the base system: phase 5 */
	int64_t size_delta;	  /* installed bytes, new minus old */
};

struct pkg_plan {
	struct pkg_item *v; /* in the order of apt's plan */
	size_t n, cap;
	uint64_t download_bytes, unpacked_delta;
};
#define PKG_PLAN_INIT                                                                    \
	{                                                                                \
		0                                                                        \
	}
void pkg_plan_done(struct pkg_plan *p);
/* JSON file form, one object with "items"; for <job>/plan.json. */
int pkg_plan_save(const struct pkg_plan *p, const char *path, struct err *err)
	_must_check_;
int pkg_plan_load(struct pkg_plan *p, const char *path, struct err *err) _must_check_;
/* Item of that name and arch (arch NULL: any), or NULL. */
const struct pkg_item *pkg_plan_find(const struct pkg_plan *p, const char *name,
				     const char *arch);
void pkg_plan_drop(struct pkg_plan *p, size_t i); /* the item with index i */
/* zeroed; strings are owned by the plan */
struct pkg_item *pkg_plan_add(struct pkg_plan *p);
