/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runner in a mounted alternate root; its mounts are made in the child and end with it. */
#include "sys/runner-chroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "sys/files.h"

#define MAX_BINDS 8
#define PATH	  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct node {
	char *path; /* "/dev/sdb1" */
	mode_t mode;
	dev_t number;
};
struct bind {
	char *source, *target; /* target: as seen in the root */
};
struct chroot_runner {
	struct runner runner;
	struct root root;
	char *path; /* absolute */
	struct node *nodes;
	size_t n_nodes;
	struct bind *binds;
	size_t n_binds;
	bool network;
};
struct jail {
	struct proc_jail jail;
	const struct chroot_runner *r;
};

static const struct {
	const char *path;
	unsigned minor;
} harmless[] = {
	{ "/dev/null", 3 },   { "/dev/zero", 5 },    { "/dev/full", 7 },
	{ "/dev/random", 8 }, { "/dev/urandom", 9 },
};
static const struct {
	const char *target, *path;
} links[] = {
	{ "/proc/self/fd", "/dev/fd" },
	{ "/proc/self/fd/0", "/dev/stdin" },
	{ "/proc/self/fd/1", "/dev/stdout" },
	{ "/proc/self/fd/2", "/dev/stderr" },
	/* Stand-ins of the caller's for what udev would make, where `devices` has none there. */
	{ "/run/nimadm/disk", "/dev/disk" },
	{ "/run/nimadm/mapper", "/dev/mapper" },
};

static int make_node(const char *path, mode_t mode, dev_t number)
{
	char dir[256];

	/* "/dev/mapper/..." */
	for (size_t i = strlen("/dev/"); path[i] && i < sizeof(dir); i++) {
		if (path[i] != '/')
			continue;
		memcpy(dir, path, i);
		dir[i] = '\0';
		if (mkdir(dir, 0755) < 0 && errno != EEXIST)
			return -1;
	}
	return mknod(path, mode, number);
}

