/* SPDX-License-Identifier: GPL-2.0-or-later */
/* altdisk copy-tree: the clone engine by itself, on directories. */
#include "altdisk/app.h"
#include "altdisk/cmd.h"
#include "clone/clone.h"
#include "sys/files.h"
#include "sys/sha256.h"

#define MB	  1000000u
#define SHOWN_MAX 100

struct options {
	const char *manifest, *exclude;
	struct strv mounts;
	uint64_t threads, limit;
	bool verify, update, idle, quiet;
};

static const struct opt options[] = {
	{ "manifest", 'm', OPT_STRING, offsetof(struct options, manifest), "FILE",
	  "Write a manifest (mksysb(5)): every path with its attributes and the SHA-256 of its content." },
	{ "verify", 'V', OPT_FLAG, offsetof(struct options, verify), NULL,
	  "Read the copy back from its disk and compare it with the manifest. Without SRC: only that, with the manifest of an earlier copy." },
	{ "exclude", 'e', OPT_STRING, offsetof(struct options, exclude), "FILE",
	  "Leave out the paths that match a pattern of this file: one basic regular expression a line, on paths that begin with \"./\"." },
	{ "mount", 0, OPT_LIST, offsetof(struct options, mounts), "PATH",
	  "A mount point below SRC (\"/boot\") whose file system belongs to the tree; all others are left out, but for the empty directory. Can be given again." },
	{ "update", 'u', OPT_FLAG, offsetof(struct options, update), NULL,
	  "DST holds an earlier copy: copy what differs in size, times, mode, owner or extended attributes, and remove what is gone." },
	{ "threads", 'j', OPT_NUMBER, offsetof(struct options, threads), "N",
	  "Copy with this many threads; else with as many as help." },
	{ "limit", 'l', OPT_NUMBER, offsetof(struct options, limit), "MB",
	  "Copy no more than this many megabytes a second." },
	{ "idle", 'i', OPT_FLAG, offsetof(struct options, idle), NULL,
	  "Read and write with idle priority, so that the machine stays usable." },
	{ "quiet", 'q', OPT_FLAG, offsetof(struct options, quiet), NULL,
	  "Print neither progress nor a summary." },
};

static const char *const note_words[] = {
	[CLONE_NOTE_UNREADABLE] = "unreadable",
	[CLONE_NOTE_CHANGED] = "changed",
	[CLONE_NOTE_LOST] = "lost",
	[CLONE_NOTE_VANISHED] = "vanished",
};

struct copying {
	struct app *app;
	unsigned shown;
};

static void on_note(void *arg, enum clone_note what, const char *path, const char *text)
{
	struct copying *k = arg;

	if (k->shown++ < SHOWN_MAX)
		events_warning(&k->app->events, "%s: /%s: %s", note_words[what], path,
			       text);
}

static int open_target(struct root *to, const char *path, struct err *err)
{
	return files_mkdirs(path, 0700, err) < 0 ? -1 : root_open(to, path, err);
}

static void summary(struct app *app, const struct clone_result *r)
{
	char bytes[32];

	if (app->json) {
		app_print_json(json_pack(
			"{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "event", "copied",
			"files", (json_int_t)r->files, "bytes", (json_int_t)r->bytes,
			"unreadable", (json_int_t)r->unreadable, "changed",
			(json_int_t)r->changed, "lost", (json_int_t)r->lost, "vanished",
			(json_int_t)r->vanished, "digest", r->digest));
		return;
	}
	events_step(&app->events, "%llu files, %s copied", (unsigned long long)r->files,
		    fmt_bytes(bytes, sizeof(bytes), r->bytes));
}

static int incomplete(const struct clone_result *r, struct err *err)
{
	err_set(err, ERR_OPERATOR, "%llu files cannot be read: the copy is incomplete",
		(unsigned long long)r->unreadable);
	return err_remedy(err, "repair the disk, or leave them out with --exclude");
}

