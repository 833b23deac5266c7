/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nimadm -W and -S: the alternate root of a client, woken up and put back to sleep by the client program. */
#include "cli/client.h"
#include "cli/nimadm.h"
#include "engine/lease.h"
#include "phase/client.h"
#include "ui/ui.h"

static int call(struct transport *t, const struct nimadm_options *o,
		struct events *events, struct err *err)
{
	_cleanup_strv_ struct strv args = STRV_INIT;
	_cleanup_free_ char *disks = strv_join(&o->disks, ",");

	strv_add_all(&args, "alt_rootvg_op", "--json", o->wake ? "-W" : "-S", NULL);
	if (o->disks.n > 0)
		strv_add_all(&args, "-d", disks, NULL);
	const struct client_call how = { .args = strv_argv(&args), .events = events };
	return client_run(t, &how, err);
}

static int on_client(struct cli *cli, const struct nimadm_options *o,
		     const struct client *c, struct events *events, struct err *err)
{
	const struct transport_target target = client_reach(c, cli->state_dir);
	_cleanup_transport_ struct transport *t = NULL;
	struct err second = { 0 };

	if (transport_open(&t, &target, err) < 0)
		return -1;
	int rc = call(t, o, events, err);
	if (transport_program_remove(t, rc < 0 ? &second : err) < 0)
		rc = -1;
	return rc;
}

int nimadm_wake(struct cli *cli, const struct nimadm_options *o, struct err *err)
{
	static const unsigned no_phases[METER_PHASES] = { 0 };
	struct events events = { .client = o->subject };
	_cleanup_client_ struct client c = CLIENT_INIT;
	_cleanup_lease_ struct lease *lease = NULL;
	struct store *s = cli_store(cli, err);

	/* a job at work on the client has its alternate root awake */
	if (!s || client_find(s, o->subject, &c, err) < 0 ||
	    lease_take(&lease, s, cli->state_dir, o->subject, o->force, err) < 0)
		return -1;
	events_add_sink(&events, o->json ? ui_json(stdout)
				 : ui_is_live(stdout)
					 ? ui_terminal(stdout, no_phases, o->verbose)
					 : ui_plain(stdout, no_phases, o->verbose));
	int rc = on_client(cli, o, &c, &events, err);
	events_done(&events);
	return rc;
}
