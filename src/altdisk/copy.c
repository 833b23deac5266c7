/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The running system into the mounted clone. */
#include "altdisk/copy.h"

#include <sys/stat.h>
#include <time.h>

#include "altdisk/quiesce.h"
#include "clone/clone.h"
#include "model/manifest-file.h"
#include "sys/files.h"

#define SNAPSHOT_DIR RUN_DIR "/snapshot"
#define SHOWN_MAX    20
/* Shares of the stages, in percent of the bytes: the second pass reads little. */
#define ONCE  100
#define AGAIN 10

/* What belongs to this boot of this system alone. */
static const char *const never[] = {
	"^\\./etc/nimadm/altinst$",
	"^\\./etc/nimadm/altinst\\.subvolumes$",
	"^\\./etc/nimadm/altinst\\.(resume|initramfs)$",
	"^\\./\\.nimadm\\.snapshot$",
	"^\\./var/lib/nimadm/altdisk\\.json",
	"^\\./var/lib/nimadm/claim$",
	"^\\./var/lib/nimadm/altdisk-",
	"^\\./var/lib/nimadm/altinst\\.manifest",
};

struct notes {
	struct events *events;
	bool changes; /* a file that changes while it is read is worth a word: there is no snapshot */
	unsigned shown[CLONE_NOTE_VANISHED + 1];
	unsigned count[CLONE_NOTE_VANISHED + 1];
};

/* Copying, looking through it once more and reading it back count as one whole: its bytes, some of them twice. */
struct stages {
	const struct progress *p;
	uint64_t whole; /* what there is to copy; 0: not known yet */
	unsigned at, part,
		of; /* percent of it: before this stage, in this stage, in all stages */
};

struct copy {
	struct alternate *a;
	struct snapshot_set set;
	struct root from, to;
	struct strv mounts, excludes;
	struct notes notes;
	/* What the first pass has read, and when it began. */
	struct manifest_map map;
	struct manifest_index index;
	time_t begun;
	struct stages stages;
};

static const char *const note_words[] = {
	[CLONE_NOTE_UNREADABLE] = "cannot be read",
	[CLONE_NOTE_CHANGED] = "changed while it was copied",
	[CLONE_NOTE_LOST] = "lost an attribute",
	[CLONE_NOTE_VANISHED] = "is gone meanwhile",
};

static void on_note(void *arg, enum clone_note what, const char *path, const char *text)
{
	struct notes *n = arg;

	n->count[what]++;
	if (what == CLONE_NOTE_VANISHED || (what == CLONE_NOTE_CHANGED && !n->changes))
		return;
	if (n->shown[what] == SHOWN_MAX)
		return;
	n->shown[what]++;
	events_warning(n->events, "/%s %s%s%s", *path == '/' ? path + 1 : path,
		       note_words[what], text && *text ? ": " : "", text ? text : "");
}

static void sum_notes(const struct notes *n)
{
	for (size_t i = 0; i < ARRAY_SIZE(n->count); i++)
		if (n->shown[i] == SHOWN_MAX && n->count[i] > SHOWN_MAX)
			events_warning(n->events, "%u more: %s", n->count[i] - SHOWN_MAX,
				       note_words[i]);
}

static int take_snapshot(struct copy *c, struct err *err)
{
	struct host *h = &c->a->host;
	struct events *evs = &c->a->app->events;
	_cleanup_quiesce_ struct quiesce q = { .run = h->storage.run, .events = evs };

	if (quiesce_before(&q, &h->root, err) < 0)
		return -1;
	events_step(evs, "Taking a snapshot of the running system");
	int rc = snapshot_take(&h->storage, &h->running, SNAPSHOT_DIR, &c->set, err);
	quiesce_after(&q);
	if (rc < 0)
		return -1;
	if (!c->set.consistent)
		events_warning(
			evs,
			"there is no room for a snapshot: the running files are copied, and in a second "
			"pass those that changed meanwhile; they are named");
	return 0;
}

static int open_trees(struct copy *c, struct err *err)
{
	for (size_t i = 0; i < c->set.mounts.n; i++)
		if (!streq(c->set.mounts.v[i], "/"))
			strv_add(&c->mounts, c->set.mounts.v[i]);
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		strv_add(&c->excludes, never[i]);
	if (app_read_patterns(c->a->o->exclude, &c->excludes, err) < 0 ||
	    root_open(&c->from, c->set.at, err) < 0)
		return -1;
	return root_open(&c->to, ALT_INST, err);
}

static void on_progress(void *arg, enum progress_unit unit, uint64_t done, uint64_t total,
			const char *item)
{
	struct stages *s = arg;

	if (s->whole == 0)
		s->whole = total;
	if (s->whole == 0) {
		progress_report(s->p, unit, done, 0, item);
		return;
	}
	double part = total ? (double)done / (double)total : 0;
	double one = (double)s->whole / 100;
	progress_report(s->p, unit, (uint64_t)((s->at + s->part * part) * one),
			(uint64_t)(s->of * one), item);
}

static struct progress stage(struct copy *c, unsigned part)
{
	c->stages.at += c->stages.part;
	c->stages.part = part;
	return (struct progress){ on_progress, &c->stages };
}

