/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nimadm --rollback: a client goes back to the disks it ran from before it was migrated. */
#include "cli/nimadm-client.h"
#include "model/json.h"
#include "phase/reboot.h"

/* The disks of the client by what they are for. */
struct client_disks {
	struct strv running, old, alternate;
};

static void client_disks_done(struct client_disks *d)
{
	strv_done(&d->running);
	strv_done(&d->old);
	strv_done(&d->alternate);
}

static int read_disks(struct transport *t, struct events *events,
		      struct client_disks *ret, struct err *err)
{
	static const char *const args[] = { "lspv", "--json", NULL };
	_cleanup_str_ struct str out = STR_INIT;
	const struct client_call call = { .args = args, .events = events, .out = &out };
	const struct {
		const char *role;
		struct strv *list;
	} roles[] = { { "rootvg", &ret->running },
		      { "old_rootvg", &ret->old },
		      { "altinst_rootvg", &ret->alternate } };

	if (client_run(t, &call, err) < 0)
		return -1;
	char *cursor = out.p;
	for (char *line; cursor && (line = next_line(&cursor)) != NULL;) {
		_cleanup_json_ json_t *o = json_loads(line, 0, NULL);
		const char *disk = json_field(o, "disk"), *role = json_field(o, "role");
		for (size_t i = 0; *disk && i < ARRAY_SIZE(roles); i++)
			if (streq(role, roles[i].role))
				strv_add(roles[i].list, disk);
	}
	return 0;
}

/* After the reboot the old disks are known as such; before it the client still runs from them. */
static int choose(const char *name, const struct client_disks *d, const struct strv **ret,
		  struct err *err)
{
	if (d->old.n > 0)
		*ret = &d->old;
	else if (d->alternate.n > 0)
		*ret = &d->running;
	else {
		err_set(err, ERR_OPERATOR,
			"client %s has no other root disk: there is nothing to go back to",
			name);
		return err_remedy(err, "on %s: lspv lists its disks", name);
	}
	return 0;
}

static int set_bootlist(struct transport *t, const struct strv *disks,
			struct events *events, struct err *err)
{
	_cleanup_strv_ struct strv args = STRV_INIT;
	_cleanup_free_ char *names = strv_join(disks, " ");
	const char *name = transport_name(t);

	events_step(events, "Putting %s first in the boot list of %s", names, name);
	strv_add_all(&args, "bootlist", "--json", "-m", "normal", NULL);
	strv_add_strv(&args, disks);
	const struct client_call call = { .args = strv_argv(&args), .events = events };
	return client_run(t, &call, err);
}

/* What runs now, and whether that is not yet the system to go back to. */
struct found {
	struct running now;
	bool away;
};

static int set_back(struct nimadm_client *c, struct transport *t, void *arg,
		    struct err *err)
{
	_cleanup_(client_disks_done) struct client_disks d = { STRV_INIT, STRV_INIT,
							       STRV_INIT };
	const struct strv *disks = NULL;
	struct found *found = arg;

	if (running_read(t, &found->now, err) < 0 ||
	    read_disks(t, &c->events, &d, err) < 0 ||
	    choose(c->client.name, &d, &disks, err) < 0 ||
	    set_bootlist(t, disks, &c->events, err) < 0)
		return -1;
	found->away = d.old.n > 0;
	return 0;
}

static int boot_back(struct nimadm_client *c, const struct running *before,
		     struct err *err)
{
	_cleanup_running_ struct running now = RUNNING_INIT;
	_cleanup_transport_ struct transport *t = NULL;
	const char *name = c->client.name;
	double seconds;

	if (reboot_client(&c->target, before->boot_id, &c->events, &seconds, err) < 0 ||
	    transport_open(&t, &c->target, err) < 0 || running_read(t, &now, err) < 0)
		return -1;
	if (streq(now.root, before->root)) {
		err_set(err, ERR_OPERATOR,
			"client %s has booted the same disk again (%s)", name,
			now.system);
		return err_remedy(err,
				  "look at its console; its boot menu has both systems");
	}
	events_step(&c->events, "%s runs %s; it did not answer for %.0f s", name,
		    now.system, seconds);
	for (size_t i = 0; i < now.failed.n; i++)
		events_warning(&c->events, "client %s: %s has failed", name,
			       now.failed.v[i]);
	return 0;
}

static int roll_back(struct nimadm_client *c, struct found *found, struct err *err)
{
	const char *name = c->client.name;

	events_step(&c->events, "Connecting to %s", c->target.host);
	if (nimadm_client_act(c, set_back, found, err) < 0)
		return -1;
	if (!found->away) {
		events_step(&c->events, "%s runs from them: nothing is to be booted",
			    name);
		return 0;
	}
	if (c->o->reboot)
		return boot_back(c, &found->now, err);
	events_step(&c->events,
		    "Reboot %s when it suits you: it comes up with its old system", name);
	return 0;
}

int nimadm_rollback(struct cli *cli, const struct nimadm_options *o, struct err *err)
{
	_cleanup_nimadm_client_ struct nimadm_client c = { 0 };
	struct found found = { .now = RUNNING_INIT };

	/* a job at work on the client sets the boot list, too */
	if (nimadm_client_take(&c, cli, o, err) < 0)
		return -1;
	int rc = roll_back(&c, &found, err);
	running_done(&found.now);
	return rc;
}
