/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices' names, packages, resolv.conf, first boot script, customisation script. */
#include "altdisk/customise.h"

#include <fcntl.h>

#include "altdisk/grub-answer.h"
#include "altdisk/identity.h"
#include "sys/files.h"

#define SMALL	   ((size_t)16 << 20)
#define DIR	   "/var/lib/nimadm"
#define FIRST_BOOT DIR "/first-boot"
#define UNIT	   "/etc/systemd/system/nimadm-first-boot.service"
#define WANTS	   "/etc/systemd/system/multi-user.target.wants"

/* Without the condition's file, the unit is skipped: so the script runs once, also when the machine goes down in it. */
static const char unit[] = "[Unit]\n"
			   "Description=First boot of a clone made by alt_disk_copy\n"
			   "ConditionPathExists=" FIRST_BOOT "\n"
			   "After=local-fs.target remote-fs.target\n"
			   "RequiresMountsFor=" DIR "\n"
			   "\n"
			   "[Service]\n"
			   "Type=oneshot\n"
			   "ExecStartPre=/bin/mv " FIRST_BOOT " " FIRST_BOOT ".run\n"
			   "ExecStart=" FIRST_BOOT ".run\n"
			   "ExecStartPost=/bin/rm -f " FIRST_BOOT ".run\n"
			   "\n"
			   "[Install]\n"
			   "WantedBy=multi-user.target\n";

static int check_script(const char *option, const char *path, struct err *err)
{
	struct stat st;

	if (!path)
		return 0;
	if (stat(path, &st) < 0)
		return err_set_errno(err, ERR_USAGE, "%s %s", option, path);
	if (S_ISREG(st.st_mode) && (st.st_mode & 0111))
		return 0;
	err_set(err, ERR_USAGE, "%s %s: is no executable file", option, path);
	return err_remedy(err, "chmod +x %s", path);
}

int customise_check(const struct customise *c, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (packages_check(c->packages, err) < 0 ||
	    check_script("-s", c->script, err) < 0 ||
	    check_script("-x", c->first_boot, err) < 0)
		return -1;
	if (c->resolv_conf && files_read(c->resolv_conf, SMALL, &text, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return err_prefix(err, "-R");
	}
	return 0;
}

static int put_packages(const struct customise *c, struct err *err)
{
	const struct packages_place place = {
		.alt = c->alt,
		.devices = c->devices,
		.disk = c->disk,
		.run_dir = c->packages_dir,
		.events = c->events,
	};

	return packages_wanted(c->packages) ? packages_install(c->packages, &place, err)
					    : 0;
}

/* Many systems have a link into /run there, where nothing of ours would last. */
static int put_resolv_conf(const struct customise *c, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (!c->resolv_conf)
		return 0;
	events_step(c->events, "Replacing /etc/resolv.conf");
	if (files_read(c->resolv_conf, SMALL, &text, err) < 0 ||
	    root_unlink(c->alt, "/etc/resolv.conf", err) < 0)
		return -1;
	return root_write(c->alt, "/etc/resolv.conf", str_c(&text), text.len, 0644, err);
}

static int put_first_boot(const struct customise *c, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (!c->first_boot)
		return 0;
	if (!root_exists(c->alt, "/lib/systemd/systemd")) {
		err_set(err, ERR_UNFIT, "-x %s: the system has no systemd to run it",
			c->first_boot);
		return err_remedy(err, "leave out -x");
	}
	events_step(c->events, "Installing the first boot script");
	if (files_read(c->first_boot, SMALL, &text, err) < 0 ||
	    root_mkdirs(c->alt, DIR, 0755, err) < 0 ||
	    root_mkdirs(c->alt, WANTS, 0755, err) < 0 ||
	    root_unlink(c->alt, FIRST_BOOT, err) < 0 ||
	    root_write(c->alt, FIRST_BOOT, str_c(&text), text.len, 0755, err) < 0 ||
	    root_write(c->alt, UNIT, unit, strlen(unit), 0644, err) < 0)
		return -1;
	return root_symlink(c->alt, UNIT, WANTS "/nimadm-first-boot.service", err);
}

static void take_line(void *arg, const char *line, bool is_err)
{
	events_output(arg, line);
}

static int run_script(const struct customise *c, struct err *err)
{
	_cleanup_free_ char *path = c->script ? files_absolute(c->script) : NULL;
	_cleanup_free_ char *env_alt = xasprintf("NIM_ALT_INST=%s", c->alt->path);
	const char *const argv[] = { path, NULL };
	const char *const env[] = { env_alt, "NIM_PHASE=2", NULL };
	struct proc_spec spec = {
		.argv = argv,
		.env = env,
		.cwd = c->alt->path,
		.on_line = take_line,
		.arg = c->events,
	};

	if (!path)
		return 0;
	events_step(c->events, "Running %s", path);
	return runner_check(c->run, &spec, err);
}

int customise_run(const struct customise *c, struct err *err)
{
	if (identity_apply(c->alt, c->running, c->target, c->events, err) < 0 ||
	    grub_answer_apply(c->alt, c->disk, c->events, err) < 0 ||
	    put_packages(c, err) < 0 || put_resolv_conf(c, err) < 0 ||
	    put_first_boot(c, err) < 0)
		return -1;
	return run_script(c, err);
}
