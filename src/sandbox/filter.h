/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sandbox's seccomp filters, as BPF programs in memory files for bwrap.
 *
 * Two filters, because libseccomp can say "everything but this argument" only where the default is to allow.
 * Both are in force together; the kernel takes the stricter answer.
 */
#pragma once

#include "base/err.h"

enum filter_part {
	/* Which calls exist inside: everything this libseccomp knows, less a table; a newer or foreign call does not. */
	FILTER_CALLS,
	/* Arguments that allowed calls must not have (pushing bytes into a terminal). */
	FILTER_ARGUMENTS,
	FILTER_COUNT_
};

/* A descriptor at offset 0, or -1 and *err. */
int filter_open(enum filter_part part, struct err *err) _must_check_;

/* What the call gets inside: -1: it runs; 0: it succeeds at once without effect; else the errno it fails with.
 * Calls whose arguments decide give -1. */
int filter_answer(const char *call);
