/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removal of trees.
 *
 * One descriptor a level is held, to MAX_DEPTH levels. What lies deeper is first moved up into the tree's
 * top, so that neither the stack, nor the number of descriptors, nor PATH_MAX bounds the depth of a hostile tree.
 */
#include "sys/rmtree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define MAX_DEPTH   128
#define WATCH_EVERY 64

struct removal {
	int top_fd;
	const char *last;
	const char *shown;
	unsigned long
		moved; /* directories moved up so far; also makes their names unique */
	const struct rmtree_watch *watch;
	uint64_t gone;
	struct err *err;
};

static bool is_dot(const char *name)
{
	return streq(name, ".") || streq(name, "..");
}

/* Opens a directory below dirfd that is neither a link nor a mount point. EXDEV: it is one. */
static int open_dir(int dirfd, const char *name)
{
	enum { FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
	struct open_how how = {
		.flags = FLAGS,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));

	if (fd >= 0 || errno != ENOSYS)
		return fd;
	/* Linux before 5.6: a bind mount of the same file system shows by this attribute only. */
	struct statx stx = { 0 };
	_cleanup_close_ int plain = openat(dirfd, name, FLAGS);
	if (plain < 0 || statx(plain, "", AT_EMPTY_PATH, STATX_TYPE, &stx) < 0)
		return -1;
	struct stat here, above;
	if (fstat(plain, &here) < 0 || fstat(dirfd, &above) < 0)
		return -1;
	if (here.st_dev != above.st_dev || (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT)) {
		errno = EXDEV;
		return -1;
	}
	return TAKE_FD(plain);
}

static int failed(const struct removal *rm, const char *name)
{
	if (errno == EXDEV || errno == EBUSY) {
		err_set(rm->err, ERR_OPERATOR,
			"cannot remove %s: \"%s\" in it is a mount point or in use",
			rm->shown, name);
		return err_remedy(rm->err, "umount -R %s", rm->shown);
	}
	return err_set_errno(rm->err, ERR_OPERATOR, "cannot remove \"%s\" in %s", name,
			     rm->shown);
}

static void count(struct removal *rm)
{
	if (++rm->gone % WATCH_EVERY == 0 && rm->watch)
		rm->watch->gone(rm->watch->arg, rm->gone);
}

static int remove_content(struct removal *rm, int fd, unsigned depth);

/* A directory below `fd`: emptied and removed, or moved to the top where the tree is too deep. */
static int remove_dir(struct removal *rm, int fd, const char *name, unsigned depth)
{
	if (depth >= MAX_DEPTH) {
		char moved[64];
		snprintf(moved, sizeof(moved), ".nimadm-rm-%d-%lu", (int)getpid(),
			 ++rm->moved);
		if (renameat(fd, name, rm->top_fd, moved) < 0)
			return failed(rm, name);
		return 0;
	}
	_cleanup_close_ int sub = open_dir(fd, name);
	if (sub < 0)
		return errno == ENOENT ? 0 : failed(rm, name);
	if (remove_content(rm, sub, depth + 1) < 0)
		return -1;
	if (unlinkat(fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return failed(rm, name);
	count(rm);
	return 0;
}

static int remove_entry(struct removal *rm, int fd, const struct dirent *e,
			unsigned depth)
{
	if (e->d_type == DT_DIR)
		return remove_dir(rm, fd, e->d_name, depth);
	if (unlinkat(fd, e->d_name, 0) == 0 || errno == ENOENT) {
		count(rm);
		return 0;
	}
	/* Some file systems do not tell the type; EPERM is POSIX's word for a directory. */
	if (e->d_type == DT_UNKNOWN && (errno == EISDIR || errno == EPERM))
		return remove_dir(rm, fd, e->d_name, depth);
	return failed(rm, e->d_name);
}

static void closedir_p(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* One pass over a directory. Returns how many entries went, or -1. */
static long one_pass(struct removal *rm, int fd, unsigned depth)
{
	_cleanup_close_ int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedir_p) DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	long count = 0;

	if (!dir)
		return failed(rm, ".");
	copy = -1; /* closedir closes it */
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(dir);
		if (!e)
			return errno == 0 ? count : failed(rm, ".");
		if (is_dot(e->d_name))
			continue;
		if (depth == 0 && rm->last && streq(e->d_name, rm->last))
			continue;
		if (remove_entry(rm, fd, e, depth) < 0)
			return -1;
		count++;
	}
}

/*
 * Repeats until nothing is found: removing while reading may skip entries, and directories that were
 * moved up appear in the top meanwhile.
 */
static int remove_content(struct removal *rm, int fd, unsigned depth)
{
	long n;

	do
		n = one_pass(rm, fd, depth);
	while (n > 0);
	return (int)n;
}

int rmtree_at(int dirfd, const char *name, const char *last, const char *shown,
	      struct err *err)
{
	return rmtree_watched_at(dirfd, name, last, shown, NULL, err);
}

int rmtree_watched_at(int dirfd, const char *name, const char *last, const char *shown,
		      const struct rmtree_watch *watch, struct err *err)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_set_errno(err, ERR_OPERATOR, "cannot remove %s", shown);
	_cleanup_close_ int top = open_dir(dirfd, name);
	if (top < 0 && errno == EXDEV) {
		err_set(err, ERR_OPERATOR, "cannot remove %s: it is a mount point",
			shown);
		return err_remedy(err, "umount -R %s", shown);
	}
	if (top < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot remove %s", shown);
	struct removal rm = {
		.top_fd = top,
		.last = last,
		.shown = shown,
		.watch = watch,
		.err = err,
	};
	if (remove_content(&rm, top, 0) < 0)
		return -1;
	if (last && unlinkat(top, last, 0) < 0 && errno != ENOENT)
		return failed(&rm, last);
	if (watch)
		watch->gone(watch->arg, rm.gone + (last != NULL));
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_set_errno(err, ERR_OPERATOR, "cannot remove %s", shown);
	return 0;
}
