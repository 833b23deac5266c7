/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Archives into the pool: four transfers at a time, resumable, verified before they get their name. */
#pragma once

#include "pkg/lpp-index.h"
#include "pkg/lpp-pool.h"

/* Brings all of `as` into pool/ and unpack/; what is there costs nothing. Takes the pool's lock. */
int lpp_fetch_archives(const struct lpp *l, const struct lpp_archives *as,
		       struct events *ev, struct err *err) _must_check_;
/* Names to archives by the signed indexes; a name that no index has is an error. Then as above. */
int lpp_fetch_names(const struct lpp *l, const struct map *names, struct events *ev,
		    struct err *err) _must_check_;
