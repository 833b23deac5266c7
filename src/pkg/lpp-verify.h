/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many files against their records, with all cores. */
#pragma once

#include "pkg/lpp-pool.h"

/* One file and what it must be; `why` is filled when it is not (malloc'd). */
struct lpp_verify_item {
	char *path;
	const char *name;
	const struct lpp_record *record;
	char *why;
};
struct lpp_verify_list {
	struct lpp_verify_item *v;
	size_t n;
};
#define _cleanup_lpp_verify_ _cleanup_(lpp_verify_done)
void lpp_verify_done(struct lpp_verify_list *list);

/* Reads and hashes every recorded file of a shelf. `records` must outlive the list. */
int lpp_verify_shelf(const struct lpp *l, enum lpp_shelf shelf, const struct map *records,
		     struct events *ev, struct lpp_verify_list *ret, struct err *err)
	_must_check_;
