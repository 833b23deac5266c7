/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client taken for one command. */
#include "cli/nimadm-client.h"

#include "engine/lease.h"
#include "ui/ui.h"

void nimadm_client_done(struct nimadm_client *c)
{
	events_done(&c->events);
	c->lease = lease_release(c->lease);
	client_done(&c->client);
}

int nimadm_client_take(struct nimadm_client *ret, struct cli *cli,
		       const struct nimadm_options *o, struct err *err)
{
	struct store *s = cli_store(cli, err);

	if (!s || client_find(s, o->subject, &ret->client, err) < 0 ||
	    lease_take(&ret->lease, s, cli->state_dir, o->subject, o->force, err) < 0)
		return -1;
	ret->o = o;
	ret->target = client_reach(&ret->client, cli->state_dir);
	ret->events.client = o->subject;
	events_add_sink(&ret->events,
			o->json ? ui_json(stdout) : ui_console(stdout, NULL, o->verbose));
	return 0;
}

int nimadm_client_act(struct nimadm_client *c, nimadm_act act, void *arg, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;
	struct err second = { 0 };

	if (transport_open(&t, &c->target, err) < 0)
		return -1;
	int rc = act(c, t, arg, err);
	if (transport_program_remove(t, rc < 0 ? &second : err) < 0)
		rc = -1;
	return rc;
}
