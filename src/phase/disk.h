/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The alternate disk of a job's client (modes B and C): made by the client program, awake at /alt_inst there until phase 11, its
 * tree copied to the cache and back by phase/cached.h.
 */
#pragma once

#include "phase/client.h"
#include "phase/common.h"

/* Where it is awake, on the client. */
#define DISK_ALT_INST "/alt_inst"

/* Whether the job has one. */
bool disk_is_in(const struct job *job);
/* Tools, kernel and target disks of the client, with the room that the plan needs, before anything is touched. */
int disk_preflight(const struct phase_ctx *c, struct transport *t, struct findings *fs,
		   struct err *err) _must_check_;
/* Phase 1: the clone, or empty file systems; again after a run that was stopped. */
int disk_make(const struct phase_ctx *c, struct err *err) _must_check_;
/* It is awake. */
int disk_verify(const struct phase_ctx *c, struct err *err) _must_check_;
int disk_remove(const struct phase_ctx *c, struct err *err) _must_check_;
/* It is awake, also when the client was booted meanwhile. */
int disk_wake(const struct phase_ctx *c, struct transport *t, struct err *err)
	_must_check_;
/* It is not any more. */
int disk_sleep(const struct phase_ctx *c, struct transport *t, struct err *err)
	_must_check_;
/* What is mounted below it there, parents first: "/boot". */
int disk_mounts(struct transport *t, struct strv *ret, struct err *err) _must_check_;
/* Its manifest into the job's directory, and kept there. */
int disk_base(const struct phase_ctx *c, struct transport *t, struct err *err)
	_must_check_;
/* Phase 3: its tree into job->lower. With `copy`, nothing there is shared with the store: it will be written to. */
int disk_pull(const struct phase_ctx *c, bool copy, struct err *err) _must_check_;
int disk_verify_pull(const struct phase_ctx *c, struct err *err) _must_check_;
/* Phase 9: what the tree has become. */
int disk_push(const struct phase_ctx *c, struct err *err) _must_check_;
/* Phase 11: names its own disks, boots, sleeps, is first in the boot list. */
int disk_finish(const struct phase_ctx *c, struct err *err) _must_check_;
