/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mode A as the original does it (--nfs-direct): the clone itself is the alternate root, mounted to be written to. There is no
 * overlay, and nothing to push. The old system is read from the client's running root, served read-only beside it.
 *
 * What NFS does not carry stays on the client in a file, and is put back when nothing is mounted any more. What the sandbox
 * writes is not synced one by one (sandbox.h): a record in the job's directory says whether all of it has arrived.
 */
#pragma once

#include "phase/common.h"
#include "phase/parts.h"

/* Whether the job works like that. */
bool nfs_is_direct(const struct job *job);
/* What it loses is said; what it cannot do is refused. */
void nfs_direct_preflight(const struct phase_ctx *c, struct findings *fs);
/* Phase 3: manifest and attributes of the clone, before anything is mounted; nothing in it refuses to be written to. */
int nfs_direct_save(const struct phase_ctx *c, struct err *err) _must_check_;

/* The parts have just been mounted at job->alt_inst: errors of writing to them are noticed from here on. */
int nfs_direct_watch(const struct job *job, const struct parts *parts, struct err *err)
	_must_check_;
/* The alternate root is written to from here on. ERR_OPERATOR: what was written before is not all there. */
int nfs_direct_begin(const struct job *job, struct err *err) _must_check_;
/* All that was written is on the client; can be written to again. */
int nfs_direct_sync(const struct job *job, struct err *err) _must_check_;
/* Unmounts the alternate root as it is. */
int nfs_direct_detach(const struct job *job, struct err *err) _must_check_;

/* Phase 9: all that was written has arrived, nothing is mounted or served, the attributes are back. */
int nfs_direct_finish(const struct phase_ctx *c, struct err *err) _must_check_;
