/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches whether the client answers what the kernel's NFS client asks.
 *
 * Without an answer the kernel waits, and with it whoever reads or unmounts, and ends with no signal. So when there was none for
 * as long as any other silence of a client is put up with, or for a minute once the job is told to stop, the NFS client of
 * the job is shut down, and the job with it. Kernels before 6.5 cannot do that: there everything goes on waiting.
 */
#pragma once

#include "base/err.h"

struct nfs_watch;

struct nfs_watch_how {
	const char *client; /* its name */
	int netns; /* all that is mounted in it is the job's; -1: what nfs_watch_mounted names is */
	/* Asks the client, where we do not have the connection to the NFS client; else NULL. */
	int (*ask)(void *arg, struct err *err);
	void *arg;
};
/* All that *how names is the caller's. */
int nfs_watch_start(struct nfs_watch **ret, const struct nfs_watch_how *how,
		    struct err *err) _must_check_;
/* What is mounted at `path` is the job's. */
int nfs_watch_mounted(struct nfs_watch *w, const char *path, struct err *err)
	_must_check_;
/* The connection that is served now: our end of it, open until the next call. -1: none is. */
void nfs_watch_peer(struct nfs_watch *w, int fd);
void nfs_watch_end(struct nfs_watch *w);
