/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The baseline: accounts, unit links, identity and language as they are right before the packages change. Private to
 * src/merge.
 *
 * What the administrator's pre-migration script did to them is meant; what maintainer scripts do is not. So the methods
 * that put things back compare with this copy and not with the old root.
 */
#pragma once

#include "merge/merge.h"

#define BASELINE_DIR "/var/adm/nimadm/baseline"

/* Copies it below BASELINE_DIR of the alternate root; does nothing when it is there: the packages may have changed since. */
int baseline_store(const struct merge_ctx *c, struct err *err) _must_check_;
/* 0: *ret is open; 1: there is none (the stage before the packages was not run). */
int baseline_open(const struct merge_ctx *c, struct root *ret, struct err *err)
	_must_check_;

/* Patterns of files whose content is the machine's identity; NULL-terminated. */
const char *const *baseline_identity(void);
