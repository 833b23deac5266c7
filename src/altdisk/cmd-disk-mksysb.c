/* SPDX-License-Identifier: GPL-2.0-or-later */
/* alt_disk_mksysb: an image restored to other disks, so that they boot it. */
#include "altdisk/alt-options.h"
#include "altdisk/alternate.h"
#include "altdisk/cmd.h"
#include "archive/mksysb.h"

#define AT(f) offsetof(struct alt_options, f)

static const struct opt options[] = {
	{ "image", 'm', OPT_STRING, AT(image), "FILE", "The image: mksysb(8)." },
	ALT_OPT_DISKS,
	ALT_OPT_IMAGE_DATA,
	ALT_OPT_UNMIRROR,
	ALT_OPT_SCRIPT,
	ALT_OPT_FIRST_BOOT,
	ALT_OPT_RESOLV_CONF,
	ALT_OPT_PHASES,
	ALT_OPT_NO_BOOTLIST,
	ALT_OPT_REBOOT,
	ALT_OPT_NO_SPACE_CHECK,
	ALT_OPT_NO_BOOT_CHECK,
	{ "no-verify", 0, OPT_FLAG, AT(no_verify), NULL,
	  "Do not read the restored files back to compare them with the image." },
	ALT_OPT_PREVIEW,
	ALT_OPT_FORCE,
	ALT_OPT_WIPE,
	ALT_OPT_VERBOSE,
	ALT_OPT_DEBUG,
};

static const char *const synopsis[] = {
	"-m FILE -d DISKS [OPTION]...",
	NULL,
};

static const struct opt_program program = {
	.name = "alt_disk_mksysb",
	.synopsis = synopsis,
	.about =
		"Restores an image of a system to other disks, so that they boot it. The "
		"phases are those of alt_disk_copy.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
};

static int fill(struct alternate *a, void *arg, struct err *err)
{
	struct mksysb *image = arg;
	struct events *evs = &a->app->events;
	struct progress p = events_progress(evs);
	_cleanup_root_ struct root alt = ROOT_INIT;

	events_step(evs, "Restoring the image");
	if (root_open(&alt, ALT_INST, err) < 0 ||
	    mksysb_extract(image, &alt, 0, &p, err) < 0)
		return -1;
	a->state.files = mksysb_total_files(image);
	a->state.bytes = mksysb_total_bytes(image);
	if (a->o->no_verify)
		return 0;
	events_step(evs, "Reading the restored files back");
	return mksysb_compare(image, &alt, 0, &p, err);
}

static int restore(struct alternate *a, struct err *err)
{
	_cleanup_mksysb_ struct mksysb *image = NULL;
	_cleanup_layout_ struct layout like = LAYOUT_INIT;

	if (!a->o->image)
		return err_set(err, ERR_USAGE, "-m FILE is wanted");
	if (mksysb_open(&image, a->o->image, err) < 0)
		return -1;
	const char *text = mksysb_image_data(image);
	if (layout_parse(&like, text, strlen(text), err) < 0)
		return -1;
	const struct alt_source src = {
		.title = "Restoring the image", .like = &like, .fill = fill, .arg = image
	};
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
		rc = restore(&a, &err);
	return app_exit(&app, rc, &err);
}

const struct command cmd_disk_mksysb = {
	.name = "alt_disk_mksysb",
	.summary = "restore an image to other disks",
	.by_name = true,
	.run = run,
};
