/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mode A over the network, where the client object names an address for it (nfs_host): the kernel's NFS client, in this machine's own
 * network, talks to the client program itself (altdisk/door.h). An ssh is there all the time: through it we learn where the
 * client listens and which word makes us its master, and it ends the server when we end.
 */
#pragma once

#include "base/str.h"
#include "phase/client.h"

struct nfs_net;

/* Whether the job works like that. */
bool nfs_net_is_in(const struct job *job);
/* Finds the address. */
int nfs_net_new(struct nfs_net **ret, const struct phase_ctx *c, struct err *err)
	_must_check_;
void nfs_net_free(struct nfs_net *n);

/* A session of the client program: what its --listen is (the same port each time), then a socket for its standard input and
 * output, whose other end a thread has until nfs_net_end. `why` is what it ended with. */
char *nfs_net_listen(const struct nfs_net *n) _must_check_;
/* What its --sec and the words that belong to it are. */
int nfs_net_words(const struct nfs_net *n, struct strv *argv, struct err *err)
	_must_check_;
int nfs_net_begin(struct nfs_net *n, struct err *err) _must_check_;
void nfs_net_end(struct nfs_net *n, const struct err *why);
/* Until the client has let us in, or the first session has ended. */
int nfs_net_wait(struct nfs_net *n, struct err *err) _must_check_;
/* What the client has said of others is told. Of the main thread. */
void nfs_net_tell(struct nfs_net *n);

/* A connection to the server, as the kernel makes its own. */
int nfs_net_connect(struct nfs_net *n, struct err *err) _must_check_;
/* What mount(2) is told of the way there, and of what is mounted. */
void nfs_net_options(struct nfs_net *n, struct str *options);
char *nfs_net_source(const struct nfs_net *n, size_t export) _must_check_;

/* A session that serves nothing: the address is the client's, and lets us in. */
int nfs_net_preflight(const struct phase_ctx *c, struct transport *t, const char *instead,
		      struct findings *fs, struct err *err) _must_check_;
