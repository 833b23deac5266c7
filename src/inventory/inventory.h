/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts read from a system's files: release, architecture, package state, kernels, users. Read only, any root. */
#pragma once

#include "base/map.h"
#include "model/release.h"
#include "sys/root.h"

struct inventory_package {
	char *name, *version, *arch, *status; /* "install ok installed" */
	char *source, *section, *priority;
	bool essential, hold;
	uint64_t installed_kb;
};

struct inventory {
	char *distribution, *version_id, *codename, *pretty; /* os-release */
	const struct release *release;			     /* NULL: unknown */
	char *arch;					     /* dpkg's */
	char *hostname;
	struct inventory_package *packages;
	size_t n_packages;
	struct strv foreign_archs;
	struct strv kernels;
	bool merged_usr;
};
#define INVENTORY_INIT                                                                   \
	{                                                                                \
		0                                                                        \
	}
#define _cleanup_inventory_ _cleanup_(inventory_done)
int inventory_read(struct inventory *inv, const struct root *root, struct err *err)
	_must_check_;
void inventory_done(struct inventory *inv);
const struct inventory_package *inventory_find(const struct inventory *inv,
					       const char *name);
