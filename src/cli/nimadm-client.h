/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What -W, -S and --rollback have in common: a client is ours for a while, and the client program works there. */
#pragma once

#include "cli/client.h"
#include "cli/nimadm.h"
#include "phase/client.h"

struct nimadm_client {
	struct client client;
	struct transport_target target; /* borrows from `client` */
	const struct nimadm_options *o; /* borrowed */
	struct lease *lease;
	struct events events; /* shown on standard output */
};
#define _cleanup_nimadm_client_ _cleanup_(nimadm_client_done)
void nimadm_client_done(struct nimadm_client *c);
/* No job works on the client that the options name until nimadm_client_done. ERR_LOCKED: one does. */
int nimadm_client_take(struct nimadm_client *ret, struct cli *cli,
		       const struct nimadm_options *o, struct err *err) _must_check_;

typedef int (*nimadm_act)(struct nimadm_client *c, struct transport *t, void *arg,
			  struct err *err);
/* Connects and acts there; takes the client program away again, whatever came of it. */
int nimadm_client_act(struct nimadm_client *c, nimadm_act act, void *arg, struct err *err)
	_must_check_;
