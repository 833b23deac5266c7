/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transient control groups, v1 and v2. */
#include "sandbox/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "base/parse.h"
#include "base/strv.h"
#include "sys/files.h"

#define GROUP_PREFIX "nimadm-"

struct setting {
	const char *file;
	enum cgroup_controller controller;
	bool required;
};

/* Swap is part of the limit: a sandbox that swaps is one that has outgrown it. */
static const struct setting settings_unified[] = {
	{ "memory.max", CGROUP_MEMORY, true },
	{ "memory.swap.max", CGROUP_MEMORY, false },
	{ "pids.max", CGROUP_PIDS, true },
};
static const struct setting settings_legacy[] = {
	{ "memory.limit_in_bytes", CGROUP_MEMORY, true },
	{ "memory.memsw.limit_in_bytes", CGROUP_MEMORY, false },
	{ "pids.max", CGROUP_PIDS, true },
};
static const char *const controller_names[] = {
	[CGROUP_MEMORY] = "memory",
	[CGROUP_PIDS] = "pids",
};

struct hierarchy {
	bool unified;
	char *root, *mount_point;
};

static void hierarchy_done(struct hierarchy *h)
{
	free(h->root);
	free(h->mount_point);
}

/* One line of mountinfo: "36 35 98:0 /root /mount/point options [optional fields] - type source superoptions" */
static bool parse_mount(char *line, const char *controller, struct hierarchy *ret)
{
	const char *type, *options;
	char *cursor = line, *tail = strstr(line, " - ");
	char *field[5];

	if (tail == NULL)
		return false;
	*tail = '\0';
	tail += 3;
	for (size_t i = 0; i < ARRAY_SIZE(field); i++) {
		field[i] = next_field(&cursor);
		if (field[i] == NULL)
			return false;
	}
	type = next_field(&tail);
	(void)next_field(&tail);
	options = next_field(&tail);
	if (type == NULL || options == NULL)
		return false;
	if (streq(type, "cgroup") ? !has_word(options, ",", controller)
				  : !streq(type, "cgroup2"))
		return false;
	ret->unified = streq(type, "cgroup2");
	unescape_octal(field[3]);
	unescape_octal(field[4]);
	ret->root = xstrdup(field[3]);
	ret->mount_point = xstrdup(field[4]);
	return true;
}

/* A v1 mount of the controller wins over the unified one: a controller is in one hierarchy only. */
static bool find_hierarchy(const char *mountinfo, const char *controller,
			   struct hierarchy *ret)
{
	_cleanup_free_ char *text = xstrdup(mountinfo);
	char *cursor = text, *line;
	bool found = false;

	while ((line = next_line(&cursor)) != NULL) {
		struct hierarchy h = { false, NULL, NULL };

		if (!parse_mount(line, controller, &h))
			continue;
		if (found && h.unified) {
			hierarchy_done(&h);
			continue;
		}
		if (found)
			hierarchy_done(ret);
		*ret = h;
		found = true;
		if (!h.unified)
			break;
	}
	return found;
}

/* "4:memory:/path" or, unified, "0::/path" */
static char *own_path(const char *own, const char *controller, bool unified)
{
	_cleanup_free_ char *text = xstrdup(own);
	char *cursor = text, *line;

	while ((line = next_line(&cursor)) != NULL) {
		char *list = strchr(line, ':');
		char *path = list ? strchr(list + 1, ':') : NULL;

		if (path == NULL)
			continue;
		*path++ = '\0';
		list++;
		if (unified ? *list == '\0' : has_word(list, ",", controller))
			return xstrdup(path);
	}
	return NULL;
}

char *cgroup_locate(const char *mountinfo, const char *own, const char *controller,
		    bool *ret_unified, size_t *ret_top)
{
	_cleanup_(hierarchy_done) struct hierarchy h = { false, NULL, NULL };
	_cleanup_free_ char *path = NULL;
	const char *below;

	if (!find_hierarchy(mountinfo, controller, &h))
		return NULL;
	path = own_path(own, controller, h.unified);
	if (path == NULL)
		return NULL;
	/* In a container the mount shows only what lies below `root`. */
	below = path;
	if (!streq(h.root, "/")) {
		if (!starts_with(path, h.root))
			return NULL;
		below = path + strlen(h.root);
	}
	while (*below == '/')
		below++;
	*ret_unified = h.unified;
	*ret_top = strlen(h.mount_point);
	return *below ? xasprintf("%s/%s", h.mount_point, below) : xstrdup(h.mount_point);
}

