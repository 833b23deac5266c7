/* SPDX-License-Identifier: GPL-2.0-or-later */
/* alt_rootvg_op: names a clone, wakes it, puts it to sleep, customises it, removes it. */
#include "altdisk/alt-options.h"
#include "altdisk/alternate.h"
#include "altdisk/cmd.h"
#include "altdisk/customise.h"
#include "altdisk/names.h"
#include "boot/boot.h"
#include "model/json.h"

struct op_options {
	bool query, wake, sleep, boot_image, remove, customise, verbose, debug;
	struct strv disks;
	struct packages packages;
	const char *rename, *script, *resolv_conf;
};
#define AT(f) offsetof(struct op_options, f)

static const struct opt options[] = {
	{ "query", 'q', OPT_FLAG, AT(query), NULL,
	  "Say which disk of the clone on -d boots it." },
	{ "rename", 'v', OPT_STRING, AT(rename), "NAME",
	  "Show the clone on -d under this name in lspv; altinst_rootvg takes it back." },
	{ "wake", 'W', OPT_FLAG, AT(wake), NULL,
	  "Wake the clone up: its file systems are mounted below /alt_inst." },
	{ "sleep", 'S', OPT_FLAG, AT(sleep), NULL,
	  "Put the clone to sleep. It must sleep when it is booted." },
	{ "boot-image", 't', OPT_FLAG, AT(boot_image), NULL,
	  "With -S: make the boot files anew first." },
	{ "remove", 'X', OPT_FLAG, AT(remove), NULL,
	  "Remove the clone: its volumes, its boot entries, what was left by a run that "
	  "was stopped." },
	{ "customise", 'C', OPT_FLAG, AT(customise), NULL,
	  "Customise a clone that is awake, with -b, -w, -s and -R." },
	{ "disks", 'd', OPT_WORDS, AT(disks), "DISKS",
	  "The clone is the one on these disks; needed where there are several." },
	ALT_OPT_BUNDLE,
	ALT_OPT_PACKAGES,
	ALT_OPT_LOCATION,
	ALT_OPT_APT_FLAGS,
	{ "script", 's', OPT_STRING, AT(script), "FILE",
	  "Run this program in the clone's top directory; NIM_ALT_INST names it." },
	ALT_OPT_RESOLV_CONF,
	ALT_OPT_VERBOSE,
	ALT_OPT_DEBUG,
};

static const char *const synopsis[] = {
	"-q -d DISK",	"-v NAME -d DISK",
	"-W [-d DISK]", "-S [-t] [-d DISK]",
	"-X [-d DISK]", "-C [-b FILE] [-w PACKAGES] [-l DIR] [-s FILE] [-R FILE]",
	NULL,
};

static const struct opt_program program = {
	.name = "alt_rootvg_op",
	.synopsis = synopsis,
	.about = "Works on clones that alt_disk_copy or alt_disk_mksysb has made.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
};

struct op {
	struct app *app;
	const struct op_options *o;
	struct host host;
};

static int do_query(struct op *op, struct err *err)
{
	const struct layout *clone = host_clone(&op->host, &op->o->disks, err);

	if (!clone)
		return -1;
	if (op->app->json)
		app_print_json(json_pack("{ss so}", "event", "query", "boot_disk",
					 json_text(clone->boot_disk)));
	else
		puts(clone->boot_disk);
	return 0;
}

static int do_rename(struct op *op, struct err *err)
{
	const struct layout *clone = host_clone(&op->host, &op->o->disks, err);

	return clone ? names_give(&op->host, clone, op->o->rename, err) : -1;
}

static int do_wake(struct op *op, struct err *err)
{
	events_step(&op->app->events, "Waking the clone up at " ALT_INST);
	return host_wake(&op->host, &op->o->disks, err) ? 0 : -1;
}

/* Packages that -C has installed may have brought a kernel. */
static bool boot_files_are_stale(void)
{
	_cleanup_root_ struct root alt = ROOT_INIT;
	struct err ignored = { 0 };

	return host_is_awake() && root_open(&alt, ALT_INST, &ignored) == 0 &&
	       root_exists(&alt, BOOT_STALE_NOTE);
}

static int do_sleep(struct op *op, struct err *err)
{
	bool boot_image = op->o->boot_image || boot_files_are_stale();
	const struct layout *clone = boot_image
					     ? host_wake(&op->host, &op->o->disks, err)
					     : host_clone(&op->host, &op->o->disks, err);

	if (!clone || host_check_foreign(&op->host, clone, err) < 0)
		return -1;
	if (boot_image) {
		struct alt_boot b = { &op->host, &op->app->events, clone, false };

		if (alternate_make_bootable(&b, err) < 0)
			return -1;
	}
	events_step(&op->app->events, "Putting the clone to sleep");
	return host_sleep(&op->host, clone, err);
}

