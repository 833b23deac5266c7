/* SPDX-License-Identifier: GPL-2.0-or-later */
/* altdisk tree-manifest: what a tree holds, for a master that keeps contents of many clients. */
#include "altdisk/app.h"
#include "altdisk/cmd.h"
#include "archive/push.h"
#include "clone/clone.h"
#include "model/manifest-file.h"
#include "sys/files.h"

#define SHOWN_MAX 20

struct options {
	const char *keep;
	struct strv mounts;
	bool idle;
};

static const struct opt options[] = {
	{ "keep", 'k', OPT_STRING, offsetof(struct options, keep), "FILE",
	  "Keep the manifest here: tree-apply starts from it." },
	{ "mount", 0, OPT_LIST, offsetof(struct options, mounts), "PATH",
	  "A mount point below DIR (\"/boot\") whose file system belongs to the tree. Can be given again." },
	{ "idle", 'i', OPT_FLAG, offsetof(struct options, idle), NULL,
	  "Read with idle priority." },
};

static void on_note(void *arg, enum clone_note what, const char *path, const char *text)
{
	unsigned *shown = arg;

	if (++*shown <= SHOWN_MAX)
		app_warn("/%s: %s", path, text);
}

static int make(const struct options *o, const char *dir, struct err *err)
{
	_cleanup_root_ struct root tree = ROOT_INIT;
	_cleanup_free_ char *above = files_absolute(o->keep);
	struct clone_result res;
	unsigned shown = 0;
	const struct clone_job job = {
		.from = &tree,
		.mounts = &o->mounts,
		.manifest = o->keep,
		.idle = o->idle,
		.note = on_note,
		.note_arg = &shown,
	};

	*strrchr(above, '/') = '\0';
	if (files_mkdirs(*above ? above : "/", 0700, err) < 0 ||
	    root_open(&tree, dir, err) < 0)
		return -1;
	int rc = clone_run(&job, NULL, &res, err);
	if (rc > 0)
		return err_set(err, ERR_OPERATOR, "%llu files of %s cannot be read",
			       (unsigned long long)res.unreadable, dir);
	return rc;
}

static int tell(const char *file, struct err *err)
{
	_cleanup_manifest_map_ struct manifest_map m = { 0 };
	_cleanup_stream_out_ struct stream_out out = { 0 };

	if (manifest_map_open(&m, file, err) < 0 ||
	    stream_out_begin(&out, STDOUT_FILENO, err) < 0 ||
	    stream_out_text(&out, PUSH_MANIFEST, m.text, m.len, err) < 0)
		return -1;
	return stream_out_end(&out, err);
}

static const char *const synopsis[] = { "--keep FILE [--mount PATH]... DIR", NULL };

static const struct opt_program program = {
	.name = "altdisk tree-manifest",
	.synopsis = synopsis,
	.about =
		"Writes the manifest of a tree (mksysb(5)) to standard output, as a compressed tar archive with one member. A master asks with it for what it does not have.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
};

static int tree_manifest(const struct options *o, const struct strv *args,
			 struct err *err)
{
	if (args->n != 1 || !o->keep)
		return err_set(err, ERR_USAGE, "DIR and --keep FILE are wanted");
	return make(o, args->v[0], err) < 0 ? -1 : tell(o->keep, err);
}

static int run(int argc, char **argv)
{
	struct options o = { 0 };
	_cleanup_(app_done) struct app app = APP_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int rc = app_parse(&app, &program, &o, argc, argv, &args, &err);

	if (rc == 0)
		rc = tree_manifest(&o, &args, &err);
	strv_done(&o.mounts);
	return app_exit(&app, rc, &err);
}

const struct command cmd_tree_manifest = {
	.name = "tree-manifest",
	.summary = "tell a master what a tree holds",
	.run = run,
};
