/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kerberos for our NFS server: an rpc.svcgssd of its own, in the server's network namespace, with the machine's keytab. It ends
 * with us. One that the machine runs for its own NFS service is another one, and stays.
 *
 * It knows only the master's principals: they are root, everybody else is nobody. Of the machine's files it sees an
 * idmapd.conf of ours; nothing is written outside of its own mounts.
 */
#pragma once

#include <pthread.h>

#include "base/err.h"
#include "base/strv.h"

struct gss {
	const struct strv *roots; /* the principals that are root; the caller's */
	pthread_t thread;
	bool running;
	int go, netns, pidfd;
	pthread_mutex_t lock;
	/* under the lock */
	bool ended;
	struct err why;
};
#define GSS_INIT                                                                         \
	{                                                                                \
		.go = -1, .netns = -1, .pidfd = -1, .lock = PTHREAD_MUTEX_INITIALIZER    \
	}
#define _cleanup_gss_ _cleanup_(gss_end)
/*
 * What the machine needs for it, with a key of nfs/HOST: ERR_UNFIT names what is missing. To be called in the machine's own
 * namespaces: they are what rpc.svcgssd will see, but for the network.
 */
int gss_prepare(struct gss *g, const char *host, const struct strv *roots,
		struct err *err) _must_check_;
/* Starts it in the calling thread's network, and waits until the kernel has it. */
int gss_start(struct gss *g, struct err *err) _must_check_;
void gss_end(struct gss *g);
