/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bootlist: which disk the machine starts from. */
#include "altdisk/cmd.h"
#include "altdisk/host.h"
#include "model/json.h"

struct bootlist_options {
	const char *mode;
	bool output;
};
#define AT(f) offsetof(struct bootlist_options, f)

static const struct opt options[] = {
	{ "mode", 'm', OPT_STRING, AT(mode), "MODE",
	  "normal: the order that holds until it is changed; once: the next boot alone." },
	{ "output", 'o', OPT_FLAG, AT(output), NULL, "Show the list." },
};

static const char *const synopsis[] = {
	"-m normal -o",
	"-m normal DISK...",
	"-m once DISK",
	NULL,
};

static const char *const notes[] = {
	"On UEFI these are the firmware's BootOrder and BootNext; on BIOS the "
	"environment of the GRUB that the firmware starts. bootlist -m normal -o names "
	"the mechanism that is used.",
	NULL,
};

static const struct opt_program program = {
	.name = "bootlist",
	.synopsis = synopsis,
	.about = "Shows or changes which disk this machine starts from.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
	.notes = notes,
};

static void print_json(const struct bootlist *b)
{
	json_t *list = json_array();

	for (size_t i = 0; i < b->n; i++)
		json_array_append_new(
			list, json_pack("{so so so sb}", "disk", json_text(b->v[i].disk),
					"label", json_text(b->v[i].label), "id",
					json_text(b->v[i].id), "ours", b->v[i].ours));
	app_print_json(json_pack("{ss so so so}", "event", "bootlist", "mechanism",
				 json_text(b->mechanism), "once", json_text(b->once),
				 "order", list));
}

static void print_text(const struct bootlist *b)
{
	for (size_t i = 0; i < b->n; i++)
		printf("%-15s %-15s %s\n", b->v[i].disk, b->v[i].label, b->v[i].id);
	if (b->once)
		printf("next boot alone: %s\n", b->once);
	if (b->mechanism)
		printf("by: %s\n", b->mechanism);
}

static int show(struct app *app, const struct bootlist_ctx *c, struct err *err)
{
	_cleanup_bootlist_ struct bootlist b = BOOTLIST_INIT;

	if (bootlist_read(c, &b, err) < 0)
		return -1;
	if (app->json)
		print_json(&b);
	else
		print_text(&b);
	return 0;
}

static int check(const struct bootlist_options *o, const struct strv *args,
		 struct err *err)
{
	if (!o->mode)
		return err_set(err, ERR_USAGE, "-m normal or -m once is wanted");
	if (!streq(o->mode, "normal") && !streq(o->mode, "once"))
		return err_set(err, ERR_USAGE, "-m %s: normal or once", o->mode);
	if (o->output && args->n > 0)
		return err_set(err, ERR_USAGE, "-o takes no disk");
	if (!o->output && args->n == 0)
		return err_set(err, ERR_USAGE, "name the disk, or -o to show the list");
	if (streq(o->mode, "once") && args->n > 1)
		return err_set(err, ERR_USAGE, "-m once takes one disk");
	return 0;
}

static int act(struct app *app, const struct bootlist_options *o, const struct strv *args,
	       struct err *err)
{
	_cleanup_host_ struct host h = HOST_INIT;
	_cleanup_strv_ struct strv disks = STRV_INIT;

	if (check(o, args, err) < 0 || host_open(&h, app, !o->output, err) < 0 ||
	    host_resolve_disks(&h, args, &disks, err) < 0)
		return -1;
	struct bootlist_ctx c = host_bootlist(&h);
	int rc = 0;
	if (!o->output)
		rc = streq(o->mode, "once") ? bootlist_set_once(&c, disks.v[0], err)
					    : bootlist_set(&c, &disks, err);
	return rc < 0 ? -1 : show(app, &c, err);
}

static int run(int argc, char **argv)
{
	struct bootlist_options o = { 0 };
	_cleanup_(app_done) struct app app = APP_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int rc = app_parse(&app, &program, &o, argc, argv, &args, &err);

	if (rc == 0)
		rc = act(&app, &o, &args, &err);
	return app_exit(&app, rc, &err);
}

const struct command cmd_bootlist = {
	.name = "bootlist",
	.summary = "show or change which disk the machine starts from",
	.by_name = true,
	.run = run,
};
