/* SPDX-License-Identifier: GPL-2.0-or-later */
/* altdisk check: what this machine lacks for a clone of its root. Read only. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "altdisk/app.h"
#include "altdisk/cmd.h"
#include "base/parse.h"
#include "inventory/layout-read.h"
#include "model/finding.h"
#include "sys/proc.h"

#define KERNEL_MAJOR 5
#define KERNEL_MINOR 10

/* Which roots need it. */
enum need { NEED_ALWAYS, NEED_LVM, NEED_FS };

struct tool {
	const char *program, *package;
	enum need need;
	const char *fs; /* NEED_FS */
};
static const struct tool tools[] = {
	{ "blkid", "util-linux", NEED_ALWAYS, NULL },
	{ "findmnt", "util-linux", NEED_ALWAYS, NULL },
	{ "lsblk", "util-linux", NEED_ALWAYS, NULL },
	{ "sfdisk", "fdisk", NEED_ALWAYS, NULL },
	{ "lvm", "lvm2", NEED_LVM, NULL },
	{ "mkfs.ext4", "e2fsprogs", NEED_FS, "ext4" },
	{ "mkfs.ext3", "e2fsprogs", NEED_FS, "ext3" },
	{ "mkfs.ext2", "e2fsprogs", NEED_FS, "ext2" },
	{ "mkfs.xfs", "xfsprogs", NEED_FS, "xfs" },
	{ "mkfs.btrfs", "btrfs-progs", NEED_FS, "btrfs" },
	{ "btrfs", "btrfs-progs", NEED_FS, "btrfs" },
	{ "mkfs.vfat", "dosfstools", NEED_FS, "vfat" },
	{ "mkswap", "util-linux", NEED_FS, "swap" },
};

static bool is_needed(const struct tool *t, const struct layout *l)
{
	if (t->need == NEED_LVM)
		return *l->vg_name != '\0';
	if (t->need != NEED_FS)
		return true;
	for (size_t i = 0; i < l->n_fs; i++)
		if (streq(l->fs[i].type, t->fs))
			return true;
	return false;
}

static void check_tools(const struct layout *l, struct findings *fs)
{
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		_cleanup_free_ char *path = proc_find(tools[i].program);
		_cleanup_free_ char *id = xasprintf("tool.%s", tools[i].program);
		_cleanup_free_ char *missing = xasprintf("There is no program %s",
							 tools[i].program);
		_cleanup_free_ char *remedy = xasprintf("install the package %s",
							tools[i].package);

		if (!is_needed(&tools[i], l))
			continue;
		if (path)
			findings_add(fs, id, FINDING_PASS, path, NULL, NULL);
		else
			findings_add(fs, id, FINDING_INHIBIT, missing,
				     "it is in none of the directories of PATH, nor in "
				     "/usr/sbin or /sbin",
				     remedy);
	}
}

static bool is_missing(long rc)
{
	return rc < 0 && errno == ENOSYS;
}

/* Each with arguments that fail at once where the call is known. */
static bool lacks_openat2(void)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC };
	long fd = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));
	bool missing = is_missing(fd);

	if (fd >= 0)
		close((int)fd);
	return missing;
}

static bool lacks_open_tree(void)
{
	return is_missing(syscall(SYS_open_tree, -1, "", 0));
}

static bool lacks_pidfd(void)
{
	return is_missing(syscall(SYS_pidfd_open, 0, 0));
}

static bool lacks_device_mapper(void)
{
	return access("/dev/mapper/control", F_OK) < 0 &&
	       access("/sys/class/misc/device-mapper", F_OK) < 0;
}

struct feature {
	const char *id, *name;
	bool (*lacks)(void);
	enum need need;
};
static const struct feature features[] = {
	{ "kernel.openat2", "openat2()", lacks_openat2, NEED_ALWAYS },
	{ "kernel.open-tree", "open_tree()", lacks_open_tree, NEED_ALWAYS },
	{ "kernel.pidfd", "pidfd_open()", lacks_pidfd, NEED_ALWAYS },
	{ "kernel.device-mapper", "the device mapper", lacks_device_mapper, NEED_LVM },
};

static void check_kernel(const struct layout *l, struct findings *fs)
{
	struct utsname u;
	uint64_t major = 0, minor = 0;

	if (uname(&u) == 0) {
		size_t n = strspn(u.release, "0123456789");
		const char *rest = u.release + n + (u.release[n] == '.');
		bool ok = parse_digits(u.release, n, 10, &major) &&
			  parse_digits(rest, strspn(rest, "0123456789"), 10, &minor) &&
			  (major > KERNEL_MAJOR ||
			   (major == KERNEL_MAJOR && minor >= KERNEL_MINOR));
		findings_add(fs, "kernel.release", ok ? FINDING_PASS : FINDING_INHIBIT,
			     ok ? u.release : "The running kernel is older than 5.10",
			     u.release, ok ? NULL : "boot a newer kernel");
	}
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *f = &features[i];
		_cleanup_free_ char *title = xasprintf("The kernel has no %s", f->name);

		if (f->need == NEED_LVM && *l->vg_name == '\0')
			continue;
		if (f->lacks())
			findings_add(fs, f->id, FINDING_INHIBIT, title, u.release,
				     "boot a kernel that has it, or load its module");
		else
			findings_add(fs, f->id, FINDING_PASS, f->name, NULL, NULL);
	}
}

static void print(const struct app *app, const struct findings *fs)
{
	for (size_t i = 0; i < fs->n; i++) {
		const struct finding *f = &fs->v[i];

		if (app->json) {
			app_print_json(finding_to_json(f));
			continue;
		}
		printf("%-8s %-22s %s\n", finding_severity_name(f->severity), f->id,
		       f->title);
		if (f->severity != FINDING_PASS)
			printf("         %s\n         next: %s\n", f->evidence,
			       f->remedy);
	}
}

static int check(struct app *app, struct err *err)
{
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	struct findings fs = FINDINGS_INIT;

	if (root_open(&root, "/", err) < 0 ||
	    layout_read_host(&l, &root, runner_local(), err) < 0)
		return -1;
	check_kernel(&l, &fs);
	check_tools(&l, &fs);
	print(app, &fs);
	size_t bad = findings_count(&fs, FINDING_INHIBIT);
	findings_done(&fs);
	if (bad == 0)
		return 0;
	return err_set(err, ERR_UNFIT,
		       "this system cannot be cloned: %zu of what is needed is missing",
		       bad);
}

static const char *const synopsis[] = { "[--json]", NULL };

static const struct opt_program program = {
	.name = "altdisk check",
	.synopsis = synopsis,
	.about = "Says what this machine lacks for a clone of its root: features of the "
		 "kernel and programs. Changes nothing.",
};

static int run(int argc, char **argv)
{
	_cleanup_(app_done) struct app app = APP_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int rc = app_parse(&app, &program, NULL, argc, argv, &args, &err);

	if (rc == 0)
		rc = app_no_arguments(&args, &err);
	if (rc == 0)
		rc = check(&app, &err);
	return app_exit(&app, rc, &err);
}

const struct command cmd_check = {
	.name = "check",
	.summary = "say what this machine lacks for a clone",
	.run = run,
};
