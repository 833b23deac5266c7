/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts read from a system's files: release, architecture, package state, kernels, users. Read only, any root. */
#pragma once

#include "model/dpkg.h"
#include "model/release.h"
#include "sys/root.h"

struct inventory {
	char *distribution, *version_id, *codename, *pretty; /* os-release */
	const struct release *release;			     /* NULL: unknown */
	char *arch;					     /* dpkg's */
	char *hostname;
	struct dpkg_status packages;
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
/* A package whose files are all there: "install ok installed" or "hold ok installed"; NULL when it is not. */
const struct dpkg_package *inventory_installed(const struct inventory *inv,
					       const char *name);
bool inventory_is_installed(const struct dpkg_package *p);