static int make_dev(const struct chroot_runner *r)
{
	const unsigned long flags = MS_NOSUID | MS_NOEXEC;

	if (mount("nimadm", "/dev", "tmpfs", flags, "mode=0755,size=1m") < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (make_node(harmless[i].path, S_IFCHR | 0666,
			      makedev(1, harmless[i].minor)) < 0 ||
		    chmod(harmless[i].path, 0666) < 0)
			return -1;
	if (make_node("/dev/tty", S_IFCHR | 0666, makedev(5, 0)) < 0)
		return -1;
	for (size_t i = 0; i < r->n_nodes; i++)
		if (make_node(r->nodes[i].path, r->nodes[i].mode, r->nodes[i].number) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlink(links[i].target, links[i].path) < 0 && errno != EEXIST)
			return -1;
	return 0;
}

/* Directories are made where they are missing: below the new /run they always are. */
static int make_dirs(const char *path)
{
	char dir[PATH_MAX];

	for (size_t i = 1; i < sizeof(dir); i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(dir, path, i);
		dir[i] = '\0';
		if (mkdir(dir, 0755) < 0 && errno != EEXIST)
			return -1;
		if (path[i] == '\0')
			return 0;
	}
	errno = ENAMETOOLONG;
	return -1;
}

static int attach(int fd, const char *target)
{
	const unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID |
				    MS_NODEV;

	if (make_dirs(target) < 0 ||
	    move_mount(fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -1;
	return mount(NULL, target, NULL, flags, NULL);
}

static int make_system_mounts(const struct chroot_runner *r)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (make_dev(r) < 0 || mount("proc", "/proc", "proc", flags, NULL) < 0)
		return -1;
	/* A container may not mount sysfs: an empty one then. */
	if (mount("sysfs", "/sys", "sysfs", flags | MS_RDONLY, NULL) < 0 &&
	    mount("nimadm", "/sys", "tmpfs", flags | MS_RDONLY, "mode=0555") < 0)
		return -1;
	if (mount("nimadm", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0)
		return -1;
	return mount("nimadm", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
}

/* By name: the descriptor leads to the mount of the parent's namespace, on which nothing can be mounted from in here. */
static int enter_root(const struct chroot_runner *r)
{
	struct stat here, wanted;

	if (chdir(r->path) < 0 || stat(".", &here) < 0 || fstat(r->root.fd, &wanted) < 0)
		return -1;
	if (here.st_dev != wanted.st_dev || here.st_ino != wanted.st_ino) {
		errno = ESTALE;
		return -1;
	}
	return chroot(".") < 0 || chdir("/") < 0 ? -1 : 0;
}

/*
 * Sources are taken before the change of root and attached after it, so that links of the alternate root lead nowhere
 * else.
 */
static int enter(const struct proc_jail *jail)
{
	const struct chroot_runner *r = ((const struct jail *)jail)->r;
	int fds[MAX_BINDS];

	for (size_t i = 0; i < r->n_binds; i++)
		if ((fds[i] = open_tree(AT_FDCWD, r->binds[i].source,
					OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)) < 0)
			return -1;
	if (enter_root(r) < 0 || make_system_mounts(r) < 0)
		return -1;
	for (size_t i = 0; i < r->n_binds; i++)
		if (attach(fds[i], r->binds[i].target) < 0)
			return -1;
	return 0;
}

static char *find_program(const struct root *root, const char *name)
{
	_cleanup_strv_ struct strv dirs = STRV_INIT;

	if (strchr(name, '/'))
		return xstrdup(name);
	strv_split(&dirs, PATH, ":");
	for (size_t i = 0; i < dirs.n; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dirs.v[i], name);
		struct stat st;

		if (root_stat(root, path, &st) == 0 && S_ISREG(st.st_mode) &&
		    (st.st_mode & 0111))
			return TAKE_PTR(path);
	}
	return NULL;
}

static int chroot_run(struct runner *runner, const struct proc_spec *spec,
		      struct proc_result *res, struct err *err)
{
	const struct chroot_runner *r = (const struct chroot_runner *)runner;
	_cleanup_free_ char *program = find_program(&r->root, spec->argv[0]);
	_cleanup_strv_ struct strv env = STRV_INIT;
	const struct jail jail = { { program, r->network, enter }, r };
	struct proc_spec copy = *spec;

	if (!program) {
		err_set(err, ERR_OPERATOR, "%s: there is no %s", r->root.path,
			spec->argv[0]);
		return err_remedy(err,
				  "install its package in the system that is cloned");
	}
	strv_add(&env, "PATH=" PATH);
	for (const char *const *e = spec->env; e && *e; e++)
		strv_add(&env, *e);
	copy.env = strv_argv(&env);
	copy.jail = &jail.jail;
	return proc_run(&copy, res, err);
}

static void chroot_free(struct runner *runner)
{
	struct chroot_runner *r = (struct chroot_runner *)runner;

	for (size_t i = 0; i < r->n_nodes; i++)
		free(r->nodes[i].path);
	for (size_t i = 0; i < r->n_binds; i++) {
		free(r->binds[i].source);
		free(r->binds[i].target);
	}
	free(r->nodes);
	free(r->binds);
	free(r->path);
	root_done(&r->root);
	free(r);
}

static int add_nodes(struct chroot_runner *r, const struct strv *devices, struct err *err)
{
	r->nodes = xcalloc(devices->n ? devices->n : 1, sizeof(*r->nodes));
	for (size_t i = 0; i < devices->n; i++) {
		struct stat st;

		if (stat(devices->v[i], &st) < 0)
			return err_set_errno(err, ERR_OPERATOR, "%s", devices->v[i]);
		if (!starts_with(devices->v[i], "/dev/") || strstr(devices->v[i], "..") ||
		    (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode)))
			return err_set(err, ERR_OPERATOR, "%s: is no device below /dev",
				       devices->v[i]);
		r->nodes[r->n_nodes++] = (struct node){ xstrdup(devices->v[i]),
							st.st_mode, st.st_rdev };
	}
	return 0;
}

static int add_binds(struct chroot_runner *r, const struct strv *binds, struct err *err)
{
	if (binds->n > MAX_BINDS)
		return err_set(err, ERR_INTERNAL, "more than %d binds", MAX_BINDS);
	r->binds = xcalloc(binds->n ? binds->n : 1, sizeof(*r->binds));
	for (size_t i = 0; i < binds->n; i++) {
		const char *colon = strchr(binds->v[i], ':');

		if (!colon || colon[1] != '/')
			return err_set(err, ERR_INTERNAL, "%s: no SOURCE:TARGET",
				       binds->v[i]);
		r->binds[r->n_binds++] = (struct bind){
			xstrndup(binds->v[i], (size_t)(colon - binds->v[i])),
			xstrdup(colon + 1)
		};
	}
	return 0;
}

int runner_chroot(struct runner **ret, const char *path, const struct chroot_view *view,
		  struct err *err)
{
	static const struct runner_ops ops = { .name = "chroot",
					       .run = chroot_run,
					       .free = chroot_free };
	static const struct strv none = STRV_INIT;
	struct chroot_runner *r = xcalloc(1, sizeof(*r));
	_cleanup_runner_ struct runner *owner = &r->runner;

	r->runner.ops = &ops;
	r->root.fd = -1;
	r->path = files_absolute(path);
	r->network = view->network;
	if (root_open(&r->root, path, err) < 0 ||
	    add_nodes(r, view->devices ? view->devices : &none, err) < 0 ||
	    add_binds(r, view->binds ? view->binds : &none, err) < 0)
		return -1;
	*ret = TAKE_PTR(owner);
	return 0;
}
