/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The master's own files: directories, whole files, publishing, removal, usage. */
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/strv.h"
#include "sys/rmtree.h"

int files_mkdirs(const char *path, mode_t mode, struct err *err)
{
	if (*path == '\0')
		return err_set(err, ERR_USAGE, "the name of a directory is empty");
	_cleanup_free_ char *copy = xstrdup(path);
	for (char *p = copy + 1;; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		char c = *p;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST && errno != EISDIR &&
		    !files_is_dir(copy))
			return err_set_errno(err, ERR_OPERATOR,
					     "cannot make the directory %s", copy);
		*p = c;
		if (c == '\0')
			break;
	}
	if (!files_is_dir(path)) {
		errno = ENOTDIR;
		return err_set_errno(err, ERR_OPERATOR, "%s", path);
	}
	return 0;
}

int files_read_fd(int fd, size_t max, struct str *out)
{
	size_t before = out->len;
	char buf[16384];

	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if ((size_t)n > max - (out->len - before)) {
			errno = EFBIG;
			return -1;
		}
		str_addn(out, buf, (size_t)n);
	}
}

int files_read(const char *path, size_t max, struct str *out, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (max == 0)
		max = (size_t)64 * 1024 * 1024;
	if (fd < 0)
		return err_set_errno(err, errno == ENOENT ? ERR_NOTFOUND : ERR_OPERATOR,
				     "cannot open %s", path);
	if (files_read_fd(fd, max, out) == 0)
		return 0;
	if (errno == EFBIG)
		return err_set(err, ERR_OPERATOR, "%s is larger than %zu bytes", path,
			       max);
	return err_set_errno(err, ERR_OPERATOR, "cannot read %s", path);
}

int files_write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

int files_pwrite_all(int fd, const void *data, size_t n, uint64_t off)
{
	const char *p = data;

	while (n > 0) {
		ssize_t done = pwrite(fd, p, n, (off_t)off);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		p += done;
		off += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

int files_nameless(const char *dir, struct err *err)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		_cleanup_free_ char *name = xasprintf("%s/.nimadm-XXXXXX.tmp", dir);
		fd = mkostemps(name, 4, O_CLOEXEC);
		if (fd >= 0)
			unlink(name);
	}
	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot write in %s", dir);
	return fd;
}

int files_write_atomic(const char *path, const void *data, size_t n, mode_t mode,
		       struct err *err)
{
	_cleanup_files_pending_ struct files_pending p = FILES_PENDING_INIT;

