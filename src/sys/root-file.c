/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Contents of files below a root: reading, replacing, copying with all their attributes. */
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sys/files.h"
#include "sys/root.h"
#include "sys/xattrs.h"

#define READ_MAX  ((size_t)64 * 1024 * 1024)
#define MAX_LINKS 40
/* errno for "not a regular file"; no call used here gives it otherwise. */
#define ENOTREG_ EMEDIUMTYPE

/* A new file beside the one it will replace; removed unless published. */
struct beside {
	int dir_fd; /* O_PATH */
	int fd;	    /* -1 for a symbolic link */
	char tmp[32];
	const char *name; /* final name, borrowed */
};
#define BESIDE_INIT                                                                      \
	{                                                                                \
		-1, -1, "", NULL                                                         \
	}

static void beside_done(struct beside *b)
{
	if (b->tmp[0])
		unlinkat(b->dir_fd, b->tmp, 0);
	if (b->fd >= 0)
		close(b->fd);
	if (b->dir_fd >= 0)
		close(b->dir_fd);
}

static void beside_name(struct beside *b)
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		random = (uint64_t)getpid();
	snprintf(b->tmp, sizeof(b->tmp), ".nimadm-%016llx", (unsigned long long)random);
}

static int beside_open(struct beside *b)
{
	beside_name(b);
	b->fd = openat(b->dir_fd, b->tmp,
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (b->fd < 0)
		b->tmp[0] = '\0';
	return b->fd < 0 ? -1 : 0;
}

static int sync_dir(int dir_fd)
{
	/* O_PATH descriptors cannot be synced. */
	_cleanup_close_ int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

static int beside_publish(struct beside *b)
{
	if (b->fd >= 0 && fsync(b->fd) < 0)
		return -1;
	if (renameat(b->dir_fd, b->tmp, b->dir_fd, b->name) < 0)
		return -1;
	b->tmp[0] = '\0';
	return sync_dir(b->dir_fd);
}

/*
 * Opens a regular file for reading in two steps: a device or a pipe in a foreign root must not even be opened.
 * The second open goes through /proc, which names exactly the file that was looked at.
 */
static int reopen_regular(int path_fd)
{
	struct stat st;
	char self[48];

	if (fstat(path_fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : ENOTREG_;
		return -1;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	return open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

static int read_failed(const struct root *r, const char *path, struct err *err)
{
	if (errno == ENOTREG_)
		return err_set(err, ERR_OPERATOR, "%s: %s is no regular file", r->path,
			       path);
	return err_set_errno(err, ERR_OPERATOR, "%s: cannot read %s", r->path, path);
}

int root_read_opt(const struct root *r, const char *path, size_t max, struct str *out,
		  struct err *err)
{
	_cleanup_close_ int path_fd = root_openat(r, path, O_PATH, 0);
	_cleanup_str_ struct str text = STR_INIT;

	if (path_fd < 0 && errno == ENOENT)
		return 1;
	_cleanup_close_ int fd = path_fd < 0 ? -1 : reopen_regular(path_fd);
	if (fd < 0)
		return read_failed(r, path, err);
	if (max == 0)
		max = READ_MAX;
	if (files_read_fd(fd, max, &text) < 0) {
		if (errno == EFBIG)
			return err_set(err, ERR_OPERATOR,
				       "%s: %s is larger than %zu bytes", r->path, path,
				       max);
		return read_failed(r, path, err);
	}
	str_addn(out, text.p, text.len);
	return 0;
}

int root_read(const struct root *r, const char *path, size_t max, struct str *out,
	      struct err *err)
{
	int rc = root_read_opt(r, path, max, out, err);

	if (rc <= 0)
		return rc;
	errno = ENOENT;
	return read_failed(r, path, err);
}

/*
 * Copies the extended attributes of what `from` (any descriptor, also O_PATH) means to `to`, both named through
 * /proc because O_PATH descriptors refuse the f*xattr calls. An attribute that cannot be set is an error:
 * a lost capability or ACL is a broken system.
 */
static int copy_xattrs(int from, int to)
{
	char source[48], target[48];
	_cleanup_free_ char *names = NULL;

	snprintf(source, sizeof(source), "/proc/self/fd/%d", from);
	snprintf(target, sizeof(target), "/proc/self/fd/%d", to);
	ssize_t size = listxattr(source, NULL, 0);
	if (size < 0)
		return errno == ENOTSUP ? 0 : -1;
	names = xmalloc((size_t)size);
	size = listxattr(source, names, (size_t)size);
	if (size < 0)
		return -1;
	for (const char *name = names; name < names + size; name += strlen(name) + 1) {
		if (!xattrs_is_kept(name))
			continue;
		ssize_t len = getxattr(source, name, NULL, 0);
		if (len < 0)
			return -1;
		_cleanup_free_ char *value = xmalloc((size_t)len);
		len = getxattr(source, name, value, (size_t)len);
		if (len < 0 || setxattr(target, name, value, (size_t)len, 0) < 0)
			return -1;
	}
	return 0;
}

/* Owner first: changing it drops setuid bits and capabilities. */
static int copy_attributes(int from, int to, const struct stat *st)
{
	if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
		return -1;
	return copy_xattrs(from, to);
}

static int write_failed(const struct root *r, const char *path, struct err *err)
{
	return err_set_errno(err, ERR_OPERATOR, "%s: cannot write %s", r->path, path);
}

/*
 * The file that a path means in the end: an administrator's symbolic link is kept and what it leads to is replaced.
 * Malloc'd; NULL and errno.
 */
static char *final_path(const struct root *r, const char *path)
{
	_cleanup_free_ char *at = xstrdup(path);

	for (int links = 0; links < MAX_LINKS; links++) {
		_cleanup_free_ char *text = root_readlink(r, at);
		if (!text)
			return errno == EINVAL || errno == ENOENT ? TAKE_PTR(at) : NULL;
		char *slash = strrchr(at, '/');
		char *next = text[0] == '/' || !slash
				     ? xstrdup(text)
				     : xasprintf("%.*s/%s", (int)(slash - at), at, text);
		free(at);
		at = next;
	}
	errno = ELOOP;
	return NULL;
}

int root_write(const struct root *r, const char *path, const void *data, size_t n,
	       mode_t mode, struct err *err)
{
	_cleanup_(beside_done) struct beside b = BESIDE_INIT;
	_cleanup_free_ char *target = final_path(r, path);
	if (!target)
		return write_failed(r, path, err);
	b.dir_fd = root_open_parent(r, target, &b.name);
	if (b.dir_fd < 0)
		return write_failed(r, path, err);
	_cleanup_close_ int old = openat(b.dir_fd, b.name,
					 O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (old < 0 ? errno != ENOENT : fstat(old, &st) < 0)
		return write_failed(r, path, err);
	if (old >= 0 && !S_ISREG(st.st_mode))
		return err_set(err, ERR_OPERATOR, "%s: cannot write %s: no regular file",
			       r->path, path);
	if (beside_open(&b) < 0 || files_write_all(b.fd, data, n) < 0)
		return write_failed(r, path, err);
	if (old >= 0 ? copy_attributes(old, b.fd, &st) < 0 : fchmod(b.fd, mode) < 0)
		return write_failed(r, path, err);
	return beside_publish(&b) < 0 ? write_failed(r, path, err) : 0;
}

int root_symlink(const struct root *r, const char *target, const char *path,
		 struct err *err)
{
	_cleanup_(beside_done) struct beside b = BESIDE_INIT;

	b.dir_fd = root_open_parent(r, path, &b.name);
	if (b.dir_fd < 0)
		return write_failed(r, path, err);
	beside_name(&b);
	if (symlinkat(target, b.dir_fd, b.tmp) < 0) {
		b.tmp[0] = '\0';
		return write_failed(r, path, err);
	}
	return beside_publish(&b) < 0 ? write_failed(r, path, err) : 0;
}

static int copy_bytes(int in, int out)
{
	_cleanup_free_ char *buf = NULL;
	enum { CHUNK = 256 * 1024 };

	for (;;) {
		ssize_t n = copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0);
		if (n == 0)
			return 0;
		/* EINVAL, EXDEV, EOPNOTSUPP, ENOSYS...: whatever it is, the plain way decides. */
		if (n < 0)
			break;
	}
	buf = xmalloc(CHUNK);
	for (;;) {
		ssize_t n = read(in, buf, CHUNK);
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || files_write_all(out, buf, (size_t)n) < 0)
			return -1;
	}
}

/* Holes stay holes. */
static int copy_data(int in, int out, off_t size)
{
	off_t data = lseek(in, 0, SEEK_DATA);

	if (data < 0 && errno != ENXIO) /* no such feature */
		return lseek(in, 0, SEEK_SET) < 0 ? -1 : copy_bytes(in, out);
	while (data >= 0) {
		off_t hole = lseek(in, data, SEEK_HOLE);
		off_t in_at = data, out_at = data;
		if (hole < 0)
			return -1;
		while (in_at < hole) {
			ssize_t n = copy_file_range(in, &in_at, out, &out_at,
						    (size_t)(hole - in_at), 0);
			if (n > 0)
				continue;
			if (n == 0)
				break;
			if (lseek(in, in_at, SEEK_SET) < 0 ||
			    lseek(out, out_at, SEEK_SET) < 0)
				return -1;
			return copy_bytes(in, out);
		}
		data = lseek(in, hole, SEEK_DATA);
	}
	return errno == ENXIO ? ftruncate(out, size) : -1;
}

static int copy_regular(struct beside *b, int from_fd, const struct stat *st)
{
	_cleanup_close_ int in = reopen_regular(from_fd);
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (in < 0 || beside_open(b) < 0 || copy_data(in, b->fd, st->st_size) < 0 ||
	    copy_attributes(from_fd, b->fd, st) < 0)
		return -1;
	return futimens(b->fd, times);
}

static int copy_symlink(struct beside *b, int from_fd, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	char text[4097];
	ssize_t n = readlinkat(from_fd, "", text, sizeof(text) - 1);

	if (n < 0)
		return -1;
	text[n] = '\0';
	beside_name(b);
	if (symlinkat(text, b->dir_fd, b->tmp) < 0) {
		b->tmp[0] = '\0';
		return -1;
	}
	_cleanup_close_ int link = openat(b->dir_fd, b->tmp,
					  O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (link < 0 || fchownat(link, "", st->st_uid, st->st_gid, AT_EMPTY_PATH) < 0 ||
	    copy_xattrs(from_fd, link) < 0)
		return -1;
	return utimensat(b->dir_fd, b->tmp, times, AT_SYMLINK_NOFOLLOW);
}

int root_copy(const struct root *from, const char *src, const struct root *to,
	      const char *dst, struct err *err)
{
	_cleanup_(beside_done) struct beside b = BESIDE_INIT;
	_cleanup_close_ int in = root_openat(from, src, O_PATH | O_NOFOLLOW, 0);
	struct stat st;

	if (in < 0 || fstat(in, &st) < 0)
		return read_failed(from, src, err);
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return err_set(err, ERR_OPERATOR,
			       "%s: %s is neither a regular file nor a symbolic link",
			       from->path, src);
	b.dir_fd = root_open_parent(to, dst, &b.name);
	if (b.dir_fd < 0)
		return write_failed(to, dst, err);
	int rc = S_ISREG(st.st_mode) ? copy_regular(&b, in, &st)
				     : copy_symlink(&b, in, &st);
	if (rc < 0 || beside_publish(&b) < 0)
		return err_set_errno(err, ERR_OPERATOR,
				     "cannot copy %s in %s to %s in %s", src, from->path,
				     dst, to->path);
	return 0;
}
