/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One batch of transfers into pool/partial, and one archive's way from there into the pool. Thread-safe. */
#pragma once

#include "pkg/lpp-index.h"
#include "pkg/lpp-pool.h"

/* pool/partial/NAME; malloc'd. */
char *lpp_transfer_partial(const struct lpp *l, const char *name);
/* pool/partial made and owned by the user that apt's transfers run as. */
int lpp_transfer_prepare(const struct lpp *l, struct err *err) _must_check_;
/*
 * Transfers the archives v[0..n) with one apt-helper, continuing what a former run left. All of them are tried; the
 * error says what went wrong with the first.
 */
int lpp_transfer_batch(const struct lpp *l, const struct lpp_archive *const *v, size_t n,
		       struct err *err) _must_check_;
/* Size and SHA-256 against the index, then pool/partial/NAME becomes pool/NAME. A wrong file is removed. */
int lpp_transfer_accept(const struct lpp *l, const struct lpp_archive *a, struct err *err)
	_must_check_;
