/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What packages shipped as configuration files: dpkg's and ucf's records of a root. Private to src/merge. */
#pragma once

#include "base/map.h"
#include "merge/merge.h"

enum shipped_by { SHIPPED_DPKG, SHIPPED_UCF };

struct shipped {
	enum shipped_by by;
	char md5[33];			/* of the version last shipped */
	char *package, *version, *arch; /* dpkg's; "" for ucf's */
	bool obsolete;
};

/* path -> struct shipped, of all packages whose files are there. A root without dpkg gives an empty map. */
int shipped_read(const struct root *r, struct map **ret, struct err *err) _must_check_;
/* The file is recorded, is there, and differs from the record. */
bool shipped_is_edited(const struct map *shipped, const struct root *r, const char *path);
/* The file is recorded, is there, and is as recorded. */
bool shipped_is_pristine(const struct map *shipped, const struct root *r,
			 const char *path);

/*
 * The content that the old package shipped for `path`, verified against the record: out of ucf's cache, from a file of
 * the old root with that checksum, or from the package itself (ctx->pristine). 1: not to be had.
 */
int shipped_pristine(const struct merge_ctx *c, const char *path, const struct shipped *s,
		     struct str *out, struct err *err) _must_check_;