/* Whoever changes a file can set its time as it was, but not when that was done. */
static enum clone_known known_before(void *arg, const char *path, const struct statx *sx,
				     struct manifest_entry *ret)
{
	const struct copy *c = arg;

	return S_ISREG(sx->stx_mode) && sx->stx_ctime.tv_sec < c->begun &&
			       manifest_index_find(&c->index, path, ret) &&
			       manifest_is_of_kind(ret, sx->stx_mode) &&
			       manifest_is_as_it_was(ret, sx)
		       ? CLONE_KNOWN_CONTENT
		       : CLONE_KNOWN_NOT;
}

static struct clone_job job_of(struct copy *c, bool update)
{
	return (struct clone_job){
		.from = &c->from,
		.to = &c->to,
		.mounts = &c->mounts,
		.excludes = &c->excludes,
		.manifest = STATE_MANIFEST,
		.limit = c->a->o->limit_mb * 1000000,
		.idle = true,
		.update = update,
		.known = update ? known_before : NULL,
		.known_arg = c,
		.note = on_note,
		.note_arg = &c->notes,
	};
}

static int pass(struct copy *c, bool update, struct err *err)
{
	struct clone_job job = job_of(c, update);
	struct events *evs = &c->a->app->events;
	struct progress p = stage(c, update ? AGAIN : ONCE);
	struct clone_result res = { 0 };

	events_step(evs, update ? "Copying what changed meanwhile" : "Copying");
	int rc = clone_run(&job, &p, &res, err);
	if (rc < 0 && err->kind == ERR_CANCELLED)
		return -1;
	/* the file system of a disk that fails turns read-only: its path alone tells nobody which */
	if (rc < 0) {
		_cleanup_free_ char *disks = strv_join(&c->a->targets, " ");

		return err_prefix(err, "the clone on %s", disks);
	}
	if (rc > 0) {
		err_set(err, ERR_OPERATOR,
			"%llu files cannot be read: the clone is incomplete",
			(unsigned long long)res.unreadable);
		return err_remedy(err, "repair the disk, or leave the files out with -e");
	}
	if (!update) {
		c->a->state.files = res.files;
		c->a->state.bytes = res.bytes;
	}
	free(c->a->state.digest);
	c->a->state.digest = xstrdup(res.digest);
	return 0;
}

static int verify(struct copy *c, struct err *err)
{
	struct progress p = stage(c, ONCE);

	if (c->a->o->no_verify)
		return 0;
	events_step(&c->a->app->events, "Reading the clone back");
	return clone_verify(&c->to, &c->mounts, STATE_MANIFEST, 0, &p, err);
}

/* A plain /boot has no snapshot: it is looked through once more, and the files that moved are named. */
static int copy_tree(struct copy *c, struct err *err)
{
	const struct storage steady = host_cleanup_storage(&c->a->host);
	bool again = !c->set.consistent || c->set.live.n > 0;
	const struct progress whole = events_progress(&c->a->app->events);

	c->begun = time(NULL);
	c->stages = (struct stages){
		.p = &whole,
		.of = ONCE + (again ? AGAIN : 0) + (c->a->o->no_verify ? 0 : ONCE),
	};
	c->notes = (struct notes){ .events = &c->a->app->events,
				   .changes = !c->set.consistent };
	if (open_trees(c, err) < 0 || snapshot_make_nested(&c->set, ALT_INST, err) < 0)
		return -1;
	/* What cannot be read of a snapshot that overflowed is its fault, not the disk's. */
	struct err full = { 0 };
	int rc = pass(c, false, err);
	if (snapshot_check(&steady, &c->set, &full) < 0 &&
	    (rc == 0 || err->kind != ERR_CANCELLED)) {
		*err = full;
		rc = -1;
	}
	if (rc < 0)
		return -1;
	c->notes.changes = again;
	if (again &&
	    (manifest_map_open(&c->map, STATE_MANIFEST, err) < 0 ||
	     manifest_index_make(&c->index, &c->map, err) < 0 || pass(c, true, err) < 0))
		return -1;
	sum_notes(&c->notes);
	return verify(c, err);
}

static void copy_done(struct copy *c)
{
	root_done(&c->from);
	root_done(&c->to);
	strv_done(&c->mounts);
	strv_done(&c->excludes);
	manifest_index_done(&c->index);
	manifest_map_done(&c->map);
	snapshot_set_done(&c->set);
}

int copy_fill(struct alternate *a, void *arg, struct err *err)
{
	_cleanup_(copy_done) struct copy c = {
		.a = a,
		.from = ROOT_INIT,
		.to = ROOT_INIT,
	};
	const struct storage steady = host_cleanup_storage(&a->host);
	struct err drop = { 0 };

	if (files_mkdirs(STATE_DIR, 0755, err) < 0)
		return -1;
	int rc = take_snapshot(&c, err) < 0 ? -1 : copy_tree(&c, err);
	root_done(&c.from);
	/* A snapshot that stays fills up and slows every write: this failure counts too. */
	if (snapshot_drop(&steady, &a->host.running, &c.set, &drop) < 0) {
		if (rc == 0)
			*err = drop;
		else
			events_warning(&a->app->events, "%s", drop.msg);
		rc = -1;
	}
	return rc;
}
