/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * make-root: empty file systems on other disks, as an image.data on standard input says, which the master fills; then what
 * makes them boot. The master calls it over ssh, around tree-apply.
 */
#include "altdisk/alt-options.h"
#include "altdisk/alternate.h"
#include "altdisk/cmd.h"
#include "sys/files.h"

#define LAYOUT_MAX ((size_t)4 << 20)
#define AT(f)	   offsetof(struct alt_options, f)

static const struct opt options[] = {
	ALT_OPT_DISKS,	 ALT_OPT_PHASES,   ALT_OPT_NO_BOOTLIST, ALT_OPT_NO_BOOT_CHECK,
	ALT_OPT_PREVIEW, ALT_OPT_FORCE,	   ALT_OPT_WIPE,	ALT_OPT_VERBOSE,
	ALT_OPT_DEBUG,	 ALT_OPT_UNMIRROR,
};

static const char *const synopsis[] = {
	"-P 1 -d DISKS [OPTION]... <IMAGE.DATA",
	"-P 23 -d DISKS [OPTION]... <IMAGE.DATA",
	NULL,
};

static const struct opt_program program = {
	.name = "altdisk make-root",
	.synopsis = synopsis,
	.about = "Phase 1 makes empty file systems on other disks and mounts them below "
		 "/alt_inst; a master fills them. Phases 2 and 3 are those of "
		 "alt_disk_mksysb. Standard input is the image.data of the system.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
};

static int fill_nothing(struct alternate *a, void *arg, struct err *err)
{
	return 0;
}

static int make_root(struct alternate *a, struct err *err)
{
	_cleanup_layout_ struct layout like = LAYOUT_INIT;
	_cleanup_str_ struct str text = STR_INIT;

	if (!a->o->phases || (!streq(a->o->phases, "1") && !streq(a->o->phases, "23")))
		return err_set(err, ERR_USAGE, "-P 1 or -P 23 is wanted");
	if (files_read_fd(STDIN_FILENO, LAYOUT_MAX, &text) < 0)
		return err_set_errno(err, ERR_OPERATOR, "standard input");
	if (layout_parse(&like, str_c(&text), text.len, err) < 0)
		return -1;
	const struct alt_source src = { .title = "Making the file systems",
					.like = &like,
					.later = true,
					.fill = fill_nothing };
	return alternate_run(a, &src, err);
}

static int run(int argc, char **argv)
{
	_cleanup_(alt_options_done) struct alt_options o = { 0 };
	_cleanup_(app_done) struct app app = APP_INIT;
	_cleanup_alternate_ struct alternate a = ALTERNATE_INIT(&app, &o);
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int rc = app_parse(&app, &program, &o, argc, argv, &args, &err);

	if (rc == 0)
		rc = app_no_arguments(&args, &err);
	if (rc == 0)
		rc = make_root(&a, &err);
	return app_exit(&app, rc, &err);
}

const struct command cmd_make_root = {
	.name = "make-root",
	.summary = "make file systems on other disks for a master to fill",
	.run = run,
};