static int write_file(const char *dir, const char *file, const char *text)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, file);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t n = strlen(text);

	if (fd < 0)
		return -1;
	return write(fd, text, n) == (ssize_t)n ? 0 : -1;
}

static int write_number(const char *dir, const char *file, uint64_t number)
{
	_cleanup_free_ char *text = xasprintf("%llu", (unsigned long long)number);

	return write_file(dir, file, text);
}

static bool list_has(const char *dir, const char *file, const char *controller)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, file);
	_cleanup_str_ struct str text = STR_INIT;

	return files_read(path, 1 << 16, &text, NULL) == 0 &&
	       has_word(str_c(&text), " \n", controller);
}

static bool list_has_all(const char *dir, const char *file, const struct strv *words)
{
	for (size_t i = 0; i < words->n; i++)
		if (!list_has(dir, file, words->v[i]))
			return false;
	return true;
}

/*
 * In the unified hierarchy a group with processes of its own cannot hand controllers down, unless it is the root; so go
 * up to the nearest ancestor that hands all of these down, or can.
 */
static bool climb(char *dir, size_t top, const struct strv *controllers)
{
	_cleanup_free_ char *names = strv_join(controllers, " +");
	_cleanup_free_ char *plus = xasprintf("+%s", names);

	for (;;) {
		char *slash;

		if (list_has_all(dir, "cgroup.subtree_control", controllers))
			return true;
		if (list_has_all(dir, "cgroup.controllers", controllers) &&
		    write_file(dir, "cgroup.subtree_control", plus) == 0)
			return true;
		slash = strrchr(dir, '/');
		if (slash == NULL || (size_t)(slash - dir) < top)
			return false;
		*slash = '\0';
	}
}

/*
 * The unified hierarchy's parent for a new group. One for all controllers where there is one, since a process is in one
 * group only: looked for singly, "pids", which any group can hand down, would be found lower than "memory".
 */
static bool find_parent(char **dir, size_t top, const char *controller)
{
	_cleanup_strv_ struct strv all = STRV_INIT, one = STRV_INIT;
	_cleanup_free_ char *at = xstrdup(*dir);

	for (size_t i = 0; i < ARRAY_SIZE(controller_names); i++)
		strv_add(&all, controller_names[i]);
	strv_add(&one, controller);
	if (!climb(at, top, &all))
		return climb(*dir, top, &one);
	free(*dir);
	*dir = TAKE_PTR(at);
	return true;
}

/* Groups that a killed nimadm has left: empty, and named after a process that is no more. */
static void sweep(const char *parent)
{
	DIR *d = opendir(parent);
	const struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		_cleanup_strv_ struct strv words = STRV_INIT;
		int64_t pid;

		if (!starts_with(e->d_name, GROUP_PREFIX))
			continue;
		strv_split(&words, e->d_name, "-");
		if (words.n != 3 || parse_i64(words.v[1], &pid, NULL) < 0 || pid < 1)
			continue;
		if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
			(void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	}
	closedir(d);
}

static bool apply(const struct cgroup_part *part, enum cgroup_controller controller,
		  uint64_t limit)
{
	const struct setting *s = part->unified ? settings_unified : settings_legacy;

	for (size_t i = 0; i < ARRAY_SIZE(settings_unified); i++) {
		bool swap = part->unified && streq(s[i].file, "memory.swap.max");

		if (s[i].controller != controller)
			continue;
		if (write_number(part->dir, s[i].file, swap ? 0 : limit) < 0 &&
		    s[i].required)
			return false;
	}
	return true;
}

/* Memory and processes share a directory where both controllers are in one hierarchy. */
static void make_part(struct cgroup *g, enum cgroup_controller controller,
		      const char *parent, const char *name, uint64_t limit)
{
	struct cgroup_part *part = &g->part[controller];
	const struct cgroup_part *memory = &g->part[CGROUP_MEMORY];
	_cleanup_free_ char *dir = xasprintf("%s/%s", parent, name);

	if (controller != CGROUP_MEMORY && memory->dir && streq(memory->dir, dir))
		part->borrowed = true;
	else if (controller != CGROUP_MEMORY && part->unified && memory->dir &&
		 memory->unified)
		return; /* a process is in one group of the unified hierarchy */
	else if (mkdir(dir, 0755) < 0)
		return;
	part->dir = TAKE_PTR(dir);
	if (apply(part, controller, limit))
		return;
	if (!part->borrowed)
		(void)rmdir(part->dir);
	part->borrowed = false;
	free(part->dir);
	part->dir = NULL;
}

