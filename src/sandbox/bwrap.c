/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building bwrap's command line. */
#include "sandbox/bwrap.h"

#include <fcntl.h>

const char *const bwrap_mount_points[BWRAP_MOUNT_POINTS] = { "dev", "proc", "run", "sys",
							     "tmp" };

static const char *const capabilities[] = {
	"CAP_CHOWN",  "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID",	  "CAP_SETUID",
	"CAP_SETGID", "CAP_SETFCAP",	  "CAP_KILL",	"CAP_SYS_CHROOT",
};

/*
 * What /proc tells about the master, and could make its way into an image: a kernel command line (kernel-install),
 * swap devices (RESUME=), arrays, partitions and modules (initramfs hooks).
 */
static const char *const hidden_files[] = {
	"cmdline",  "diskstats",   "kcore",	 "key-users",	"keys",
	"kmsg",	    "kpagecgroup", "kpagecount", "kpageflags",	"latency_stats",
	"mdstat",   "modules",	   "mtrr",	 "partitions",	"sched_debug",
	"slabinfo", "swaps",	   "timer_list", "vmallocinfo",
};
static const char *const hidden_dirs[] = { "acpi",	    "asound", "bus", "driver",
					   "dynamic_debug", "fs",     "irq", "scsi" };

void bwrap_line_done(struct bwrap_line *line)
{
	strv_done(&line->words);
	for (size_t i = 0; i < line->n_files; i++)
		close(line->files[i]);
	line->n_files = 0;
}

struct tmpfs {
	const char *path;
	const char *mode;
	uint64_t size;
};

static void add_tmpfs(struct strv *w, const char *prefix, const struct tmpfs *t)
{
	strv_add_all(w, "--perms", t->mode, "--size", NULL);
	strv_addf(w, "%llu", (unsigned long long)t->size);
	strv_add(w, "--tmpfs");
	strv_addf(w, "%s%s", prefix, t->path);
}

static void add_read_only(struct strv *w, const char *prefix, const char *path)
{
	strv_add(w, "--remount-ro");
	strv_addf(w, "%s%s", prefix, path);
}

int bwrap_line_file(struct bwrap_line *line, const char *path, int fd, struct err *err)
{
	if (line->n_files == ARRAY_SIZE(line->files)) {
		close(fd);
		return err_set(err, ERR_INTERNAL, "sandbox: too many files");
	}
	line->files[line->n_files++] = fd;
	strv_add(&line->words, "--ro-bind-data");
	strv_addf(&line->words, "%d", fd);
	strv_add(&line->words, path);
	return 0;
}

static int add_empty_file(struct bwrap_line *line, const char *path, int empty,
			  struct err *err)
{
	int fd = fcntl(empty, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "sandbox: duplicate /dev/null");
	return bwrap_line_file(line, path, fd, err);
}

/*
 * Root inside is the master's root to /proc/sys, /proc/scsi and others, which look at nothing but the user id: so all
 * of /proc is read-only, and what shows the master is covered.
 */
static int add_proc(struct bwrap_line *line, const char *prefix, int empty,
		    struct err *err)
{
	struct strv *w = &line->words;

	strv_add(w, "--proc");
	strv_addf(w, "%s/proc", prefix);
	for (size_t i = 0; i < ARRAY_SIZE(hidden_dirs); i++) {
		_cleanup_free_ char *here = xasprintf("/proc/%s", hidden_dirs[i]);
		const struct tmpfs t = { here, "0555", 4096 };

		if (access(here, F_OK) < 0)
			continue;
		add_tmpfs(w, prefix, &t);
		add_read_only(w, prefix, here);
	}
	for (size_t i = 0; i < ARRAY_SIZE(hidden_files); i++) {
		_cleanup_free_ char *here = xasprintf("/proc/%s", hidden_files[i]);
		_cleanup_free_ char *path = xasprintf("%s%s", prefix, here);

		if (access(here, F_OK) == 0 && add_empty_file(line, path, empty, err) < 0)
			return -1;
	}
	add_read_only(w, prefix, "/proc");
	return 0;
}

