/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The archives that an lpp_source holds, and the record of what they were verified against.
 *
 *	pool/NAME	the archive as the signed index has it; pool.sums: "SHA256  size  NAME"
 *	unpack/NAME	the same in the form that unpacks fastest; unpack.sums: "SHA256  size  SHA256-of-pool  NAME"
 *
 * A name without a record counts as absent: a record is written after the archive was verified and has its name.
 * Records are appended; the last one of a name counts.
 */
#pragma once

#include "base/map.h"
#include "pkg/lpp-conf.h"
#include "pkg/lpp-index.h"

struct lpp_record {
	char sha256[65];
	char origin[65]; /* unpack.sums: the pool archive's sum; else "" */
	uint64_t size;
};

enum lpp_shelf { LPP_POOL, LPP_UNPACK };

/* name -> struct lpp_record; a missing file gives an empty map. */
struct map *lpp_pool_records(const struct lpp *l, enum lpp_shelf shelf, struct err *err)
	_must_check_;
int lpp_pool_record(const struct lpp *l, enum lpp_shelf shelf, const char *name,
		    const struct lpp_record *r, struct err *err) _must_check_;
/* Writes the whole table anew, without the names that are no longer wanted. */
int lpp_pool_rewrite(const struct lpp *l, enum lpp_shelf shelf, const struct map *records,
		     struct err *err) _must_check_;
char *lpp_pool_path(const struct lpp *l, enum lpp_shelf shelf, const char *name);
/* Recorded, there, and of the recorded size. */
bool lpp_pool_has(const struct lpp *l, enum lpp_shelf shelf, const struct map *records,
		  const char *name);
/* 0: size and SHA-256 are right. 1: they are not (*ret_why, malloc'd, says what is wrong). -1: cannot be read. */
int lpp_pool_verify(const char *path, const char *sha256, uint64_t size, char **ret_why,
		    struct err *err) _must_check_;
/* Held while archives or records change; waits for another job that fetches. */
int lpp_pool_lock(const struct lpp *l, struct events *ev, struct err *err) _must_check_;
