/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sandbox runner: checks, limits, one bwrap per command, and proof that nothing of it is left. */
#include "sandbox/sandbox.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

#include "base/parse.h"
#include "sandbox/bwrap.h"
#include "sandbox/cgroup.h"
#include "sandbox/filter.h"

#define PROCESSES_DEFAULT 4096
#define TIMEOUT_DEFAULT	  7200
#define NAMESPACE_END_MS  60000
#define INNER_PATH	  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct sandbox {
	struct runner runner;
	struct sandbox_config cfg; /* strings owned */
	struct sandbox_bind *binds;
	char *bwrap;
	int filters[FILTER_COUNT_];
	int empty;
};

/* What one run holds; on_start and on_line get it. */
struct run {
	const struct sandbox *sb;
	const struct proc_spec *spec;
	struct cgroup group;
	int info[2]; /* pipe: bwrap writes who its child is */
};

static void run_done(struct run *run)
{
	for (size_t i = 0; i < ARRAY_SIZE(run->info); i++)
		close_p(&run->info[i]);
	/* After an error only: a run that went its way has destroyed its group and looked at the result. */
	(void)!cgroup_destroy(&run->group, NULL);
}

struct limit {
	int resource;
	rlim_t soft, hard;
};

/*
 * Core: 1, not 0, because the kernel starts a core_pattern program on the master for 0 but not for 1.
 * Pending signals and message queues are counted per user: root inside must not use up root's share outside.
 */
static const struct limit limits[] = {
	{ RLIMIT_CORE, 1, 1 },
	{ RLIMIT_FSIZE, (rlim_t)1 << 40, (rlim_t)1 << 40 },
	{ RLIMIT_NOFILE, 1024, 65536 },
	{ RLIMIT_SIGPENDING, 4096, 4096 },
	{ RLIMIT_MSGQUEUE, 819200, 819200 },
};

/* Limits are only ever lowered: raising one takes a capability that a master in a container may lack. */
static int set_limit(pid_t pid, const struct limit *want, struct err *err)
{
	struct rlimit l;

	if (prlimit(pid, want->resource, NULL, &l) == 0) {
		l.rlim_max = MIN(l.rlim_max, want->hard);
		l.rlim_cur = MIN(l.rlim_max, want->soft);
		if (prlimit(pid, want->resource, &l, NULL) == 0)
			return 0;
	}
	return err_set_errno(err, ERR_OPERATOR, "sandbox: limit resource %d",
			     want->resource);
}

static int set_limits(pid_t pid, const struct run *run, struct err *err)
{
	const rlim_t memory = run->sb->cfg.memory_max;
	/* Without a memory group, at least no single process may take it all. */
	const struct limit data = { RLIMIT_DATA, memory, memory };

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (set_limit(pid, &limits[i], err) < 0)
			return -1;
	return run->group.part[CGROUP_MEMORY].dir ? 0 : set_limit(pid, &data, err);
}

static void on_line(void *arg, const char *line, bool is_err)
{
	const struct run *run = arg;

	run->spec->on_line(run->spec->arg, line, is_err);
}

static int on_start(void *arg, pid_t pid, struct err *err)
{
	const struct run *run = arg;

	if (cgroup_attach(&run->group, pid, err) < 0 || set_limits(pid, run, err) < 0)
		return -1;
	return run->spec->on_start ? run->spec->on_start(run->spec->arg, pid, err) : 0;
}

static const char *kind_of(mode_t mode)
{
	return S_ISLNK(mode) ? "a symbolic link" : "not a directory";
}

/*
 * bwrap mounts while the master's tree is still reachable: were /dev of the image a link, the mount could land outside.
 * No process can change these while a sandbox runs: they are mount points in its own namespace.
 */
