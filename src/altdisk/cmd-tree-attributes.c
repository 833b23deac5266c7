/* SPDX-License-Identifier: GPL-2.0-or-later */
/* altdisk tree-attributes: what a master cannot see over NFS, kept here while it writes to a tree. */
#include <unistd.h>

#include "altdisk/app.h"
#include "altdisk/cmd.h"
#include "archive/attributes.h"

struct options {
	const char *save;
	bool unlock, restore;
};

static const struct opt options[] = {
	{ "save", 's', OPT_STRING, offsetof(struct options, save), "MANIFEST",
	  "Write to FILE what the paths of this manifest (tree-manifest --keep) have." },
	{ "unlock", 'u', OPT_FLAG, offsetof(struct options, unlock), NULL,
	  "Take the inode flags away that are in FILE, so that all can be written to." },
	{ "restore", 'r', OPT_FLAG, offsetof(struct options, restore), NULL,
	  "Put back what is in FILE and missing in the tree, and say so." },
};

static void on_note(void *arg, const char *path, const char *what)
{
	struct app *app = arg;

	events_step(&app->events, "/%s: put back: %s", path, what);
}

static int restore(struct app *app, const struct root *tree, const char *file,
		   struct err *err)
{
	struct attributes_restore r = { .note = on_note, .arg = app };

	if (attributes_restore(tree, file, &r, err) < 0)
		return -1;
	/* what the master takes for done is on its disk */
	sync();
	events_step(&app->events, "Attributes of %llu files were put back",
		    (unsigned long long)r.paths);
	return 0;
}

static int tree_attributes(struct app *app, const struct options *o,
			   const struct strv *args, struct err *err)
{
	_cleanup_root_ struct root tree = ROOT_INIT;
	int asked = (o->save != NULL) + o->unlock + o->restore;

	if (args->n != 2 || asked != 1)
		return err_set(
			err, ERR_USAGE,
			"FILE, DIR and one of --save, --unlock, --restore are wanted");
	if (app_need_root(err) < 0 || root_open(&tree, args->v[1], err) < 0)
		return -1;
	app_show_events(app, false, NULL);
	if (o->save)
		return attributes_save(&tree, o->save, args->v[0], err);
	return o->unlock ? attributes_unlock(&tree, args->v[0], err)
			 : restore(app, &tree, args->v[0], err);
}

static const char *const synopsis[] = { "--save MANIFEST FILE DIR",
					"{--unlock | --restore} FILE DIR", NULL };

static const struct opt_program program = {
	.name = "altdisk tree-attributes",
	.synopsis = synopsis,
	.about =
		"Keeps in FILE what NFS does not carry of the tree DIR (capabilities, ACLs, inode flags), and puts back what is missing when a master has written to it.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
};

static int run(int argc, char **argv)
{
	struct options o = { 0 };
	_cleanup_(app_done) struct app app = APP_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int rc = app_parse(&app, &program, &o, argc, argv, &args, &err);

	if (rc == 0)
		rc = tree_attributes(&app, &o, &args, &err);
	return app_exit(&app, rc, &err);
}

const struct command cmd_tree_attributes = {
	.name = "tree-attributes",
	.summary = "keep what NFS does not carry, and put it back",
	.run = run,
};
