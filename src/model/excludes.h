/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exclude patterns as mksysb(8) takes them: basic regular expressions on paths that begin with "./". */
#pragma once

#include <regex.h>

#include "base/err.h"
#include "base/strv.h"

struct excludes {
	regex_t *v;
	size_t n;
};
#define _cleanup_excludes_ _cleanup_(excludes_done)
/* `patterns` may be NULL. ERR_USAGE names the pattern that is wrong. */
int excludes_init(struct excludes *x, const struct strv *patterns, struct err *err)
	_must_check_;
void excludes_done(struct excludes *x);
/* `path` without "./". Thread-safe. */
bool excludes_match(const struct excludes *x, const char *path);
