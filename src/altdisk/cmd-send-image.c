/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * send-image: an image of the running system as a stream on standard output, from a snapshot where there can be one; what
 * happens is told as JSON lines on standard error. The master calls it over ssh. Nothing of the running disks is changed.
 */
#include <time.h>

#include "altdisk/changed.h"
#include "altdisk/cmd.h"
#include "altdisk/host.h"
#include "altdisk/quiesce.h"
#include "altdisk/state.h"
#include "archive/mksysb.h"
#include "inventory/layout-read.h"
#include "inventory/preflight.h"
#include "storage/storage.h"
#include "sys/files.h"
#include "sys/lock.h"
#include "sys/mount.h"
#include "ui/ui.h"

#define SNAPSHOT_DIR RUN_DIR "/snapshot"
#define SHOWN_MAX    20

struct send_options {
	const char *root, *exclude;
	uint64_t level, threads;
	bool facts;
};

#define AT(f) offsetof(struct send_options, f)

static const struct opt options[] = {
	{ "facts", 0, OPT_FLAG, AT(facts), NULL,
	  "Only the small files that a pre-flight reads." },
	{ "root", 0, OPT_STRING, AT(root), "DIR",
	  "The system is the tree in this directory instead of the running host." },
	{ "exclude", 'e', OPT_STRING, AT(exclude), "FILE",
	  "Leave out what a pattern of this file matches." },
	{ "level", 0, OPT_NUMBER, AT(level), "N", "Compression level of zstd, 1 to 19." },
	{ "threads", 0, OPT_NUMBER, AT(threads), "N", "Use so many threads." },
};

static const char *const synopsis[] = { "[--facts] [--root DIR] [-e FILE] >STREAM",
					NULL };

static const struct opt_program program = {
	.name = "altdisk send-image",
	.synopsis = synopsis,
	.about =
		"Writes an image of the running system to standard output, as the stream "
		"that nimadm reads, and events as JSON to standard error.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
};

/* What belongs to this boot or to us. */
static const char *const never[] = {
	"^\\./etc/nimadm/altinst$",
	"^\\./etc/nimadm/altinst\\.(resume|initramfs)$",
	"^\\./var/lib/nimadm$",
};

struct source {
	struct app *app;
	const struct send_options *o;
	struct root running,
		from; /* from: what is read: the snapshot, or the running root */
	struct layout layout;
	struct snapshot_set set;
	bool has_set; /* `set` is to be dropped */
	struct strv mounts, excludes;
	struct timespec since;
	int lock;
	uint64_t noted, changed;
};

static void source_done(struct source *s)
{
	root_done(&s->running);
	root_done(&s->from);
	layout_done(&s->layout);
	snapshot_set_done(&s->set);
	strv_done(&s->mounts);
	strv_done(&s->excludes);
	close_p(&s->lock);
}

static void on_note(void *arg, const char *path, const char *what)
{
	struct source *s = arg;

	/* a socket is made again by whoever listens on it */
	if (strstr(what, "socket") || s->noted++ >= SHOWN_MAX)
		return;
	events_warning(&s->app->events, "/%s: %s", path, what);
}

static void on_changed(void *arg, const char *path)
{
	struct source *s = arg;

	if (s->changed++ < SHOWN_MAX)
		events_warning(&s->app->events, "/%s changed while the image was made",
			       path);
}

/* --- where it is read from --- */

static struct storage storage_of(struct source *s)
{
	return (struct storage){ &s->running, runner_local(), &s->app->events };
}

/* A snapshot of all file systems of one moment, or none. */
static int take_snapshot(struct source *s, struct err *err)
{
	const struct storage st = storage_of(s);
	_cleanup_quiesce_ struct quiesce q = { .run = st.run, .events = st.events };

	if (storage_drop_leftovers(&st, &s->layout, err) < 0)
		return -1;
	if (quiesce_before(&q, &s->running, err) < 0)
		return -1;
	s->has_set = true;
	int rc = snapshot_take(&st, &s->layout, SNAPSHOT_DIR, &s->set, err);
	quiesce_after(&q);
	return rc;
}

static int drop_snapshot(struct source *s, struct err *err)
{
	const struct storage st = storage_of(s);

	if (!s->has_set)
		return 0;
	root_done(&s->from);
	int rc = snapshot_drop(&st, &s->layout, &s->set, err);
	s->has_set = false;
	return rc;
}

/* The running files as they are. */
static int read_live(struct source *s, struct err *err)
{
	events_warning(&s->app->events,
		       "there is no snapshot: the running files are read, and those that "
		       "change meanwhile are named");
	if (drop_snapshot(s, err) < 0)
		return -1;
	layout_mounts(&s->layout, &s->mounts);
	return root_open(&s->from, "/", err);
}

