/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What spot.c and spot-check.c share: names inside a SPOT's directory. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

/* Beside the essential packages and apt: what the phases call inside the SPOT. */
extern const char *const spot_packages[];
/* Programs that must be there and start: each with an argument that makes it print something and end with 0. */
struct spot_tool {
	const char *path, *arg;
};
extern const struct spot_tool spot_tools[];

#define SPOT_ROOT   "root"
#define SPOT_SUMS   "spot.sums"
#define SPOT_JSON   "spot.json"
#define SPOT_FORMAT 1

/* One line a path of <dir>/root, sorted: "type mode uid gid size-or-target sha256 path", percent-quoted. */
int spot_manifest(const char *root, struct strv *lines, struct err *err) _must_check_;
