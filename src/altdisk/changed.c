/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks a tree for what was changed since a moment: by ctime, which no program can set. */
#include "altdisk/changed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dirstack.h"
#include "sys/dirs.h"
#include "sys/signal.h"

struct look {
	const struct strv *mounts;
	const struct timespec *since;
	void (*each)(void *arg, const char *path);
	void *arg;
	struct dirstack dirs;
};

static bool is_later(const struct look *k, const struct stat *st)
{
	const struct timespec *a = &st->st_ctim, *b = k->since;

	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec >= b->tv_nsec;
}

static void entry(struct look *k, int dir, const char *name)
{
	struct stat st;

	/* what is gone meanwhile has changed its directory */
	if (streq(name, ".") || streq(name, "..") ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISDIR(st.st_mode)) {
		dirstack_add(&k->dirs, name);
		return;
	}
	if (S_ISSOCK(st.st_mode) || !is_later(k, &st))
		return;
	const char *at = str_c(&k->dirs.path);
	_cleanup_free_ char *path = xasprintf("%s%s%s", at, *at ? "/" : "", name);
	k->each(k->arg, path);
}

static int visit(struct look *k, const struct root *root, uint64_t above, struct err *err)
{
	const char *at = str_c(&k->dirs.path), *path = *at ? at : ".";
	_cleanup_free_ char *shown = xasprintf("/%s", at);
	struct stat st;
	int fd = dirs_open(root->fd, path, O_RDONLY | O_DIRECTORY | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = dirs_open(root->fd, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : err_set_errno(err, ERR_OPERATOR, "cannot read %s",
					       shown);
	DIR *dir = fdopendir(fd);
	if (!dir || fstat(fd, &st) < 0) {
		err_set_errno(err, ERR_OPERATOR, "cannot read %s", shown);
		close(fd);
		return -1;
	}
	bool mounted = *at && st.st_dev != above;
	if (!mounted || strv_has(k->mounts, shown)) {
		if (is_later(k, &st))
			k->each(k->arg, at);
		dirstack_enter(&k->dirs, st.st_dev);
		for (struct dirent *e; (e = readdir(dir)) != NULL;)
			entry(k, fd, e->d_name);
	}
	closedir(dir);
	return 0;
}

int changed_look(const struct root *root, const struct strv *mounts,
		 const struct timespec *since, void (*each)(void *arg, const char *path),
		 void *arg, struct err *err)
{
	struct look k = { .mounts = mounts, .since = since, .each = each, .arg = arg };
	uint64_t device = 0;
	int rc;

	do {
		rc = visit(&k, root, device, err);
		if (rc == 0)
			rc = cancel_check(err);
	} while (rc == 0 && dirstack_next(&k.dirs, &device));
	dirstack_done(&k.dirs);
	return rc;
}
