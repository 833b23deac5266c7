/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Three-way merge of texts with git or diff3 in the sandbox. Private to src/merge. */
#pragma once

#include "sys/runner.h"

struct three_way {
	const struct str *mine, *base, *theirs;
};

/* 0: *out is the merged text. 1: they conflict; *out is the text with conflict markers. 2: no merge tool could do it
 * (a binary file, none installed); `why` says so. -1: could not be run at all, or cancelled. */
int three_way_merge(struct runner *run, const struct three_way *in, struct str *out,
		    struct str *why, struct err *err) _must_check_;

/* As three_way_merge, with conflicts of neighbouring lines solved (merge/refine.h); on 1 *out is empty and `why` shows the
 * first conflict. */
int three_way_solve(struct runner *run, const struct three_way *in, struct str *out,
		    struct str *why, struct err *err) _must_check_;
