/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking up directories of a tree, hostile or not, by openat2(2), or step by step where the kernel has none. */
#include "sys/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* A path as long as the kernel takes in one call, with room to spare. */
#define PIECE 4000

/* A name of its own on the way: never a link, never up. */
static int open_step(int dir, const char *name, int flags)
{
	if (streq(name, "..")) {
		errno = EXDEV;
		return -1;
	}
	return openat(dir, *name ? name : ".", flags | O_NOFOLLOW | O_CLOEXEC);
}

/* The same without openat2(2). */
static int open_piece_walk(int dir, const char *path, int flags)
{
	_cleanup_free_ char *copy = xstrdup(path);
	_cleanup_close_ int at = -1;
	char *p = copy, *slash;

	if (*path == '/' || *path == '\0') {
		errno = *path ? EXDEV : ENOENT;
		return -1;
	}
	for (; (slash = strchr(p, '/')); p = slash + 1) {
		*slash = '\0';
		int next = open_step(at >= 0 ? at : dir, p, O_PATH | O_DIRECTORY);
		if (next < 0)
			return -1;
		close_p(&at);
		at = next;
	}
	return open_step(at >= 0 ? at : dir, p, flags);
}

static int open_piece(int dir, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_NOFOLLOW | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	for (;;) {
		long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

		/* EAGAIN: something was renamed meanwhile; the kernel wants to be asked again. */
		if (fd < 0 && errno == ENOSYS)
			return open_piece_walk(dir, path, flags);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			return (int)fd;
	}
}

int dirs_open(int top, const char *path, int flags)
{
	_cleanup_close_ int at = -1;

	while (strlen(path) > PIECE) {
		const char *cut = path + PIECE;

		while (cut > path && *cut != '/')
			cut--;
		if (cut == path) {
			errno = ENAMETOOLONG;
			return -1;
		}
		_cleanup_free_ char *piece = xstrndup(path, (size_t)(cut - path));
		int next = open_piece(at >= 0 ? at : top, piece, O_PATH | O_DIRECTORY);
		if (next < 0)
			return -1;
		close_p(&at);
		at = next;
		path = cut + 1;
	}
	return open_piece(at >= 0 ? at : top, path, flags);
}

/* Opens a directory and makes what is missing on the way. */
static int open_made(int top, const char *path)
{
	int fd = dirs_open(top, path, O_PATH | O_DIRECTORY);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *above = slash ? xstrndup(path, (size_t)(slash - path))
					   : NULL;
	_cleanup_close_ int parent = above ? open_made(top, above)
					   : dirs_open(top, ".", O_PATH | O_DIRECTORY);
	if (parent < 0 ||
	    (mkdirat(parent, slash ? slash + 1 : path, 0755) < 0 && errno != EEXIST))
		return -1;
	return dirs_open(top, path, O_PATH | O_DIRECTORY);
}

int dirs_parent(struct dirs *d, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	*ret_name = slash ? slash + 1 : path;
	if (n == 0)
		return d->top;
	if (d->fd >= 0 && d->path.len == n && memcmp(d->path.p, path, n) == 0)
		return d->fd;
	close_p(&d->fd);
	str_reset(&d->path);
	str_addn(&d->path, path, n);
	d->fd = d->make ? open_made(d->top, d->path.p)
			: dirs_open(d->top, d->path.p, O_PATH | O_DIRECTORY);
	return d->fd;
}

void dirs_done(struct dirs *d)
{
	close_p(&d->fd);
	d->fd = -1;
	str_done(&d->path);
}