int cgroup_create(struct cgroup *g, uint64_t memory_max, unsigned process_max,
		  struct err *err)
{
	static unsigned serial;
	const uint64_t limits[] = {
		[CGROUP_MEMORY] = memory_max,
		[CGROUP_PIDS] = process_max,
	};
	_cleanup_str_ struct str mountinfo = STR_INIT;
	_cleanup_str_ struct str own = STR_INIT;
	_cleanup_free_ char *name = NULL;

	if (files_read("/proc/self/mountinfo", 0, &mountinfo, err) < 0 ||
	    files_read("/proc/self/cgroup", 0, &own, err) < 0)
		return -1;
	name = xasprintf(GROUP_PREFIX "%d-%u", (int)getpid(), serial++);
	for (enum cgroup_controller c = 0; c < CGROUP_CONTROLLER_COUNT_; c++) {
		size_t top;
		_cleanup_free_ char *dir = cgroup_locate(str_c(&mountinfo), str_c(&own),
							 controller_names[c],
							 &g->part[c].unified, &top);

		if (dir == NULL)
			continue;
		if (g->part[c].unified && !find_parent(&dir, top, controller_names[c]))
			continue;
		sweep(dir);
		make_part(g, c, dir, name, limits[c]);
	}
	return 0;
}

int cgroup_attach(const struct cgroup *g, pid_t pid, struct err *err)
{
	for (size_t i = 0; i < CGROUP_CONTROLLER_COUNT_; i++) {
		const struct cgroup_part *part = &g->part[i];

		if (part->dir == NULL || part->borrowed)
			continue;
		if (write_number(part->dir, "cgroup.procs", (uint64_t)pid) < 0)
			return err_set_errno(err, ERR_OPERATOR,
					     "put the sandbox into the group %s",
					     part->dir);
	}
	return 0;
}

uint64_t cgroup_oom_kills(const struct cgroup *g)
{
	const struct cgroup_part *part = &g->part[CGROUP_MEMORY];
	_cleanup_free_ char *path = NULL;
	_cleanup_str_ struct str text = STR_INIT;
	char *cursor, *line;

	if (part->dir == NULL)
		return 0;
	path = xasprintf("%s/%s", part->dir,
			 part->unified ? "memory.events" : "memory.oom_control");
	if (files_read(path, 1 << 16, &text, NULL) < 0 || text.len == 0)
		return 0;
	cursor = text.p;
	while ((line = next_line(&cursor)) != NULL) {
		uint64_t kills;

		if (starts_with(line, "oom_kill ") &&
		    parse_u64(strip(line + strlen("oom_kill ")), &kills, NULL) == 0)
			return kills;
	}
	return 0;
}

/* Number of processes that were still in the group; each has got SIGKILL. */
static size_t kill_all(const char *dir)
{
	_cleanup_free_ char *path = xasprintf("%s/cgroup.procs", dir);
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_strv_ struct strv pids = STRV_INIT;

	if (files_read(path, 0, &text, NULL) < 0)
		return 0;
	strv_split(&pids, str_c(&text), "\n");
	for (size_t i = 0; i < pids.n; i++) {
		int64_t pid;

		if (parse_i64(pids.v[i], &pid, NULL) == 0 && pid > 1)
			(void)kill((pid_t)pid, SIGKILL);
	}
	return pids.n;
}

/* Normally empty at once: the sandbox's pid namespace has ended before. */
static int remove_group(const char *dir, struct err *err)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

	for (int tries = 0; tries < 1000; tries++) {
		kill_all(dir);
		if (rmdir(dir) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			break;
		nanosleep(&pause, NULL);
	}
	err_set_errno(err, ERR_OPERATOR, "remove the control group %s", dir);
	return err_remedy(err, "see which processes are in %s/cgroup.procs", dir);
}

int cgroup_destroy(struct cgroup *g, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < CGROUP_CONTROLLER_COUNT_; i++) {
		struct cgroup_part *part = &g->part[i];

		if (part->dir && !part->borrowed &&
		    remove_group(part->dir, rc == 0 ? err : NULL) < 0)
			rc = -1;
		free(part->dir);
		*part = (struct cgroup_part){ NULL, false, false };
	}
	return rc;
}
