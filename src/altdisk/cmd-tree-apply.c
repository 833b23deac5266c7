/* SPDX-License-Identifier: GPL-2.0-or-later */
/* altdisk tree-apply: the changes that a master has made to a tree. */
#include "altdisk/app.h"
#include "altdisk/cmd.h"
#include "archive/push.h"
#include "clone/clone.h"
#include "sys/files.h"

struct options {
	const char *base, *manifest;
	struct strv mounts;
	bool no_verify;
};

static const struct opt options[] = {
	{ "base", 'b', OPT_STRING, offsetof(struct options, base), "FILE",
	  "The manifest that tree-manifest kept." },
	{ "manifest", 'm', OPT_STRING, offsetof(struct options, manifest), "FILE",
	  "Write the new manifest here." },
	{ "mount", 0, OPT_LIST, offsetof(struct options, mounts), "PATH",
	  "A mount point below DIR (\"/boot\") whose file system belongs to the tree. Can be given again." },
	{ "no-verify", 0, OPT_FLAG, offsetof(struct options, no_verify), NULL,
	  "Do not read the tree back." },
};

static int apply(const struct options *o, const char *dir, struct push_result *res,
		 struct err *err)
{
	_cleanup_root_ struct root tree = ROOT_INIT;

	if (root_open(&tree, dir, err) < 0 ||
	    push_apply(&tree, &o->mounts, o->base, o->manifest, STDIN_FILENO, res, err) <
		    0)
		return -1;
	if (o->no_verify)
		return 0;
	return clone_verify(&tree, &o->mounts, o->manifest, 0, NULL, err);
}

static const char *const synopsis[] = {
	"--base FILE --manifest FILE [--mount PATH]... DIR <STREAM", NULL
};

static const struct opt_program program = {
	.name = "altdisk tree-apply",
	.synopsis = synopsis,
	.about =
		"Makes a tree what the master's copy of it has become: removes, writes and links what the stream on standard input says, then compares the whole tree with the new manifest. It can be repeated after it was broken off.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
};

static void summary(const struct push_result *r)
{
	app_print_json(json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "event", "applied", "files",
		(json_int_t)r->files, "attributes", (json_int_t)r->attributes, "links",
		(json_int_t)r->links, "removed", (json_int_t)r->removed, "bytes",
		(json_int_t)r->bytes, "stream", (json_int_t)r->raw_bytes));
}

static int tree_apply(const struct options *o, const struct strv *args, struct err *err)
{
	struct push_result res;

	if (args->n != 1 || !o->base || !o->manifest)
		return err_set(err, ERR_USAGE,
			       "DIR, --base FILE and --manifest FILE are wanted");
	if (apply(o, args->v[0], &res, err) < 0)
		return -1;
	summary(&res);
	return 0;
}

static int run(int argc, char **argv)
{
	struct options o = { 0 };
	_cleanup_(app_done) struct app app = APP_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int rc = app_parse(&app, &program, &o, argc, argv, &args, &err);

	if (rc == 0)
		rc = tree_apply(&o, &args, &err);
	strv_done(&o.mounts);
	return app_exit(&app, rc, &err);
}

const struct command cmd_tree_apply = {
	.name = "tree-apply",
	.summary = "make a tree what a master has made of its copy",
	.run = run,
};