/*
 * Scripts that only ask whether a device is there (grub-mkconfig) find what a caller has put into a directory bound at
 * /run/nimadm; without one the links lead nowhere.
 */
static void add_device_links(struct strv *w, const char *prefix)
{
	static const char *const dirs[] = { "disk", "mapper" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		strv_add(w, "--symlink");
		strv_addf(w, "/run/nimadm/%s", dirs[i]);
		strv_addf(w, "%s/dev/%s", prefix, dirs[i]);
	}
}

/* Memory that tmpfs can take is bounded well below the limit of the whole, so that full ones do not end the command. */
static int add_system_dirs(struct bwrap_line *line, const char *prefix,
			   const struct sandbox_config *cfg, int empty, struct err *err)
{
	const uint64_t mib = 1024 * 1024;
	const uint64_t share = MAX(cfg->memory_max / 8, 16 * mib);
	const struct tmpfs shm = { "/dev/shm", "1777", MIN(share / 4, 64 * mib) };
	const struct tmpfs run = { "/run", "0755", MIN(share / 4, 256 * mib) };
	const struct tmpfs tmp = { "/tmp", "1777", MIN(share, 2048 * mib) };
	const struct tmpfs sys = { "/sys", "0555", 4096 };
	struct strv *w = &line->words;

	strv_add(w, "--dev");
	strv_addf(w, "%s/dev", prefix);
	add_tmpfs(w, prefix, &shm);
	add_device_links(w, prefix);
	add_read_only(w, prefix, "/dev");
	if (add_proc(line, prefix, empty, err) < 0)
		return -1;
	add_tmpfs(w, prefix, &run);
	strv_add_all(w, "--perms", "1777", "--dir", NULL);
	strv_addf(w, "%s/run/lock", prefix);
	add_tmpfs(w, prefix, &tmp);
	add_tmpfs(w, prefix, &sys);
	add_read_only(w, prefix, "/sys");
	return 0;
}

static void add_namespaces(struct strv *w, const struct sandbox_config *cfg)
{
	strv_add_all(w, "--unshare-pid", "--unshare-ipc", "--unshare-uts",
		     "--unshare-cgroup-try", "--die-with-parent", NULL);
	if (!cfg->network)
		strv_add(w, "--unshare-net");
	strv_add_all(w, "--cap-drop", "ALL", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		strv_add_all(w, "--cap-add", capabilities[i], NULL);
}

static void add_fd(struct strv *w, const char *option, int fd)
{
	strv_add(w, option);
	strv_addf(w, "%d", fd);
}

int bwrap_line_build(struct bwrap_line *line, const struct sandbox_config *cfg,
		     const struct bwrap_fds *fds, struct err *err)
{
	struct strv *w = &line->words;

	add_namespaces(w, cfg);
	for (size_t i = 0; i < ARRAY_SIZE(fds->filters); i++)
		add_fd(w, "--add-seccomp-fd", fds->filters[i]);
	add_fd(w, "--info-fd", fds->info);
	strv_add_all(w, "--ro-bind", cfg->spot, "/", NULL);
	if (add_system_dirs(line, "", cfg, fds->empty, err) < 0)
		return -1;
	if (cfg->lpp_source)
		strv_add_all(w, "--ro-bind", cfg->lpp_source, SANDBOX_LPP, NULL);
	if (cfg->root) {
		strv_add_all(w, cfg->root_read_only ? "--ro-bind" : "--bind", cfg->root,
			     SANDBOX_ROOT, NULL);
		if (add_system_dirs(line, SANDBOX_ROOT, cfg, fds->empty, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < cfg->n_binds; i++) {
		const struct sandbox_bind *b = &cfg->binds[i];

		strv_add_all(w, b->writable ? "--bind" : "--ro-bind", b->source,
			     b->target, NULL);
	}
	return 0;
}
