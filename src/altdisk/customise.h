/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 2: the files that make a copy a system of its own, and the administrator's changes. Idempotent. */
#pragma once

#include "altdisk/packages.h"
#include "sys/runner.h"

struct customise {
	const struct root *alt; /* the mounted clone */
	struct runner *run;	/* runs `script` on this host */
	const struct layout *running, *target;
	struct events *events;
	const char *disk; /* the clone's boot disk, a name that lasts; or "" */
	const struct packages *packages;
	const char *packages_dir;   /* ours to make and to remove, outside of the clone */
	const struct strv *devices; /* nodes that the packages' scripts may see */
	const char *resolv_conf;    /* replaces the clone's; or NULL */
	/* runs once, when the clone boots for the first time; or NULL */
	const char *first_boot;
	const char *script; /* runs now, as the last thing, in the clone's top; or NULL */
};
/* Read only: the files are there and can be used. */
int customise_check(const struct customise *c, struct err *err) _must_check_;
int customise_run(const struct customise *c, struct err *err) _must_check_;
