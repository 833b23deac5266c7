/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a tree takes on its disk. In memory are only the directories still to be read and the inodes with several names. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dirstack.h"
#include "base/links.h"
#include "sys/files.h"

struct usage {
	int top;
	dev_t dev;
	struct dirstack dirs;
	struct links seen;
	uint64_t blocks, names;
};
#define _cleanup_usage_ _cleanup_(usage_done)

static void usage_done(struct usage *u)
{
	close_p(&u->top);
	dirstack_done(&u->dirs);
	links_done(&u->seen);
}

static void closedir_p(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* A file with several names counts once. */
static void count(struct usage *u, const struct stat *st)
{
	u->names++;
	if (st->st_nlink > 1 && !S_ISDIR(st->st_mode)) {
		uint64_t *seen = links_find(&u->seen, st->st_dev, st->st_ino);
		if (*seen != 0)
			return;
		*seen = 1;
	}
	u->blocks += (uint64_t)st->st_blocks;
}

/* The directory at dirs.path; what vanishes meanwhile does not count. -1 and errno. */
static int read_dir(struct usage *u)
{
	const char *path = u->dirs.path.len > 0 ? u->dirs.path.p : ".";
	_cleanup_close_ int fd = openat(u->top, path,
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_(closedir_p) DIR *dir = NULL;
	struct stat st;

	if (fd < 0)
		return u->dirs.path.len > 0 && (errno == ENOENT || errno == ENOTDIR) ? 0
										     : -1;
	dir = fdopendir(fd);
	if (!dir)
		return -1;
	fd = -1;
	dirstack_enter(&u->dirs, 0);
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(dir);
		if (!e)
			return errno == 0 ? 0 : -1;
		if (streq(e->d_name, "..") ||
		    (streq(e->d_name, ".") && u->dirs.path.len > 0))
			continue;
		if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno == ENOENT)
				continue;
			return -1;
		}
		count(u, &st);
		if (S_ISDIR(st.st_mode) && st.st_dev == u->dev && !streq(e->d_name, "."))
			dirstack_add(&u->dirs, e->d_name);
	}
}

int files_disk_usage(const char *path, uint64_t *ret, struct err *err)
{
	struct files_usage usage;

	if (files_usage(path, &usage, err) < 0)
		return -1;
	*ret = usage.bytes;
	return 0;
}

int files_usage(const char *path, struct files_usage *ret, struct err *err)
{
	_cleanup_usage_ struct usage u = {
		.top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.dirs = DIRSTACK_INIT,
	};
	uint64_t unused;
	struct stat st;

	if (u.top < 0 || fstat(u.top, &st) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot read %s", path);
	u.dev = st.st_dev;
	do {
		if (read_dir(&u) < 0)
			return err_set_errno(err, ERR_OPERATOR, "cannot read %s/%s", path,
					     str_c(&u.dirs.path));
	} while (dirstack_next(&u.dirs, &unused));
	*ret = (struct files_usage){ u.blocks * 512, u.names - 1 };
	return 0;
}
