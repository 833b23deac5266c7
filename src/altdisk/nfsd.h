/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's NFS server for one reader, in namespaces of its own: the machine's own NFS service, its ports and its mounts
 * know nothing of it, and nothing of nfs-utils is needed, since what rpc.mountd would answer is told in advance.
 */
#pragma once

#include "base/strv.h"
#include "sys/inet.h"
#include "sys/proc-guard.h"

struct nfsd {
	struct proc_guard guard; /* stops the server when we are killed */
	bool guarded;
	struct inet at; /* where it listens, in its own network */
};
#define _cleanup_nfsd_ _cleanup_(nfsd_stop)
/* ERR_UNFIT: the kernel has no NFS server that knows version 4.2. Nothing but the end is possible after it. */
int nfsd_check(struct err *err) _must_check_;
/*
 * Serves each directory's file system without what is mounted below it as /0, /1 ... of an NFSv4.2 server: the first
 * `writable` of them to be written to, by root as root, the others read-only; `flavor`: only with this security (0: with
 * user numbers that are believed). The handles of their files are the same in the next session.
 * This process is in namespaces of its own from here on, and sees no other files.
 */
struct nfsd_tree {
	const struct strv *dirs;
	size_t writable;
	unsigned flavor; /* RFC 2623: 390003 krb5, 390004 krb5i, 390005 krb5p */
};
int nfsd_start(struct nfsd *n, const struct nfsd_tree *tree, struct err *err)
	_must_check_;
/* A connection to it; of the thread that has started it, or one of its threads. */
int nfsd_connect(const struct nfsd *n, struct err *err) _must_check_;
/* Nothing is served, and none of the directories is held any more. */
void nfsd_stop(struct nfsd *n);
