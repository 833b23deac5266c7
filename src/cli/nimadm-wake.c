/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nimadm -W and -S: the alternate root of a client, woken up and put back to sleep by the client program. */
#include "cli/nimadm-client.h"

static int call(struct nimadm_client *c, struct transport *t, void *unused,
		struct err *err)
{
	const struct nimadm_options *o = c->o;
	_cleanup_strv_ struct strv args = STRV_INIT;
	_cleanup_free_ char *disks = strv_join(&o->disks, ",");

	strv_add_all(&args, "alt_rootvg_op", "--json", o->wake ? "-W" : "-S", NULL);
	if (o->disks.n > 0)
		strv_add_all(&args, "-d", disks, NULL);
	const struct client_call how = { .args = strv_argv(&args), .events = &c->events };
	return client_run(t, &how, err);
}

int nimadm_wake(struct cli *cli, const struct nimadm_options *o, struct err *err)
{
	_cleanup_nimadm_client_ struct nimadm_client c = { 0 };

	/* a job at work on the client has its alternate root awake */
	if (nimadm_client_take(&c, cli, o, err) < 0)
		return -1;
	return nimadm_client_act(&c, call, NULL, err);
}
