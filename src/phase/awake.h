/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A clone that is awake for the administrator (nimadm -W, a job of mode W): its tree is mounted on the master as mode A does,
 * but at job->alt_inst for everybody to see. A process of its own holds it there (nimadm --hold), until -S or -C ends that.
 *
 * What is written there lies in the job's upper trees. They are no volatile ones, and outlive the mount.
 */
#pragma once

#include "phase/client.h"
#include "phase/common.h"

/* Whether the job is one of these. */
bool awake_is_in(const struct job *job);
/* The client has a clone, and one that may be woken up. */
int awake_preflight(const struct phase_ctx *c, struct transport *t, struct findings *fs,
		    struct err *err) _must_check_;
/* Phase 1: the client is ours, its clone awake there. */
int awake_begin(const struct phase_ctx *c, struct err *err) _must_check_;
/* Phase 11, and the way back from phase 1. */
int awake_sleep(const struct phase_ctx *c, struct err *err) _must_check_;

/* The process that holds the tree: it is mounted for everybody; `lock` (a descriptor to close at the end) says who holds it. */
int awake_hold(const struct phase_ctx *c, int *lock, struct err *err) _must_check_;
/* Such a process lives. */
bool awake_is_held(const struct job *job);
/* Nobody sees the tree any more, and the process is gone. ERR_OPERATOR: somebody works there. `lost`: it was not mounted. */
int awake_end(const struct phase_ctx *c, bool *lost, struct err *err) _must_check_;
/* Nothing is left of the place. */
int awake_remove(const struct job *job, struct err *err) _must_check_;
