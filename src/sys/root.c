/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A root directory as an object: opening, looking, listing, small changes. Contents are in root-file.c. */
#include "sys/root.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sys/files.h"
#include "sys/rmtree.h"
#include "sys/root-lookup.h"

int root_open(struct root *r, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot open the root %s", path);
	root_done(r);
	r->fd = fd;
	r->path = files_absolute(path);
	return 0;
}

int root_open_sub(struct root *r, const struct root *parent, const char *path,
		  struct err *err)
{
	int fd = root_openat(parent, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR,
				     "%s: cannot open the directory %s", parent->path,
				     path);
	char *full = xasprintf("%s%s%s", streq(parent->path, "/") ? "" : parent->path,
			       path[0] == '/' ? "" : "/", path);
	root_done(r);
	r->fd = fd;
	r->path = full;
	return 0;
}

void root_done(struct root *r)
{
	if (r->fd >= 0)
		close(r->fd);
	free(r->path);
	*r = (struct root)ROOT_INIT;
}

int root_openat(const struct root *r, const char *path, int flags, mode_t mode)
{
	return root_lookup(r->fd, *path ? path : ".", flags, mode);
}

int root_open_parent(const struct root *r, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	/* A trailing slash would make the kernel follow a link in the last component. */
	if (*name == '\0' || streq(name, ".") || streq(name, "..")) {
		errno = EINVAL;
		return -1;
	}
	_cleanup_free_ char *dir = slash ? xstrndup(path, (size_t)(slash - path)) : NULL;
	int fd = root_openat(r, dir && *dir ? dir : ".", O_PATH | O_DIRECTORY, 0);
	if (fd >= 0)
		*ret_name = name;
	return fd;
}

bool root_exists(const struct root *r, const char *path)
{
	_cleanup_close_ int fd = root_openat(r, path, O_PATH, 0);

	return fd >= 0;
}

static int stat_with(const struct root *r, const char *path, int flags, struct stat *st)
{
	_cleanup_close_ int fd = root_openat(r, path, O_PATH | flags, 0);

	return fd < 0 ? -1 : fstat(fd, st);
}

int root_stat(const struct root *r, const char *path, struct stat *st)
{
	return stat_with(r, path, 0, st);
}

int root_lstat(const struct root *r, const char *path, struct stat *st)
{
	return stat_with(r, path, O_NOFOLLOW, st);
}

char *root_readlink(const struct root *r, const char *path)
{
	_cleanup_close_ int fd = root_openat(r, path, O_PATH | O_NOFOLLOW, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	if (!S_ISLNK(st.st_mode)) {
		errno = EINVAL;
		return NULL;
	}
	char buf[4097];
	ssize_t n = readlinkat(fd, "", buf, sizeof(buf));
	if (n < 0 || (size_t)n >= sizeof(buf)) {
		errno = n < 0 ? errno : ENAMETOOLONG;
		return NULL;
	}
	return xstrndup(buf, (size_t)n);
}

/* Makes one missing directory with exactly this mode, whatever the umask. */
static int make_one(const struct root *r, const char *path, mode_t mode)
{
	const char *name;
	_cleanup_close_ int parent = root_open_parent(r, path, &name);

	if (parent < 0)
		return -1;
	if (mkdirat(parent, name, 0700) < 0)
		return errno == EEXIST ? 0 : -1;
	_cleanup_close_ int fd = openat(parent, name,
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -1 : fchmod(fd, mode);
}

int root_mkdirs(const struct root *r, const char *path, mode_t mode, struct err *err)
{
	_cleanup_strv_ struct strv parts = STRV_INIT;
	_cleanup_str_ struct str so_far = STR_INIT;

	strv_split(&parts, path, "/");
	for (size_t i = 0; i < parts.n; i++) {
		str_addf(&so_far, "%s%s", i > 0 ? "/" : "", parts.v[i]);
		for (int tries = 0;; tries++) {
			_cleanup_close_ int fd = root_openat(r, str_c(&so_far),
							     O_PATH | O_DIRECTORY, 0);
			if (fd >= 0)
				break;
			/* Still ENOENT after making it: a link that leads nowhere. */
			if (errno != ENOENT || tries > 0 ||
			    make_one(r, str_c(&so_far), mode) < 0)
				return err_set_errno(err, ERR_OPERATOR,
						     "%s: cannot make the directory %s",
						     r->path, str_c(&so_far));
		}
	}
	return 0;
}

static int rename_failed(const struct root *r, const char *from, const char *to,
			 struct err *err)
{
	return err_set_errno(err, ERR_OPERATOR, "%s: cannot rename %s to %s", r->path,
			     from, to);
}

int root_rename(const struct root *r, const char *from, const char *to, struct err *err)
{
	const char *old_name, *new_name;
	_cleanup_close_ int old_dir = root_open_parent(r, from, &old_name);
	if (old_dir < 0)
		return rename_failed(r, from, to, err);
	_cleanup_close_ int new_dir = root_open_parent(r, to, &new_name);
	if (new_dir < 0 || renameat(old_dir, old_name, new_dir, new_name) < 0)
		return rename_failed(r, from, to, err);
	return 0;
}

int root_unlink(const struct root *r, const char *path, struct err *err)
{
	const char *name;
	_cleanup_close_ int parent = root_open_parent(r, path, &name);

	if ((parent < 0 || unlinkat(parent, name, 0) < 0) && errno != ENOENT)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot remove %s", r->path,
				     path);
	return 0;
}

int root_rmtree(const struct root *r, const char *path, struct err *err)
{
	const char *name;
	_cleanup_close_ int parent = root_open_parent(r, path, &name);

	if (parent < 0)
		return errno == ENOENT
			       ? 0
			       : err_set_errno(err, ERR_OPERATOR, "%s: cannot remove %s",
					       r->path, path);
	_cleanup_free_ char *shown = xasprintf(
		"%s/%s", streq(r->path, "/") ? "" : r->path, path + strspn(path, "/"));
	return rmtree_at(parent, name, NULL, shown, err);
}

static void closedir_p(DIR **d)
{
	if (*d)
		closedir(*d);
}

int root_list(const struct root *r, const char *path, struct strv *ret, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_close_ int fd = root_openat(r, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0 && errno == ENOENT)
		return 0;
	_cleanup_(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_set_errno(err, ERR_OPERATOR,
				     "%s: cannot read the directory %s", r->path, path);
	fd = -1; /* closedir closes it */
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(dir);
		if (!e && errno != 0)
			return err_set_errno(err, ERR_OPERATOR,
					     "%s: cannot read the directory %s", r->path,
					     path);
		if (!e)
			break;
		if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
			strv_add(&names, e->d_name);
	}
	strv_sort(&names);
	strv_add_strv(ret, &names);
	return 0;
}
