/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mode A: the client's clone over NFS, read-only, below the overlay that the migration writes to.
 *
 * The client program is the server (altdisk serve-tree) at the other end of an ssh. The kernel's NFS client is in a network
 * namespace of ours, where a thread gives its connection to that ssh; when it is lost, the next request makes it again.
 * Nothing listens on either machine's network. NFS carries neither capabilities nor ACLs nor inode flags: they come with the
 * manifest, and lie in a tree between the two.
 *
 * Namespace and mounts are this process's own: they vanish with it, and each process makes them when it needs them. The ssh
 * outlives it until the kernel has unmounted.
 */
#pragma once

#include "clone/clone.h"
#include "phase/client.h"
#include "phase/common.h"

/* Whether the job works like that. */
bool nfs_is_in(const struct job *job);
/* Both kernels and what lies on the client allow it. */
int nfs_preflight(const struct phase_ctx *c, struct transport *t, struct findings *fs,
		  struct err *err) _must_check_;

/* The clone is awake, and what this process reads of it is served. Again and again: nothing. */
int nfs_start(const struct phase_ctx *c, struct err *err) _must_check_;
/* The server answers. */
int nfs_probe(struct err *err) _must_check_;
/*
 * The clone's file systems are mounted in this process's namespace; starts what is not there yet. With --nfs-direct
 * (nfs-direct.h) at job->alt_inst, and the running system's at job->lower. Else at nfs_path they are as they come, at
 * job->lower, once nfs_fill has been there, with all attributes: those lie in the trees nfs_middle.
 */
int nfs_mount(const struct phase_ctx *c, struct err *err) _must_check_;
char *nfs_path(const struct job *job) _must_check_;
char *nfs_middle(const struct job *job, size_t part) _must_check_;
/* Unmounts them and ends the connection; the alternate root must be gone. */
int nfs_end(const struct job *job, struct err *err) _must_check_;
/* Nothing is served on the client any more. */
int nfs_is_gone(const struct phase_ctx *c, struct err *err) _must_check_;

/* --- nfs-tree.c --- */
/* The manifest of the clone, and what NFS does not carry; nothing of the job is mounted yet. */
int nfs_fill(const struct phase_ctx *c, struct err *err) _must_check_;
/* What is read through the mounts is what the manifest says: a sample of the files, in full. */
int nfs_verify(const struct phase_ctx *c, struct err *err) _must_check_;

/* --- nfs-known.c --- */
/* What the manifest knows of the alternate root, so that only what was written there is read: for clone_job.known. */
struct nfs_known;
int nfs_known_open(struct nfs_known **ret, const struct job *job, struct err *err)
	_must_check_;
void nfs_known_close(struct nfs_known **k);
#define _cleanup_nfs_known_ _cleanup_(nfs_known_close)
enum clone_known nfs_known(void *arg, const char *path, const struct statx *sx,
			   struct manifest_entry *ret);
