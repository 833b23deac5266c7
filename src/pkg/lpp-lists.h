/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verified indexes of an lpp_source: brought up to date as a whole, or left as they were. */
#pragma once

#include "pkg/lpp-conf.h"

/* apt-get update into a directory beside, checks, then the directories change places. Suites that the archive does not
 * have are dropped from l->sources where they are optional. */
int lpp_lists_update(struct lpp *l, struct events *ev, struct err *err) _must_check_;
/* A field of a suite's (In)Release file, malloc'd; NULL when there is none. */
char *lpp_lists_release_field(const struct lpp *l, const struct lpp_source *src,
			      const char *field);
/* The indexes again against their signatures: names what is bad as findings. */
int lpp_lists_check(const struct lpp *l, struct findings *fs, struct err *err)
	_must_check_;