	if (files_pending_open(&p, path, mode, err) < 0)
		return -1;
	if (files_write_all(p.fd, data, n) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot write %s", path);
	return files_pending_publish(&p, err);
}

bool files_exists(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0;
}

bool files_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *files_absolute(const char *path)
{
	_cleanup_strv_ struct strv parts = STRV_INIT;
	struct str out = STR_INIT;

	if (*path != '/') {
		_cleanup_free_ char *cwd = getcwd(NULL, 0);
		str_add(&out, cwd ? cwd : "/");
	}
	strv_split(&parts, path, "/");
	for (size_t i = 0; i < parts.n; i++) {
		/* ".." stays: what it means depends on symbolic links. */
		if (streq(parts.v[i], "."))
			continue;
		if (out.len == 0 || out.p[out.len - 1] != '/')
			str_addc(&out, '/');
		str_add(&out, parts.v[i]);
	}
	if (out.len == 0)
		str_addc(&out, '/');
	return str_take(&out);
}

/* Whether a path is too precious or too vague to be removed as a whole. */
static const char *refusal(const char *absolute)
{
	_cleanup_strv_ struct strv parts = STRV_INIT;

	strv_split(&parts, absolute, "/");
	if (parts.n < 2)
		return "it is too near to the root";
	if (strv_has(&parts, ".."))
		return "\"..\" in a path to be removed";
	return NULL;
}

int files_rmtree(const char *path, const char *marker, struct err *err)
{
	return files_rmtree_watched(path, marker, NULL, err);
}

int files_rmtree_watched(const char *path, const char *marker,
			 const struct rmtree_watch *watch, struct err *err)
{
	_cleanup_free_ char *absolute = files_absolute(path);
	const char *cause = refusal(absolute);

	if (cause)
		return err_set(err, ERR_INTERNAL, "refused to remove %s: %s", absolute,
			       cause);
	char *slash = strrchr(absolute, '/');
	const char *name = slash + 1;
	*slash = '\0';
	_cleanup_close_ int parent = open(absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*slash = '/';
	if (parent < 0)
		return errno == ENOENT ? 0
				       : err_set_errno(err, ERR_OPERATOR,
						       "cannot remove %s", absolute);
	struct stat st;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0
				       : err_set_errno(err, ERR_OPERATOR,
						       "cannot remove %s", absolute);
	if (marker) {
		_cleanup_close_ int top = openat(
			parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (top < 0 || fstatat(top, marker, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			/* an empty one is what a crash after the marker's removal, or before its making, leaves */
			if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
				return 0;
			return err_set(err, ERR_OPERATOR,
				       "refused to remove %s: there is no %s in it",
				       absolute, marker);
		}
	}
	return rmtree_watched_at(parent, name, marker, absolute, watch, err);
}

/* The directory of `path` ("." where it has none), malloc'd. */
static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

/* A name beside `path` that nobody else uses. */
static char *temporary_name(const char *path)
{
	_cleanup_free_ char *dir = dir_of(path);
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		random = (uint64_t)getpid();
	return xasprintf("%s/.nimadm-%016llx.tmp", dir, (unsigned long long)random);
}

/* A device or a link is somebody's way to something else: /dev/null renamed over would be the machine's undoing. A directory
 * cannot be renamed over. */
static int check_replaced(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return 0;
	err_set(err, ERR_OPERATOR, "%s is %s: it is not replaced", path,
		S_ISLNK(st.st_mode) ? "a symbolic link" : "no regular file");
	return err_remedy(err, "give the name of a file");
}

/*
 * A file without a name where the file system can do that (gone after a crash, whatever happens), else one
 * under a temporary name.
 */
int files_pending_open(struct files_pending *p, const char *path, mode_t mode,
		       struct err *err)
{
	_cleanup_free_ char *dir = dir_of(path);
	_cleanup_free_ char *tmp = NULL;

	if (check_replaced(path, err) < 0)
		return -1;
	_cleanup_close_ int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		tmp = temporary_name(path);
		fd = open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot write in %s", dir);
	if (fchmod(fd, mode) < 0) {
		err_set_errno(err, ERR_OPERATOR, "cannot set the mode of %s", path);
		if (tmp)
			unlink(tmp);
		return -1;
	}
	files_pending_drop(p);
	*p = (struct files_pending){
		.fd = TAKE_FD(fd),
		.tmp = TAKE_PTR(tmp),
		.path = xstrdup(path),
	};
	return 0;
}

/* Gives a nameless file its temporary name. */
static int name_it(struct files_pending *p)
{
	char self[48];
	_cleanup_free_ char *tmp = NULL;

	if (p->tmp)
		return 0;
	tmp = temporary_name(p->path);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", p->fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, tmp, AT_SYMLINK_FOLLOW) < 0)
		return -1;
	p->tmp = TAKE_PTR(tmp);
	return 0;
}

static int sync_dir_of(const char *path)
{
	_cleanup_free_ char *dir = dir_of(path);
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

int files_pending_publish(struct files_pending *p, struct err *err)
{
	if (fsync(p->fd) < 0 || name_it(p) < 0 || rename(p->tmp, p->path) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot write %s", p->path);
	free(TAKE_PTR(p->tmp)); /* from here on there is nothing to drop */
	int rc = sync_dir_of(p->path);
	if (rc < 0)
		err_set_errno(err, ERR_OPERATOR, "cannot sync the directory of %s",
			      p->path);
	files_pending_drop(p);
	return rc;
}

void files_pending_drop(struct files_pending *p)
{
	if (p->tmp)
		unlink(p->tmp);
	if (p->fd >= 0)
		close(p->fd);
	free(p->tmp);
	free(p->path);
	*p = (struct files_pending)FILES_PENDING_INIT;
}
