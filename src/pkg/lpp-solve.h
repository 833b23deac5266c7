/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a list of packages needs, decided by the master's apt on an lpp_source's indexes and an empty system. */
#pragma once

#include "base/map.h"
#include "pkg/lpp-conf.h"

/* Adds apt's archive names of `packages` (names or apt patterns such as "?essential") and of all they depend on. */
int lpp_solve_closure(const struct lpp *l, const struct strv *packages, struct map *names,
		      struct err *err) _must_check_;
