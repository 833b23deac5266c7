/* SPDX-License-Identifier: GPL-2.0-or-later */
/* alt_disk_copy: a bootable clone of the running system on other disks. */
#include "altdisk/alt-options.h"
#include "altdisk/cmd.h"
#include "altdisk/copy.h"

#define AT(f) offsetof(struct alt_options, f)

static const struct opt options[] = {
	ALT_OPT_DISKS,
	ALT_OPT_IMAGE_DATA,
	ALT_OPT_UNMIRROR,
	{ "exclude", 'e', OPT_STRING, AT(exclude), "FILE",
	  "Leave out what a pattern of this file matches: basic regular expressions, one "
	  "a line, on paths that begin with ./" },
	ALT_OPT_BUNDLE,
	ALT_OPT_PACKAGES,
	ALT_OPT_LOCATION,
	ALT_OPT_APT_FLAGS,
	ALT_OPT_SCRIPT,
	ALT_OPT_FIRST_BOOT,
	ALT_OPT_RESOLV_CONF,
	ALT_OPT_PHASES,
	ALT_OPT_NO_BOOTLIST,
	ALT_OPT_REBOOT,
	ALT_OPT_NO_SPACE_CHECK,
	ALT_OPT_NO_BOOT_CHECK,
	{ "limit", 0, OPT_NUMBER, AT(limit_mb), "MB",
	  "Copy at most so many megabytes a second." },
	{ "no-verify", 0, OPT_FLAG, AT(no_verify), NULL,
	  "Do not read the clone back to compare it with what was copied." },
	ALT_OPT_PREVIEW,
	ALT_OPT_FORCE,
	ALT_OPT_WIPE,
	ALT_OPT_VERBOSE,
	ALT_OPT_DEBUG,
};

static const char *const synopsis[] = {
	"-d DISKS [OPTION]...",
	"-P 2|3|23 [-d DISKS] [OPTION]...",
	NULL,
};

static const char *const notes[] = {
	"Phase 1 makes the volumes on the target disks, copies the running system from a "
	"snapshot and compares; the clone is then mounted at /alt_inst. Phase 2 makes its "
	"files name its own disks, installs packages and runs the script. Phase 3 makes it bootable, puts it "
	"to sleep and sets the boot list.",
	"The running system is not changed. bootlist -m normal DISK leads back to it.",
	NULL,
};

static const struct opt_program program = {
	.name = "alt_disk_copy",
	.synopsis = synopsis,
	.about = "Clones the running system to other disks, so that they boot it.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
	.notes = notes,
};

static int run(int argc, char **argv)
{
	static const struct alt_source src = { .title = "Cloning the running system",
					       .fill = copy_fill };
	_cleanup_(alt_options_done) struct alt_options o = { 0 };
	_cleanup_(app_done) struct app app = APP_INIT;
	_cleanup_alternate_ struct alternate a = ALTERNATE_INIT(&app, &o);
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int rc = app_parse(&app, &program, &o, argc, argv, &args, &err);

	if (rc == 0)
		rc = app_no_arguments(&args, &err);
	if (rc == 0)
		rc = alternate_run(&a, &src, &err);
	return app_exit(&app, rc, &err);
}

const struct command cmd_disk_copy = {
	.name = "alt_disk_copy",
	.summary = "clone the running system to other disks",
	.by_name = true,
	.run = run,
};
