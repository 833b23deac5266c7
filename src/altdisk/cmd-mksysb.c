/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mksysb: makes, lists, verifies, unpacks and compares images of systems. Making one is in mksysb-write.c. */
#include <sys/stat.h>
#include <time.h>

#include "altdisk/cmd.h"
#include "altdisk/mksysb.h"
#include "model/json.h"
#include "model/manifest.h"
#include "sys/clock.h"
#include "sys/files.h"

#define AT(f) offsetof(struct mksysb_options, f)

static const struct opt options[] = {
	{ "output", 'o', OPT_STRING, AT(output), "FILE",
	  "Make an image of the system in this file." },
	{ "root", 0, OPT_STRING, AT(root), "DIR",
	  "The system is the tree in this directory instead of the running host." },
	{ "exclude", 'e', OPT_STRING, AT(exclude), "FILE",
	  "Leave out what a pattern of this file matches: basic regular expressions, one "
	  "a line, on paths that begin with ./" },
	{ "exclude-fs", 'x', OPT_LIST, AT(exclude_fs), "FS",
	  "Leave out this file system (its mount point); may be repeated." },
	{ "image-data", 'i', OPT_STRING, AT(image_data), "FILE",
	  "Put this image.data into the image instead of a generated one." },
	{ "bosinst-data", 'b', OPT_STRING, AT(bosinst_data), "FILE",
	  "Put this bosinst.data into the image instead of a generated one." },
	{ "level", 0, OPT_NUMBER, AT(level), "N", "Compression level of zstd, 1 to 19." },
	{ "list", 't', OPT_STRING, AT(list), "FILE", "List the members of an image." },
	{ "verify", 'V', OPT_STRING, AT(verify), "FILE",
	  "Read all of an image and check every checksum." },
	{ "extract", 0, OPT_STRING, AT(extract), "FILE",
	  "Unpack an image into the empty directory of --target." },
	{ "compare", 0, OPT_STRING, AT(compare), "FILE",
	  "Compare the tree in --target with an image, in both directions." },
	{ "show", 0, OPT_STRING, AT(show), "FILE",
	  "Print image.data and bosinst.data of an image." },
	{ "target", 'C', OPT_STRING, AT(target), "DIR",
	  "The directory of --extract and --compare." },
	{ "threads", 0, OPT_NUMBER, AT(threads), "N",
	  "Use so many threads; all cores, at most 8, when not given." },
	{ "quiet", 'q', OPT_FLAG, AT(quiet), NULL, "No progress, no notes." },
};

static const char *const synopsis[] = {
	"[-e FILE] [-x FS]... [--root DIR] [-i FILE] [-b FILE] -o FILE",
	"{--list | --verify | --show} FILE",
	"{--extract | --compare} FILE --target DIR",
	NULL,
};

static const struct opt_program program = {
	.name = "mksysb",
	.synopsis = synopsis,
	.about =
		"Makes a one-file image of a system: all files with all their attributes, "
		"the layout of its disks (image.data) and how to install it "
		"(bosinst.data). The image is a tar archive that 'tar --zstd' reads.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
};

struct meter {
	bool live;
	double begun, shown;
};

static void show(struct meter *m, uint64_t done, uint64_t total)
{
	double now = clock_mono(), seconds = now - m->begun;
	char a[32], b[32], c[32], eta[32];

	if (now - m->shown < 0.2 && done < total)
		return;
	m->shown = now;
	double rate = seconds > 0 ? (double)done / seconds : 0;
	double left = rate > 0 && total > done ? (double)(total - done) / rate : 0;
	fprintf(stderr, "\r%3u%%  %s of %s  %s/s  ETA %s\033[K",
		total ? (unsigned)(done * 100.0 / (double)total) : 0u,
		fmt_bytes(a, sizeof(a), done), fmt_bytes(b, sizeof(b), total),
		fmt_bytes(c, sizeof(c), (uint64_t)rate),
		fmt_duration(eta, sizeof(eta), left));
	fflush(stderr);
}

static void on_progress(void *arg, enum progress_unit unit, uint64_t done, uint64_t total,
			const char *item)
{
	struct meter *m = arg;

	if (m->live && unit == PROGRESS_BYTES)
		show(m, done, total);
}

static struct meter meter_begin(const struct mksysb_options *o)
{
	return (struct meter){ .live = !o->quiet && isatty(STDERR_FILENO),
			       .begun = clock_mono() };
}

static void meter_end(const struct meter *m)
{
	if (m->live && m->shown > 0)
		fputs("\r\033[K", stderr);
}

