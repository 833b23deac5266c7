/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lspv: the disks and what they are for. */
#include "altdisk/cmd.h"
#include "altdisk/host.h"
#include "altdisk/names.h"
#include "model/json.h"

struct lspv_options {
	bool all;
};
#define AT(f) offsetof(struct lspv_options, f)

static const struct opt options[] = {
	{ "all", 'a', OPT_FLAG, AT(all), NULL,
	  "Also show size, model and what each disk holds." },
};

static const char *const synopsis[] = { "[-a] [DISK]...", NULL };

static const char *const notes[] = {
	"Each line has the disk's name, its serial number, what it belongs to and its "
	"state.",
	"rootvg is the running system; altinst_rootvg its clone; old_rootvg the system "
	"that was cloned, after a boot from the clone. A clone is active while its file "
	"systems are mounted, else asleep. alt_rootvg_op -v gives it another name.",
	NULL,
};

static const struct opt_program program = {
	.name = "lspv",
	.synopsis = synopsis,
	.about = "Lists the disks of this machine with their roles.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
	.notes = notes,
};

static bool is_set(enum disk_role r)
{
	return r == DISK_ROOTVG || r == DISK_ALTINST || r == DISK_OLD;
}

static const char *belongs_to(const struct disk *d, const char *name)
{
	if (d->role == DISK_ALTINST && name)
		return name;
	if (d->role == DISK_OTHER && *d->vg)
		return d->vg;
	return disk_role_name(d->role);
}

static const char *state_of(const struct disk *d)
{
	if (d->role == DISK_ROOTVG || (is_set(d->role) && d->awake))
		return "active";
	if (is_set(d->role))
		return "asleep";
	return d->busy ? "active" : "";
}

static json_t *disk_to_json(const struct disk *d, const char *name)
{
	return json_pack("{ss so so so so sI ss ss so so ss sb so}", "event", "disk",
			 "disk", json_text(d->path), "by_id", json_text(d->by_id),
			 "serial", json_text(d->serial), "model", json_text(d->model),
			 "size", (json_int_t)d->size, "table", d->table, "role",
			 disk_role_name(d->role), "name", json_text(belongs_to(d, name)),
			 "vg", json_text(d->vg), "state", state_of(d), "ours", d->ours,
			 "holds", json_from_strv(&d->holds));
}

static void print_disk(const struct disk *d, const char *name, bool all)
{
	char size[32];

	printf("%-15s %-20s %-15s %s\n", d->path, *d->serial ? d->serial : "none",
	       belongs_to(d, name), state_of(d));
	if (!all)
		return;
	printf("    %s%s%s%s%s\n", fmt_bytes(size, sizeof(size), d->size),
	       *d->model ? "  " : "", d->model, *d->by_id ? "  " : "", d->by_id);
	for (size_t i = 0; i < d->holds.n; i++)
		printf("    %s\n", d->holds.v[i]);
}

static void show(const struct app *app, const struct lspv_options *o,
		 const struct host *h, const struct disk *d)
{
	_cleanup_free_ char *name = names_find(h, d->path);

	if (app->json)
		app_print_json(disk_to_json(d, name));
	else
		print_disk(d, name, o->all);
}

static int list(struct app *app, const struct lspv_options *o, const struct strv *args,
		struct err *err)
{
	_cleanup_host_ struct host h = HOST_INIT;
	_cleanup_strv_ struct strv paths = STRV_INIT;

	if (host_open(&h, app, false, err) < 0 ||
	    host_resolve_disks(&h, args, &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < h.disks.n; i++)
		if (args->n == 0 || strv_has(&paths, h.disks.v[i].path))
			show(app, o, &h, &h.disks.v[i]);
	return 0;
}

static int run(int argc, char **argv)
{
	struct lspv_options o = { 0 };
	_cleanup_(app_done) struct app app = APP_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int rc = app_parse(&app, &program, &o, argc, argv, &args, &err);

	if (rc == 0)
		rc = list(&app, &o, &args, &err);
	return app_exit(&app, rc, &err);
}

const struct command cmd_lspv = {
	.name = "lspv",
	.summary = "list the disks and their roles",
	.by_name = true,
	.run = run,
};