static int check_mount_point(const struct sandbox *sb, const struct root *root,
			     const char *name, struct err *err)
{
	struct stat st;

	if (root_lstat(root, name, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		err_set(err, ERR_OPERATOR,
			"%s/%s: is %s; the sandbox mounts its own there and refuses",
			root->path, name, kind_of(st.st_mode));
		return err_remedy(err, "replace /%s in the image by an empty directory",
				  name);
	}
	if (errno != ENOENT)
		return err_set_errno(err, ERR_OPERATOR, "%s/%s", root->path, name);
	if (sb->cfg.root_read_only)
		return err_set(err, ERR_OPERATOR, "%s/%s: is missing", root->path, name);
	return root_mkdirs(root, name, streq(name, "tmp") ? 01777 : 0755, err);
}

static int check_root(const struct sandbox *sb, struct str *hostname, struct err *err)
{
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_str_ struct str text = STR_INIT;

	if (root_open(&root, sb->cfg.root, err) < 0)
		return -1;
	for (size_t i = 0; i < BWRAP_MOUNT_POINTS; i++)
		if (check_mount_point(sb, &root, bwrap_mount_points[i], err) < 0)
			return -1;
	/* Scripts that ask for the host's name (certificates, mail) must get the client's, not the master's. */
	if (root_read_opt(&root, "/etc/hostname", 4096, &text, NULL) != 0)
		return 0;
	for (const char *p = str_c(&text); *p && hostname->len < 63; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
			break;
		str_addc(hostname, *p);
	}
	return 0;
}

static int check_spot_dir(const struct root *spot, const char *name, struct err *err)
{
	struct stat st;

	if (root_lstat(spot, name, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	err_set(err, ERR_OPERATOR, "SPOT %s: has no directory %s", spot->path, name);
	return err_remedy(err, "make the SPOT anew: nim -o update on its object");
}

static int check_spot(const struct sandbox *sb, struct err *err)
{
	_cleanup_root_ struct root spot = ROOT_INIT;

	if (root_open(&spot, sb->cfg.spot, err) < 0)
		return -1;
	for (size_t i = 0; i < BWRAP_MOUNT_POINTS; i++)
		if (check_spot_dir(&spot, bwrap_mount_points[i], err) < 0)
			return -1;
	if (sb->cfg.root && check_spot_dir(&spot, SANDBOX_ROOT, err) < 0)
		return -1;
	if (sb->cfg.lpp_source && check_spot_dir(&spot, SANDBOX_LPP, err) < 0)
		return -1;
	return 0;
}

/* The number after "name": in bwrap's JSON, which has numbers only. */
static uint64_t info_number(const char *json, const char *name)
{
	const char *at = strstr(json, name);
	_cleanup_free_ char *digits = NULL;
	uint64_t n;

	if (at == NULL)
		return 0;
	at += strlen(name);
	at += strspn(at, "\": ");
	digits = xstrndup(at, strspn(at, "0123456789"));
	return parse_u64(digits, &n, NULL) == 0 ? n : 0;
}

/*
 * bwrap returns when its command has ended, and only then does the kernel kill what the command has left in the
 * namespace. Wait for its init: that one is gone when all others are.
 */
static int wait_namespace(struct run *run, struct err *err)
{
	char json[1024];
	_cleanup_free_ char *link = NULL;
	char target[64], wanted[64];
	_cleanup_close_ int pidfd = -1;
	struct pollfd p;
	ssize_t n;
	uint64_t pid;

	close_p(&run->info[1]);
	run->info[1] = -1;
	n = read(run->info[0], json, sizeof(json) - 1);
	if (n <= 0) /* it did not get as far as a namespace */
		return 0;
	json[n] = '\0';
	pid = info_number(json, "child-pid");
	if (pid == 0)
		return 0;
	pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (pidfd < 0) /* gone and reaped */
		return 0;
	/* The number may belong to another process by now. */
	link = xasprintf("/proc/%llu/ns/pid", (unsigned long long)pid);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return 0;
	target[n] = '\0';
	snprintf(wanted, sizeof(wanted), "pid:[%llu]",
		 (unsigned long long)info_number(json, "pid-namespace"));
	if (!streq(target, wanted))
		return 0;
	p = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	if (poll(&p, 1, NAMESPACE_END_MS) > 0)
		return 0;
	return err_set(err, ERR_INTERNAL,
		       "sandbox: its processes do not end (init is %llu)",
		       (unsigned long long)pid);
}

static void note_limits(const struct sandbox *sb, const struct run *run,
			struct proc_result *res)
{
	char size[32];
	size_t used = strlen(res->tail);

	if (cgroup_oom_kills(&run->group) == 0)
		return;
	snprintf(
		res->tail + used, sizeof(res->tail) - used,
		"%s(the kernel ended a process: the sandbox's %s of memory were used up)",
		used ? "\n" : "", fmt_bytes(size, sizeof(size), sb->cfg.memory_max));
}

/* What a list of users or groups may be long. */
#define ACCOUNTS_MAX (4 << 20)

static int cover_file(struct bwrap_line *line, const char *path, const struct str *text,
		      struct err *err)
{
	_cleanup_close_ int fd = memfd_create("nimadm-accounts", MFD_CLOEXEC);

	if (fd < 0 || write(fd, str_c(text), text->len) != (ssize_t)text->len ||
	    lseek(fd, 0, SEEK_SET) != 0)
		return err_set_errno(err, ERR_OPERATOR, "sandbox: %s", path);
	return bwrap_line_file(line, path, TAKE_FD(fd), err);
}

/*
 * The SPOT's tools work on files of the alternate root's users: dpkg before 1.22 looks the owners of its overrides up in the
 * /etc that it runs with. A root without these files, or with something strange in their place, gets the SPOT's.
 */
static int add_accounts(const struct sandbox *sb, struct bwrap_line *line,
			struct err *err)
{
	static const char *const paths[] = { "/etc/passwd", "/etc/group" };
	_cleanup_root_ struct root spot = ROOT_INIT, root = ROOT_INIT;
	struct stat st;

	if (root_open(&spot, sb->cfg.spot, err) < 0 ||
	    root_open(&root, sb->cfg.root, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_str_ struct str text = STR_INIT;

		/* Nothing can be mounted where the SPOT has no file. */
		if (root_lstat(&spot, paths[i], &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		if (root_read_opt(&root, paths[i], ACCOUNTS_MAX, &text, NULL) == 0 &&
		    cover_file(line, paths[i], &text, err) < 0)
			return -1;
	}
	return 0;
}

static bool sets_path(const struct proc_spec *spec)
{
	for (const char *const *e = spec->env; e && *e; e++)
		if (starts_with(*e, "PATH="))
			return true;
	return false;
}

static int build_argv(const struct sandbox *sb, struct run *run, struct bwrap_line *line,
		      struct err *err)
{
	const struct bwrap_fds fds = {
		.filters = { sb->filters[FILTER_CALLS], sb->filters[FILTER_ARGUMENTS] },
		.info = run->info[1],
		.empty = sb->empty,
	};
	_cleanup_str_ struct str hostname = STR_INIT;

	if (check_spot(sb, err) < 0 ||
	    (sb->cfg.root && check_root(sb, &hostname, err) < 0))
		return -1;
	strv_add_all(&line->words, sb->bwrap, "--hostname",
		     hostname.len ? str_c(&hostname) : "localhost", NULL);
	/* A debug shell keeps its terminal; bytes cannot be pushed into it, the filter sees to that. */
	if (!run->spec->tty)
		strv_add(&line->words, "--new-session");
	/* The master's own PATH means nothing inside. */
	if (!sets_path(run->spec))
		strv_add_all(&line->words, "--setenv", "PATH", INNER_PATH, NULL);
	if (bwrap_line_build(line, &sb->cfg, &fds, err) < 0 ||
	    (sb->cfg.root && add_accounts(sb, line, err) < 0))
		return -1;
	strv_add_all(&line->words, "--chdir", run->spec->cwd ? run->spec->cwd : "/", "--",
		     NULL);
	for (const char *const *a = run->spec->argv; *a; a++)
		strv_add(&line->words, *a);
	return 0;
}

static int open_run(const struct sandbox *sb, struct run *run, struct err *err)
{
	/* bwrap reads each program from where the last one left off */
	for (size_t i = 0; i < FILTER_COUNT_; i++)
		if (lseek(sb->filters[i], 0, SEEK_SET) != 0)
			return err_set_errno(err, ERR_INTERNAL, "sandbox: seek filter");
	if (pipe2(run->info, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_set_errno(err, ERR_OPERATOR, "sandbox: pipe");
	return cgroup_create(&run->group, sb->cfg.memory_max, sb->cfg.process_max, err);
}

static int sandbox_run(struct runner *r, const struct proc_spec *spec,
		       struct proc_result *res, struct err *err)
{
	const struct sandbox *sb = (const struct sandbox *)r;
	_cleanup_(run_done) struct run run = { sb, spec, CGROUP_INIT, { -1, -1 } };
	_cleanup_bwrap_line_ struct bwrap_line line = BWRAP_LINE_INIT;
	_cleanup_free_ int *keep = NULL;
	struct proc_spec inner = *spec;
	struct proc_result own = { 0 };
	int rc;

	if (res == NULL)
		res = &own;
	if (open_run(sb, &run, err) < 0 || build_argv(sb, &run, &line, err) < 0)
		return -1;
	keep = xcalloc(spec->n_keep_fds + line.n_files + FILTER_COUNT_ + 1,
		       sizeof(*keep));
	inner.n_keep_fds = 0;
	for (size_t i = 0; i < spec->n_keep_fds; i++)
		keep[inner.n_keep_fds++] = spec->keep_fds[i];
	for (size_t i = 0; i < line.n_files; i++)
		keep[inner.n_keep_fds++] = line.files[i];
	for (size_t i = 0; i < FILTER_COUNT_; i++)
		keep[inner.n_keep_fds++] = sb->filters[i];
	keep[inner.n_keep_fds++] = run.info[1];
	inner.keep_fds = keep;
	inner.argv = strv_argv(&line.words);
	inner.cwd = NULL;
	inner.timeout_s = spec->timeout_s ? spec->timeout_s : sb->cfg.timeout_s;
	inner.on_start = on_start;
	inner.on_line = spec->on_line ? on_line : NULL;
	inner.arg = &run;
	rc = proc_run(&inner, res, err);
	if (wait_namespace(&run, rc < 0 ? NULL : err) < 0)
		rc = -1;
	if (rc == 1)
		note_limits(sb, &run, res);
	if (cgroup_destroy(&run.group, rc < 0 ? NULL : err) < 0)
		rc = -1;
	return rc;
}

static void config_done(struct sandbox *sb)
{
	for (size_t i = 0; i < sb->cfg.n_binds; i++) {
		free_p(&sb->binds[i].source);
		free_p(&sb->binds[i].target);
	}
	free(sb->binds);
	free_p(&sb->cfg.spot);
	free_p(&sb->cfg.root);
	free_p(&sb->cfg.lpp_source);
}

static void sandbox_free(struct runner *r)
{
	struct sandbox *sb = (struct sandbox *)r;

	config_done(sb);
	for (size_t i = 0; i < FILTER_COUNT_; i++)
		close_p(&sb->filters[i]);
	close_p(&sb->empty);
	free(sb->bwrap);
	free(sb);
}

static const struct runner_ops sandbox_ops = {
	.name = "sandbox",
	.run = sandbox_run,
	.free = sandbox_free,
};

static void config_copy(struct sandbox *sb, const struct sandbox_config *cfg)
{
	struct sysinfo si;

	sb->cfg = *cfg;
	sb->cfg.spot = xstrdup(cfg->spot);
	sb->cfg.root = xstrdup(cfg->root);
	sb->cfg.lpp_source = xstrdup(cfg->lpp_source);
	sb->binds = xcalloc(cfg->n_binds ? cfg->n_binds : 1, sizeof(*sb->binds));
	for (size_t i = 0; i < cfg->n_binds; i++) {
		sb->binds[i].source = xstrdup(cfg->binds[i].source);
		sb->binds[i].target = xstrdup(cfg->binds[i].target);
		sb->binds[i].writable = cfg->binds[i].writable;
	}
	sb->cfg.binds = sb->binds;
	if (sb->cfg.memory_max == 0 && sysinfo(&si) == 0)
		sb->cfg.memory_max = (uint64_t)si.totalram * si.mem_unit / 2;
	if (sb->cfg.process_max == 0)
		sb->cfg.process_max = PROCESSES_DEFAULT;
	if (sb->cfg.timeout_s == 0)
		sb->cfg.timeout_s = TIMEOUT_DEFAULT;
}

/* Targets on tmpfs only: elsewhere bwrap would make the mount point in the image or fail in the SPOT. */
static int check_binds(const struct sandbox_config *cfg, struct err *err)
{
	for (size_t i = 0; i < cfg->n_binds; i++) {
		const char *target = cfg->binds[i].target;

		if (strstr(target, "..") == NULL &&
		    (starts_with(target, "/run/") ||
		     (cfg->root && starts_with(target, SANDBOX_ROOT "/run/"))))
			continue;
		return err_set(err, ERR_INTERNAL,
			       "sandbox: bind at %s: not below /run or " SANDBOX_ROOT
			       "/run",
			       target);
	}
	return 0;
}

int sandbox_new(struct runner **ret, const struct sandbox_config *cfg, struct err *err)
{
	struct sandbox *sb;
	_cleanup_runner_ struct runner *r = NULL;

	if (sandbox_check(err) < 0 || check_binds(cfg, err) < 0)
		return -1;
	sb = xcalloc(1, sizeof(*sb));
	sb->runner.ops = &sandbox_ops;
	r = &sb->runner;
	sb->empty = -1;
	for (size_t i = 0; i < FILTER_COUNT_; i++)
		sb->filters[i] = -1;
	config_copy(sb, cfg);
	sb->bwrap = proc_find("bwrap");
	for (enum filter_part i = 0; i < FILTER_COUNT_; i++) {
		sb->filters[i] = filter_open(i, err);
		if (sb->filters[i] < 0)
			return -1;
	}
	sb->empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (sb->empty < 0)
		return err_set_errno(err, ERR_OPERATOR, "sandbox: open /dev/null");
	*ret = TAKE_PTR(r);
	return 0;
}

int sandbox_check(struct err *err)
{
	_cleanup_free_ char *bwrap = proc_find("bwrap");

	if (bwrap == NULL) {
		err_set(err, ERR_OPERATOR, "sandbox: the program bwrap is missing");
		return err_remedy(err, "apt-get install bubblewrap");
	}
	if (geteuid() != 0)
		return err_set(err, ERR_OPERATOR, "sandbox: must be run as root");
	return 0;
}

char *sandbox_limits_missing(void)
{
	struct cgroup g = CGROUP_INIT;
	_cleanup_strv_ struct strv missing = STRV_INIT;
	_cleanup_free_ char *words = NULL;

	if (cgroup_create(&g, UINT64_C(1) << 30, PROCESSES_DEFAULT, NULL) < 0 ||
	    g.part[CGROUP_MEMORY].dir == NULL)
		strv_add(&missing, "memory");
	if (g.part[CGROUP_PIDS].dir == NULL)
		strv_add(&missing, "processes");
	(void)!cgroup_destroy(&g, NULL);
	if (missing.n == 0)
		return NULL;
	words = strv_join(&missing, " and ");
	return xasprintf(
		"no control group can be made here: the sandbox's limit of %s is not "
		"enforced",
		words);
}