static void print_done(const struct mksysb_options *o, const char *action,
		       const char *file, const char *words, const struct mksysb *m,
		       double seconds)
{
	char bytes[32], time[32];

	if (o->json) {
		app_print_json(json_pack("{ss ss so sI sI sf}", "event", "mksysb",
					 "action", action, "file", json_text(file),
					 "members", (json_int_t)mksysb_total_files(m),
					 "bytes", (json_int_t)mksysb_total_bytes(m),
					 "seconds", seconds));
		return;
	}
	printf("%s: %s: %llu members, %s, in %s\n", file, words,
	       (unsigned long long)mksysb_total_files(m),
	       fmt_bytes(bytes, sizeof(bytes), mksysb_total_bytes(m)),
	       fmt_duration(time, sizeof(time), seconds));
}

static int do_verify(const struct mksysb_options *o, struct err *err)
{
	_cleanup_mksysb_ struct mksysb *m = NULL;
	struct meter meter = meter_begin(o);
	struct progress p = { on_progress, &meter };

	if (mksysb_open(&m, o->verify, err) < 0)
		return -1;
	int rc = mksysb_verify(m, NULL, NULL, NULL, (unsigned)o->threads, &p, err);
	meter_end(&meter);
	if (rc == 0)
		print_done(o, "verify", o->verify, "intact", m,
			   clock_mono() - meter.begun);
	return rc;
}

static int do_extract(const struct mksysb_options *o, struct err *err)
{
	_cleanup_root_ struct root target = ROOT_INIT;
	_cleanup_mksysb_ struct mksysb *m = NULL;
	struct meter meter = meter_begin(o);
	struct progress p = { on_progress, &meter };

	if (mksysb_open(&m, o->extract, err) < 0 ||
	    root_open(&target, o->target, err) < 0)
		return -1;
	int rc = mksysb_extract(m, &target, (unsigned)o->threads, &p, err);
	meter_end(&meter);
	if (rc == 0)
		print_done(o, "extract", o->extract, "unpacked", m,
			   clock_mono() - meter.begun);
	return rc;
}

static int do_compare(const struct mksysb_options *o, struct err *err)
{
	_cleanup_root_ struct root tree = ROOT_INIT;
	_cleanup_mksysb_ struct mksysb *m = NULL;
	struct meter meter = meter_begin(o);
	struct progress p = { on_progress, &meter };

	if (mksysb_open(&m, o->compare, err) < 0 || root_open(&tree, o->target, err) < 0)
		return -1;
	int rc = mksysb_compare(m, &tree, (unsigned)o->threads, &p, err);
	meter_end(&meter);
	if (rc == 0)
		print_done(o, "compare", o->compare, "equal", m,
			   clock_mono() - meter.begun);
	return rc;
}

static int do_show(const struct mksysb_options *o, struct err *err)
{
	_cleanup_mksysb_ struct mksysb *m = NULL;

	if (mksysb_open(&m, o->show, err) < 0)
		return -1;
	if (o->json)
		app_print_json(json_pack("{so so}", "image_data",
					 json_text(mksysb_image_data(m)), "bosinst_data",
					 json_text(mksysb_bosinst_data(m))));
	else
		printf("%s\n%s", mksysb_image_data(m), mksysb_bosinst_data(m));
	return 0;
}

/* "-rwsr-xr-x" */
static void mode_text(const struct manifest_entry *e, char text[11])
{
	static const char bits[] = "rwxrwxrwx";
	static const char types[] = "f-s-ddllh-ccbbpp";

	text[0] = '?';
	for (const char *t = types; *t; t += 2)
		if (*t == e->type)
			text[0] = t[1];
	for (int i = 0; i < 9; i++)
		text[i + 1] = e->mode & (0400u >> i) ? bits[i] : '-';
	for (int i = 0; i < 3; i++)
		if (e->mode & (04000u >> i)) {
			char *x = &text[3 + 3 * i];
			*x = i == 2 ? (*x == 'x' ? 't' : 'T') : (*x == 'x' ? 's' : 'S');
		}
	text[10] = '\0';
}