static int copy(struct app *app, const struct options *o, const char *src,
		const char *dst, struct err *err)
{
	_cleanup_root_ struct root from = ROOT_INIT, to = ROOT_INIT;
	_cleanup_strv_ struct strv excludes = STRV_INIT;
	struct copying k = { .app = app };
	struct progress p = events_progress(&app->events);
	struct clone_result res;
	struct clone_job job = {
		.from = &from,
		.to = &to,
		.mounts = &o->mounts,
		.excludes = &excludes,
		.manifest = o->manifest,
		.threads = (unsigned)MIN(o->threads, (uint64_t)1000),
		.limit = o->limit * MB,
		.idle = o->idle,
		.update = o->update,
		.note = on_note,
		.note_arg = &k,
	};

	if (app_read_patterns(o->exclude, &excludes, err) < 0 ||
	    root_open(&from, src, err) < 0 || open_target(&to, dst, err) < 0)
		return -1;
	events_step(&app->events, "Copying %s to %s", src, dst);
	int rc = clone_run(&job, &p, &res, err);
	if (rc < 0)
		return -1;
	if (!o->quiet)
		summary(app, &res);
	if (rc > 0)
		return incomplete(&res, err);
	return 0;
}

static int verify(struct app *app, const struct options *o, const char *dst,
		  struct err *err)
{
	_cleanup_root_ struct root tree = ROOT_INIT;
	struct progress p = events_progress(&app->events);

	if (!o->verify)
		return 0;
	if (!o->manifest)
		return err_set(err, ERR_USAGE, "--verify needs --manifest");
	events_step(&app->events, "Reading %s back", dst);
	if (root_open(&tree, dst, err) < 0)
		return -1;
	return clone_verify(&tree, &o->mounts, o->manifest, (unsigned)o->threads, &p,
			    err);
}

static int check_usage(const struct options *o, const struct strv *args, struct err *err)
{
	size_t least = o->verify ? 1 : 2;

	if (args->n < least || args->n > 2)
		return err_set(err, ERR_USAGE, "SRC and DST are wanted");
	if (o->verify && !o->manifest)
		return err_set(err, ERR_USAGE, "--verify needs --manifest");
	if (o->limit > UINT64_MAX / MB)
		return err_set(err, ERR_USAGE, "--limit: too large");
	return 0;
}

static const char *const synopsis[] = { "[OPTION]... SRC DST",
					"--verify --manifest FILE [OPTION]... DST",
					NULL };

static const char *const notes[] = {
	"Holes, hard links, extended attributes with ACLs and capabilities, inode flags, times, device nodes, fifos and sockets are kept, and files share their blocks with the source where the file system can.",
	"Exit status: 0 done; 1 failed, or a file could not be read (it is named, the rest is there); 2 usage.",
	NULL
};

static const struct opt_program program = {
	.name = "altdisk copy-tree",
	.synopsis = synopsis,
	.about =
		"Copies a tree with everything its files have, in parallel and in bounded memory. DST is made, or is empty but for mount points.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
	.notes = notes,
};

static int copy_tree(struct app *app, const struct options *o, const struct strv *args,
		     struct err *err)
{
	if (check_usage(o, args, err) < 0)
		return -1;
	if (!o->quiet)
		app_show_events(app, false, NULL);
	if (args->n == 2 && copy(app, o, args->v[0], args->v[1], err) < 0)
		return -1;
	return verify(app, o, args->v[args->n - 1], err);
}

static int run(int argc, char **argv)
{
	struct options o = { 0 };
	_cleanup_(app_done) struct app app = APP_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int rc = app_parse(&app, &program, &o, argc, argv, &args, &err);

	if (rc == 0)
		rc = copy_tree(&app, &o, &args, &err);
	strv_done(&o.mounts);
	return app_exit(&app, rc, &err);
}

const struct command cmd_copy_tree = {
	.name = "copy-tree",
	.summary = "copy a directory tree with the clone engine",
	.run = run,
};