/* All clones, or the one on -d; and, in any case, what a killed run has left. */
static int do_remove(struct op *op, struct err *err)
{
	struct host *h = &op->host;
	const struct layout *only = NULL;

	if (op->o->disks.n > 0 && !(only = host_clone(h, &op->o->disks, err)))
		return -1;
	if (storage_drop_leftovers(&h->storage, &h->running, err) < 0)
		return -1;
	for (size_t i = 0; i < h->n_clones; i++)
		if ((!only || only == &h->clones[i]) &&
		    alternate_remove(h, &h->clones[i], err) < 0)
			return -1;
	if (!only && names_forget(&h->root, err) < 0)
		return -1;
	return state_remove(&h->root, err);
}

static int do_customise(struct op *op, struct err *err)
{
	const struct layout *clone = host_clone(&op->host, &op->o->disks, err);
	_cleanup_root_ struct root alt = ROOT_INIT;
	_cleanup_strv_ struct strv devices = STRV_INIT;

	if (!clone)
		return -1;
	if (!host_is_awake()) {
		err_set(err, ERR_OPERATOR, "the clone is asleep");
		return err_remedy(err, "alt_rootvg_op -W wakes it");
	}
	if (root_open(&alt, ALT_INST, err) < 0)
		return -1;
	const struct customise c = {
		.alt = &alt,
		.run = op->host.storage.run,
		.running = &op->host.running,
		.target = clone,
		.events = &op->app->events,
		.disk = host_lasting_name(&op->host, clone),
		.packages = &op->o->packages,
		.packages_dir = PACKAGES_DIR,
		.devices = &devices,
		.resolv_conf = op->o->resolv_conf,
		.script = op->o->script,
	};
	alternate_devices(clone, &devices);
	return customise_check(&c, err) < 0 ? -1 : customise_run(&c, err);
}

struct action {
	size_t option; /* its offset */
	bool text;     /* a string, else a flag */
	bool change;
	int (*run)(struct op *op, struct err *err);
};
static const struct action actions[] = {
	{ AT(query), false, false, do_query },
	{ AT(rename), true, true, do_rename },
	{ AT(wake), false, true, do_wake },
	{ AT(sleep), false, true, do_sleep },
	{ AT(remove), false, true, do_remove },
	{ AT(customise), false, true, do_customise },
};

static bool is_given(const struct op_options *o, const struct action *a)
{
	const char *at = (const char *)o + a->option;

	return a->text ? *(const char *const *)at != NULL : *(const bool *)at;
}

static int check(const struct op_options *o, const struct action *a, struct err *err)
{
	if (o->boot_image && !o->sleep)
		return err_set(err, ERR_USAGE, "-t goes with -S");
	if (o->query && o->disks.n == 0)
		return err_set(err, ERR_USAGE, "-q wants -d DISK");
	if (o->rename && o->disks.n == 0)
		return err_set(err, ERR_USAGE, "-v wants -d DISK");
	bool packages = packages_wanted(&o->packages);

	if ((o->script || o->resolv_conf || packages || o->packages.location ||
	     o->packages.flags) &&
	    !o->customise)
		return err_set(err, ERR_USAGE, "-b, -w, -l, -I, -s and -R go with -C");
	if (o->customise && !o->script && !o->resolv_conf && !packages)
		return err_set(err, ERR_USAGE, "-C wants -b, -w, -s or -R");
	return 0;
}

static int act(struct op *op, const struct strv *args, struct err *err)
{
	const struct action *chosen = NULL;

	if (app_no_arguments(args, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (!is_given(op->o, &actions[i]))
			continue;
		if (chosen)
			return err_set(
				err, ERR_USAGE,
				"-q, -v, -W, -S, -X and -C cannot be given together");
		chosen = &actions[i];
	}
	if (!chosen)
		return err_set(err, ERR_USAGE,
			       "one of -q, -v, -W, -S, -X and -C is wanted");
	if (check(op->o, chosen, err) < 0)
		return -1;
	if (op->o->debug)
		app_trace_commands();
	app_show_events(op->app, op->o->verbose, NULL);
	if (host_open(&op->host, op->app, chosen->change, err) < 0)
		return -1;
	return chosen->run(op, err);
}

static int run(int argc, char **argv)
{
	struct op_options o = { 0 };
	_cleanup_(app_done) struct app app = APP_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct op op = { .app = &app, .o = &o, .host = HOST_INIT };
	struct err err = { 0 };
	int rc = app_parse(&app, &program, &o, argc, argv, &args, &err);

	if (rc == 0)
		rc = act(&op, &args, &err);
	host_done(&op.host);
	strv_done(&o.disks);
	packages_done(&o.packages);
	return app_exit(&app, rc, &err);
}

const struct command cmd_rootvg_op = {
	.name = "alt_rootvg_op",
	.summary = "name, wake, put to sleep, customise and remove a clone",
	.by_name = true,
	.run = run,
};