static int open_host(struct source *s, struct err *err)
{
	/* What we mount ends with us. */
	if (app_need_root(err) < 0 || mount_private_namespace(err) < 0 ||
	    files_mkdirs(RUN_DIR, 0755, err) < 0 ||
	    files_mkdirs(STATE_DIR, 0700, err) < 0)
		return -1;
	if (root_open(&s->running, "/", err) < 0 ||
	    layout_read_host(&s->layout, &s->running, runner_local(), err) < 0)
		return -1;
	if (s->o->facts) {
		layout_mounts(&s->layout, &s->mounts);
		return root_open(&s->from, "/", err);
	}
	s->lock = lock_file(RUN_DIR "/altdisk.lock", 0, err);
	if (s->lock < 0)
		return err_remedy(err, "wait for its end; a lock goes with its process");
	events_step(&s->app->events, "Taking a snapshot of the running system");
	if (take_snapshot(s, err) < 0)
		return -1;
	if (!s->set.consistent || !strv_has(&s->set.mounts, "/"))
		return read_live(s, err);
	strv_add_strv(&s->mounts, &s->set.mounts);
	return root_open(&s->from, s->set.at, err);
}

static int open_tree(struct source *s, struct err *err)
{
	if (root_open(&s->from, s->o->root, err) < 0)
		return -1;
	return layout_read_root(&s->layout, &s->from, err);
}

/* --- sending --- */

static int send_it(struct source *s, struct err *err)
{
	_cleanup_str_ struct str image_data = STR_INIT, bosinst_data = STR_INIT;
	struct progress p = events_progress(&s->app->events);
	struct mksysb_written written = { 0 };

	layout_write(&s->layout, &image_data);
	bosinst_default(&s->layout, &bosinst_data);
	const struct mksysb_write w = {
		.root = &s->from,
		.image_data = str_c(&image_data),
		.bosinst_data = str_c(&bosinst_data),
		.excludes = &s->excludes,
		.one_file_system_set = true,
		.mounts = &s->mounts,
		.want = s->o->facts ? preflight_wants_entry : NULL,
		.threads = (unsigned)s->o->threads,
		.level = (int)s->o->level,
		.note = on_note,
		.note_arg = s,
	};
	if (!s->o->facts)
		events_step(&s->app->events, "Sending the image");
	return mksysb_send(&w, STDOUT_FILENO, s->o->root ? "/var/tmp" : STATE_DIR, &p,
			   &written, err);
}

/* Whether what was sent is what it should be. */
static int look_again(struct source *s, struct err *err)
{
	const struct storage st = storage_of(s);
	bool live = !s->has_set || s->set.live.n > 0;

	if (s->has_set && snapshot_check(&st, &s->set, err) < 0)
		return -1;
	if (live && changed_look(&s->running, s->has_set ? &s->set.live : &s->mounts,
				 &s->since, on_changed, s, err) < 0)
		return -1;
	if (s->changed > SHOWN_MAX)
		events_warning(&s->app->events,
			       "%llu more files changed while the image was made",
			       (unsigned long long)(s->changed - SHOWN_MAX));
	return 0;
}

static int send_image(struct app *app, const struct send_options *o, struct err *err)
{
	_cleanup_(source_done) struct source s = {
		.app = app, .o = o, .running = ROOT_INIT, .from = ROOT_INIT, .lock = -1
	};
	struct err drop = { 0 };

	if (isatty(STDOUT_FILENO)) {
		err_set(err, ERR_USAGE, "the stream is not for a terminal");
		return err_remedy(err, "mksysb -o FILE makes an image in a file");
	}
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		strv_add(&s.excludes, never[i]);
	if (app_read_patterns(o->exclude, &s.excludes, err) < 0)
		return -1;
	clock_gettime(CLOCK_REALTIME, &s.since);
	int rc = o->root ? open_tree(&s, err) : open_host(&s, err);
	if (rc == 0)
		rc = send_it(&s, err);
	if (rc == 0 && !o->root && !o->facts)
		rc = look_again(&s, err);
	/* A snapshot that stays fills up and slows every write. */
	if (drop_snapshot(&s, &drop) < 0) {
		if (rc == 0)
			*err = drop;
		rc = -1;
	}
	return rc;
}

static int run(int argc, char **argv)
{
	struct send_options o = { 0 };
	_cleanup_(app_done) struct app app = APP_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int rc = app_parse(&app, &program, &o, argc, argv, &args, &err);

	if (rc == 0)
		rc = app_no_arguments(&args, &err);
	if (rc == 0) {
		app.json = true;
		events_add_sink(&app.events, ui_json(stderr));
		rc = send_image(&app, &o, &err);
	}
	return app_exit(&app, rc, &err);
}

const struct command cmd_send_image = {
	.name = "send-image",
	.summary = "send an image of the running system to the master",
	.run = run,
};
