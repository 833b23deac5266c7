/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files, links, devices and directories as a manifest has them. */
#include "model/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

int entry_failed(const char *path, const char *what, struct err *err)
{
	_cleanup_str_ struct str shown = STR_INIT;
	int saved = errno;

	manifest_escape(path, &shown);
	errno = saved;
	if (errno == ELOOP || errno == ENOTDIR || errno == EXDEV)
		return err_set(
			err, ERR_OPERATOR,
			"/%s: refused: its path leads through something that is no directory",
			str_c(&shown));
	return err_set_errno(err, ERR_OPERATOR, "/%s: %s", str_c(&shown), what);
}

static int set_xattrs(const struct xattrs_of *of, const struct manifest_entry *e,
		      const struct xattrs *x, struct err *err)
{
	const char *name = "";

	if (!x || xattrs_replace(x, of, &name) == 0)
		return 0;
	_cleanup_free_ char *what = xasprintf("cannot set the extended attribute %.200s",
					      name);
	return entry_failed(str_c(&e->path), what, err);
}

static void times_of(const struct manifest_entry *e, struct timespec times[2])
{
	times[0] = (struct timespec){ .tv_nsec = UTIME_OMIT };
	times[1] = (struct timespec){ .tv_sec = e->sec, .tv_nsec = (long)e->nsec };
}

int entry_set(int fd, const struct manifest_entry *e, const struct xattrs *x,
	      struct err *err)
{
	const char *path = str_c(&e->path);
	const struct xattrs_of of = { .fd = fd };
	struct timespec times[2];
	struct stat st;

	times_of(e, times);
	if (fstat(fd, &st) < 0)
		return entry_failed(path, "cannot be read", err);
	if ((e->uid != st.st_uid || e->gid != st.st_gid) &&
	    fchown(fd, e->uid, e->gid) < 0)
		return entry_failed(path, "cannot set its owner", err);
	if (fchmod(fd, e->mode) < 0)
		return entry_failed(path, "cannot set its mode", err);
	if (set_xattrs(&of, e, x, err) < 0)
		return -1;
	if (futimens(fd, times) < 0)
		return entry_failed(path, "cannot set its time", err);
	return 0;
}

int entry_set_at(int dir, const char *name, const struct manifest_entry *e,
		 const struct xattrs *x, struct err *err)
{
	const char *path = str_c(&e->path);
	const struct xattrs_of of = { .fd = -1, .dir_fd = dir, .name = name };
	struct timespec times[2];

	times_of(e, times);
	if (fchownat(dir, name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return entry_failed(path, "cannot set its owner", err);
	if (e->type != 'l') {
		/* Not fchmodat: it would follow a link. */
		_cleanup_close_ int fd = openat(dir, name,
						O_PATH | O_NOFOLLOW | O_CLOEXEC);
		char self[40];
		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		if (fd < 0 || chmod(self, e->mode) < 0)
			return entry_failed(path, "cannot set its mode", err);
	}
	if (set_xattrs(&of, e, x, err) < 0)
		return -1;
	if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return entry_failed(path, "cannot set its time", err);
	return 0;
}

mode_t entry_mode(char type)
{
	static const struct {
		char type;
		mode_t mode;
	} types[] = { { 'f', S_IFREG }, { 's', S_IFREG }, { 'd', S_IFDIR },
		      { 'l', S_IFLNK }, { 'c', S_IFCHR }, { 'b', S_IFBLK },
		      { 'p', S_IFIFO } };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return types[i].mode;
	return 0;
}

int entry_make(int dir, const char *name, const struct manifest_entry *e,
	       const struct xattrs *x, struct err *err)
{
	int rc;

	if (e->type == 'l')
		rc = symlinkat(str_c(&e->target), dir, name);
	else
		rc = mknodat(dir, name, entry_mode(e->type) | 0600,
			     makedev(e->major, e->minor));
	if (rc < 0)
		return entry_failed(str_c(&e->path), "cannot be made", err);
	return entry_set_at(dir, name, e, x, err);
}

bool entry_matches(const struct manifest_entry *e, const struct stat *st)
{
	if ((st->st_mode & S_IFMT) != entry_mode(e->type) || st->st_uid != e->uid ||
	    st->st_gid != e->gid || st->st_mtim.tv_sec != e->sec ||
	    st->st_mtim.tv_nsec != (long)e->nsec)
		return false;
	if (e->type != 'l' && (st->st_mode & 07777) != e->mode)
		return false;
	if (e->type == 'f' || e->type == 's')
		return (uint64_t)st->st_size == e->size;
	if (e->type == 'c' || e->type == 'b')
		return st->st_rdev == makedev(e->major, e->minor);
	return true;
}

int entry_finish(struct dirs *dirs, const struct manifest_entry *e,
		 const struct xattrs *x, struct err *err)
{
	const char *path = str_c(&e->path), *name;
	struct stat st;

	if (e->type != 'd' && (!e->flags[0] || !strchr("fs", e->type)))
		return 0;
	int dir = dirs_parent(dirs, path, &name);
	_cleanup_close_ int fd = dir < 0 ? -1
					 : openat(dir, name,
						  O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
							  O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return entry_failed(path, "cannot be opened", err);
	if (e->type == 'd' && (x || !entry_matches(e, &st)) &&
	    entry_set(fd, e, x, err) < 0)
		return -1;
	if (e->flags[0] && flags_apply(fd, e->flags) < 0)
		return entry_failed(path, "cannot set its inode flags", err);
	return 0;
}
