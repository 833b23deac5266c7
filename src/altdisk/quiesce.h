/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hooks around the snapshot: the executables in /etc/nimadm/quiesce.d are called with "before" in the order of their names, and
 * with "after" in the opposite order as soon as the snapshot is made or has failed.
 */
#pragma once

#include "model/event.h"
#include "sys/root.h"
#include "sys/runner.h"

struct quiesce {
	struct runner *run;
	struct events *events;
	struct strv called; /* full paths; each still owed its "after" */
};
#define _cleanup_quiesce_ _cleanup_(quiesce_done)
/* A hook that fails stops it; those that were called, and it itself, get their "after" then. */
int quiesce_before(struct quiesce *q, const struct root *root, struct err *err)
	_must_check_;
/* Calls what is owed. A hook that fails is warned of: nothing could be taken back. Idempotent. */
void quiesce_after(struct quiesce *q);
/* quiesce_after, for an early way out, and frees. */
void quiesce_done(struct quiesce *q);
