/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nimadm --rollback: a client goes back to the disks it ran from before it was migrated. */
#include "cli/client.h"
#include "cli/nimadm.h"
#include "engine/lease.h"
#include "model/json.h"
#include "phase/client.h"
#include "phase/reboot.h"
#include "ui/ui.h"

/* The disks of the client by what they are for. */
struct disks {
	struct strv running, old, alternate;
};

static void disks_done(struct disks *d)
{
	strv_done(&d->running);
	strv_done(&d->old);
	strv_done(&d->alternate);
}

static int read_disks(struct transport *t, struct events *events, struct disks *ret,
		      struct err *err)
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
		json_t *o = json_loads(line, 0, NULL);
		const char *disk = json_string_value(json_object_get(o, "disk"));
		const char *role = json_string_value(json_object_get(o, "role"));
		for (size_t i = 0; disk && role && i < ARRAY_SIZE(roles); i++)
			if (streq(role, roles[i].role))
				strv_add(roles[i].list, disk);
		json_decref(o);
	}
	return 0;
}

/* After the reboot the old disks are known as such; before it the client still runs from them. */
static int choose(const char *name, const struct disks *d, const struct strv **ret,
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

/* Sets the boot list; says what runs now, and whether that is not yet the system to go back to. */
static int set_back(const struct transport_target *target, struct events *events,
		    struct running *now, bool *ret_away, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;
	_cleanup_(disks_done) struct disks d = { STRV_INIT, STRV_INIT, STRV_INIT };
	const struct strv *disks = NULL;
	struct err second = { 0 };

	events_step(events, "Connecting to %s", target->host);
	if (transport_open(&t, target, err) < 0 || running_read(t, now, err) < 0)
		return -1;
	int rc = read_disks(t, events, &d, err);
	if (rc == 0)
		rc = choose(target->name, &d, &disks, err);
	if (rc == 0)
		rc = set_bootlist(t, disks, events, err);
	if (transport_program_remove(t, rc < 0 ? &second : err) < 0)
		rc = -1;
	*ret_away = d.old.n > 0;
	return rc;
}

static int boot_back(const struct transport_target *target, const struct running *before,
		     struct events *events, struct err *err)
{
	_cleanup_running_ struct running now = RUNNING_INIT;
	_cleanup_transport_ struct transport *t = NULL;
	double seconds;

	if (reboot_client(target, before->boot_id, events, &seconds, err) < 0 ||
	    transport_open(&t, target, err) < 0 || running_read(t, &now, err) < 0)
		return -1;
	if (streq(now.root, before->root)) {
		err_set(err, ERR_OPERATOR,
			"client %s has booted the same disk again (%s)", target->name,
			now.system);
		return err_remedy(err,
				  "look at its console; its boot menu has both systems");
	}
	events_step(events, "%s runs %s; it did not answer for %.0f s", target->name,
		    now.system, seconds);
	for (size_t i = 0; i < now.failed.n; i++)
		events_warning(events, "client %s: %s has failed", target->name,
			       now.failed.v[i]);
	return 0;
}

static int roll_back(struct cli *cli, const struct nimadm_options *o,
		     const struct client *c, struct events *events, struct err *err)
{
	const struct transport_target target = client_reach(c, cli->state_dir);
	_cleanup_running_ struct running now = RUNNING_INIT;
	bool away;

	if (set_back(&target, events, &now, &away, err) < 0)
		return -1;
	if (!away) {
		events_step(events, "%s runs from them: nothing is to be booted",
			    c->name);
		return 0;
	}
	if (o->reboot)
		return boot_back(&target, &now, events, err);
	events_step(events,
		    "Reboot %s when it suits you: it comes up with its old system",
		    c->name);
	return 0;
}

int nimadm_rollback(struct cli *cli, const struct nimadm_options *o, struct err *err)
{
	static const unsigned no_phases[METER_PHASES] = { 0 };
	struct events events = { .client = o->subject };
	_cleanup_client_ struct client c = CLIENT_INIT;
	_cleanup_lease_ struct lease *lease = NULL;
	struct store *s = cli_store(cli, err);

	/* a job at work on the client sets the boot list, too */
	if (!s || client_find(s, o->subject, &c, err) < 0 ||
	    lease_take(&lease, s, cli->state_dir, o->subject, o->force, err) < 0)
		return -1;
	events_add_sink(&events, o->json ? ui_json(stdout)
				 : ui_is_live(stdout)
					 ? ui_terminal(stdout, no_phases, o->verbose)
					 : ui_plain(stdout, no_phases, o->verbose));
	int rc = roll_back(cli, o, &c, &events, err);
	events_done(&events);
	return rc;
}
