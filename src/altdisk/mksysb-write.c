/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mksysb -o: what goes into the image, and its layout. */
#include "altdisk/mksysb.h"
#include "inventory/layout-read.h"
#include "model/json.h"
#include "sys/clock.h"
#include "sys/files.h"

#define TEXT_MAX ((size_t)4 << 20)

struct notes {
	const struct mksysb_options *o;
	json_t *list;
	uint64_t n;
};

static void on_note(void *arg, const char *path, const char *what)
{
	struct notes *n = arg;

	n->n++;
	if (n->o->json)
		json_array_append_new(n->list, json_pack("{so ss}", "path",
							 json_text(path), "note", what));
	else if (!n->o->quiet)
		app_warn("/%s: %s", path, what);
}

/* The administrator's stanzas where given, validated; else generated ones. */
static int make_stanzas(const struct mksysb_options *o, const struct root *root,
			struct layout *l, struct str *image_data,
			struct str *bosinst_data, struct err *err)
{
	int rc = o->root ? layout_read_root(l, root, err)
			 : layout_read_host(l, root, runner_local(), err);

	if (rc < 0)
		return -1;
	if (o->image_data) {
		_cleanup_layout_ struct layout given = LAYOUT_INIT;
		if (files_read(o->image_data, TEXT_MAX, image_data, err) < 0)
			return -1;
		if (layout_parse(&given, str_c(image_data), image_data->len, err) < 0)
			return err_prefix(err, "%s", o->image_data);
	} else {
		layout_write(l, image_data);
	}
	if (!o->bosinst_data) {
		bosinst_default(l, bosinst_data);
		return 0;
	}
	if (files_read(o->bosinst_data, TEXT_MAX, bosinst_data, err) < 0)
		return -1;
	if (bosinst_validate(str_c(bosinst_data), bosinst_data->len, err) < 0)
		return err_prefix(err, "%s", o->bosinst_data);
	return 0;
}

/* -x: a file system that is there. */
static int check_skips(const struct mksysb_options *o, const struct layout *l,
		       struct strv *skips, struct err *err)
{
	for (size_t i = 0; i < o->exclude_fs.n; i++) {
		_cleanup_free_ char *path = files_absolute(o->exclude_fs.v[i]);

		if (streq(path, "/"))
			return err_set(err, ERR_USAGE, "-x /: nothing would be left");
		if (!layout_find_fs(l, path)) {
			err_set(err, ERR_USAGE, "-x %s: not a file system of this system",
				path);
			return err_remedy(
				err,
				"leave out a directory with -e and the pattern ^.%s/",
				path);
		}
		strv_add(skips, path);
	}
	return 0;
}

static void report(const struct mksysb_options *o, struct notes *notes, uint64_t bytes,
		   uint64_t files, double seconds)
{
	char size[32], time[32];

	if (o->json) {
		app_print_json(json_pack("{ss ss so sI sI sf sO}", "event", "mksysb",
					 "action", "write", "file", json_text(o->output),
					 "members", (json_int_t)files, "file_bytes",
					 (json_int_t)bytes, "seconds", seconds, "notes",
					 notes->list));
		return;
	}
	printf("%s: %llu members, %s, in %s", o->output, (unsigned long long)files,
	       fmt_bytes(size, sizeof(size), bytes),
	       fmt_duration(time, sizeof(time), seconds));
	if (notes->n > 0)
		printf("; %llu left out or changed meanwhile",
		       (unsigned long long)notes->n);
	puts("");
}

/* Told before all files of the system are read, not after. */
static int check_output(const char *output, struct err *err)
{
	_cleanup_free_ char *dir = files_absolute(output);

	if (files_is_dir(output)) {
		err_set(err, ERR_USAGE, "-o %s is a directory", output);
		return err_remedy(err, "name a file in it: -o %s/NAME.mksysb", output);
	}
	*strrchr(dir, '/') = '\0';
	if (*dir == '\0' || files_is_dir(dir))
		return 0;
	err_set(err, ERR_USAGE, "-o %s: there is no directory %s", output, dir);
	return err_remedy(err, "mkdir -p %s", dir);
}

int mksysb_do_write(const struct mksysb_options *o, const struct progress *p,
		    struct err *err)
{
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_layout_ struct layout layout = LAYOUT_INIT;
	_cleanup_str_ struct str image_data = STR_INIT, bosinst_data = STR_INIT;
	_cleanup_strv_ struct strv excludes = STRV_INIT, skips = STRV_INIT,
				   mounts = STRV_INIT;
	struct notes notes = { .o = o, .list = json_array() };
	double begun = clock_mono();
	uint64_t bytes = 0, files = 0;

	if (check_output(o->output, err) < 0 ||
	    root_open(&root, o->root ? o->root : "/", err) < 0 ||
	    app_read_patterns(o->exclude, &excludes, err) < 0 ||
	    make_stanzas(o, &root, &layout, &image_data, &bosinst_data, err) < 0 ||
	    check_skips(o, &layout, &skips, err) < 0) {
		json_decref(notes.list);
		return -1;
	}
	layout_mounts(&layout, &mounts);
	struct mksysb_write w = {
		.root = &root,
		.image_data = str_c(&image_data),
		.bosinst_data = str_c(&bosinst_data),
		.excludes = &excludes,
		.skip_mounts = &skips,
		.one_file_system_set = true,
		.mounts = &mounts,
		.threads = (unsigned)o->threads,
		.level = (int)o->level,
		.note = on_note,
		.note_arg = &notes,
	};
	int rc = mksysb_write(&w, o->output, p, &bytes, &files, err);
	if (rc == 0)
		report(o, &notes, bytes, files, clock_mono() - begun);
	json_decref(notes.list);
	return rc;
}
