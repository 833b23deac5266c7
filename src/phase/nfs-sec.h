/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kerberos for mode A over the network (nfs_sec). This machine's rpc.gssd and keytab make us known as one of the principals in
 * it, and the client takes just those for root.
 */
#pragma once

#include "phase/client.h"

/* Whether the job works like that. */
bool nfs_sec_is_in(const struct job *job);
/* What the client program is told; `host` is what its key is of. */
int nfs_sec_words(const struct job *job, const char *host, struct strv *argv,
		  struct err *err) _must_check_;
/* Adds what this machine lacks for it; true: it lacks something. */
bool nfs_sec_preflight(const struct phase_ctx *c, struct findings *fs);
