/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lease of a job's subject: one owner at a time. While it is held a small thread renews its heartbeat over a
 * database connection of its own, however long a phase is silent.
 *
 * Take it after the process has entered its private mount namespace, so that the thread is in it too.
 */
#pragma once

#include "store/store.h"

struct lease;

/* ERR_LOCKED names the owner; `force` breaks a stale lease. `store` must live as long as the lease. */
int lease_take(struct lease **ret, struct store *store, const char *state_dir,
	       const char *subject, bool force, struct err *err) _must_check_;
/* 0, or -1 with ERR_LOCKED when another process has broken the lease meanwhile. */
int lease_check(struct lease *l, struct err *err) _must_check_;
/* Ends the thread and gives the subject free; returns NULL. What fails then is of no harm: a dead owner's lease is stale. */
struct lease *lease_release(struct lease *l);
void lease_release_p(struct lease **l);
/* Milliseconds between heartbeats of leases taken from now on; for tests. */
void lease_set_interval(unsigned ms);
#define _cleanup_lease_ _cleanup_(lease_release_p)