static void list_text(void *arg, const struct manifest_entry *e)
{
	_cleanup_str_ struct str line = STR_INIT;
	char mode[11], when[32] = "", size[32];
	time_t sec = (time_t)e->sec;
	struct tm tm;

	mode_text(e, mode);
	if (gmtime_r(&sec, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	if (e->type == 'c' || e->type == 'b')
		snprintf(size, sizeof(size), "%u,%u", e->major, e->minor);
	else
		snprintf(size, sizeof(size), "%llu", (unsigned long long)e->size);
	str_addf(&line, "%s %u/%u %10s %s ", mode, e->uid, e->gid, size, when);
	manifest_escape(str_c(&e->path), &line);
	if (e->type == 'l' || e->type == 'h') {
		str_add(&line, e->type == 'l' ? " -> " : " link to ");
		manifest_escape(str_c(&e->target), &line);
	}
	puts(str_c(&line));
}

static void list_json(void *arg, const struct manifest_entry *e)
{
	_cleanup_str_ struct str path = STR_INIT, target = STR_INIT;
	char type[2] = { e->type, '\0' }, mode[8];

	manifest_escape(str_c(&e->path), &path);
	manifest_escape(str_c(&e->target), &target);
	snprintf(mode, sizeof(mode), "%04o", e->mode);
	json_t *o = json_pack("{ss ss si si sI sI so}", "type", type, "mode", mode, "uid",
			      (int)e->uid, "gid", (int)e->gid, "mtime",
			      (json_int_t)e->sec, "size", (json_int_t)e->size, "path",
			      json_text(str_c(&path)));
	if (e->sha256[0])
		json_object_set_new(o, "sha256", json_string(e->sha256));
	if (target.len > 0)
		json_object_set_new(o, "target", json_text(str_c(&target)));
	if (e->flags[0])
		json_object_set_new(o, "flags", json_string(e->flags));
	app_print_json(o);
}

static int do_list(const struct mksysb_options *o, struct err *err)
{
	_cleanup_mksysb_ struct mksysb *m = NULL;

	if (mksysb_open(&m, o->list, err) < 0)
		return -1;
	return mksysb_each(m, o->json ? list_json : list_text, NULL, err);
}

static int do_write(const struct mksysb_options *o, struct err *err)
{
	struct meter meter = meter_begin(o);
	struct progress p = { on_progress, &meter };
	int rc = mksysb_do_write(o, &p, err);

	meter_end(&meter);
	return rc;
}

struct action {
	size_t file; /* offset of the option that asks for it */
	bool target;
	int (*run)(const struct mksysb_options *o, struct err *err);
};
static const struct action actions[] = {
	{ AT(output), false, do_write },   { AT(list), false, do_list },
	{ AT(verify), false, do_verify },  { AT(show), false, do_show },
	{ AT(extract), true, do_extract }, { AT(compare), true, do_compare },
};

static int check_options(const struct mksysb_options *o, const struct action *a,
			 struct err *err)
{
	if (a->target && !o->target)
		return err_set(err, ERR_USAGE,
			       "--extract and --compare want --target DIR");
	if (!a->target && o->target)
		return err_set(err, ERR_USAGE,
			       "--target goes with --extract or --compare");
	if (!o->output && (o->root || o->exclude || o->exclude_fs.n > 0 ||
			   o->image_data || o->bosinst_data || o->level))
		return err_set(err, ERR_USAGE,
			       "--root, -e, -x, -i, -b and --level go with -o FILE");
	if (o->level > 19)
		return err_set(err, ERR_USAGE, "--level: 1 to 19");
	return 0;
}

/* As in the original, the image's file may be the only argument. */
static int choose(struct mksysb_options *o, const struct strv *args, struct err *err)
{
	const struct action *chosen = NULL;

	if (args->n == 1 && !o->output && !o->list && !o->verify && !o->show &&
	    !o->extract && !o->compare)
		o->output = args->v[0];
	else if (args->n > 0)
		return err_set(err, ERR_USAGE, "unexpected argument '%s'", args->v[0]);
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		const char *file;

		memcpy(&file, (const char *)o + actions[i].file, sizeof(file));
		if (!file)
			continue;
		if (chosen)
			return err_set(err, ERR_USAGE,
				       "-o, --list, --verify, --show, --extract and "
				       "--compare cannot be given together");
		chosen = &actions[i];
	}
	if (!chosen) {
		err_set(err, ERR_USAGE, "nothing to do");
		return err_remedy(err, "mksysb -o FILE makes an image; mksysb --help");
	}
	return check_options(o, chosen, err) < 0 ? -1 : chosen->run(o, err);
}

static int run(int argc, char **argv)
{
	struct mksysb_options o = { 0 };
	_cleanup_(app_done) struct app app = APP_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int rc = app_parse(&app, &program, &o, argc, argv, &args, &err);

	o.json = app.json;
	if (rc == 0)
		rc = choose(&o, &args, &err);
	strv_done(&o.exclude_fs);
	return app_exit(&app, rc, &err);
}

const struct command cmd_mksysb = {
	.name = "mksysb",
	.summary = "make, verify and unpack images of systems",
	.by_name = true,
	.run = run,
};
