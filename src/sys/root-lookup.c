/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lookup below a root: openat2(2), and for kernels before 5.6 a walk in user space with the same result.
 *
 * The walk never lets the kernel resolve more than one component, never one that is a link, and never "..":
 * it keeps a descriptor of each directory on the way down and goes up by dropping the last.
 */
#include "sys/root-lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/str.h"

#define MAX_LINKS 40

struct walk {
	int *fds; /* fds[0] is the root itself and borrowed */
	size_t n;
	struct str rest; /* what is still to be resolved */
	unsigned links;
};

static void walk_done(struct walk *w)
{
	for (size_t i = 1; i < w->n; i++)
		close(w->fds[i]);
	free(w->fds);
	str_done(&w->rest);
}

static int walk_top(const struct walk *w)
{
	return w->fds[w->n - 1];
}

static void walk_up(struct walk *w, size_t keep)
{
	while (w->n > keep)
		close(w->fds[--w->n]);
}

static void walk_down(struct walk *w, int fd)
{
	w->fds = xrealloc(w->fds, (w->n + 1) * sizeof(*w->fds));
	w->fds[w->n++] = fd;
}

/* Text of the link `name` in the current directory; NULL and errno (EINVAL: no link). */
static char *link_text(int dirfd, const char *name)
{
	char buf[4097];
	ssize_t n = readlinkat(dirfd, name, buf, sizeof(buf));

	if (n < 0)
		return NULL;
	if ((size_t)n >= sizeof(buf) || n == 0) {
		errno = n == 0 ? ENOENT : ENAMETOOLONG;
		return NULL;
	}
	return xstrndup(buf, (size_t)n);
}

/* Puts a link's text in front of the rest ("" or beginning with '/'). */
static int walk_link(struct walk *w, const char *text, const char *rest)
{
	struct str joined = STR_INIT;

	if (++w->links > MAX_LINKS) {
		errno = ELOOP;
		return -1;
	}
	if (text[0] == '/')
		walk_up(w, 1);
	str_addf(&joined, "%s%s", text, rest);
	str_done(&w->rest);
	w->rest = joined;
	return 0;
}

/* The last component. 1: it was a link that is to be followed; else the descriptor is in *ret. */
static int open_last(struct walk *w, const char *name, int flags, mode_t mode, int *ret)
{
	if (!(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL)) {
		_cleanup_free_ char *text = link_text(walk_top(w), name);
		if (text)
			return walk_link(w, text, "") < 0 ? -1 : 1;
		if (errno != EINVAL && errno != ENOENT)
			return -1;
	}
	*ret = openat(walk_top(w), name, flags | O_NOFOLLOW, mode);
	return *ret < 0 ? -1 : 0;
}

static int enter(struct walk *w, const char *name, const char *rest)
{
	_cleanup_free_ char *text = link_text(walk_top(w), name);

	if (text) {
		/* The slash stays, also at the end: what the link leads to must be a directory. */
		_cleanup_free_ char *slashed = xasprintf("/%s", rest);
		return walk_link(w, text, slashed);
	}
	if (errno != EINVAL)
		return -1;
	int fd = openat(walk_top(w), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	walk_down(w, fd);
	struct str left = STR_INIT;
	str_add(&left, rest);
	str_done(&w->rest);
	w->rest = left;
	return 0;
}

/* One component of the rest. 0: go on; 1: *ret holds the descriptor; -1: errno. */
static int walk_step(struct walk *w, int flags, mode_t mode, int *ret)
{
	const char *start = str_c(&w->rest);
	start += strspn(start, "/");
	size_t len = strcspn(start, "/");
	const char *rest = start + len + strspn(start + len, "/");
	bool dir_wanted = start[len] == '/', last = *rest == '\0';
	_cleanup_free_ char *name = xstrndup(start, len);

	if (len == 0) { /* the path ended in "/" or "..": the directory itself */
		if (flags & O_CREAT) {
			errno = EISDIR;
			return -1;
		}
		*ret = openat(walk_top(w), ".", flags & ~O_NOFOLLOW);
		return *ret < 0 ? -1 : 1;
	}
	if (streq(name, ".") || streq(name, "..")) {
		if (name[1] == '.')
			walk_up(w, MAX(w->n - 1, (size_t)1));
		struct str left = STR_INIT;
		str_add(&left, rest);
		str_done(&w->rest);
		w->rest = left;
		return 0;
	}
	if (!last || dir_wanted)
		return enter(w, name, rest);
	int rc = open_last(w, name, flags, mode, ret);
	return rc < 0 ? -1 : rc == 1 ? 0 : 1;
}

int root_lookup_walk(int root_fd, const char *path, int flags, mode_t mode)
{
	_cleanup_(walk_done) struct walk w = { 0 };
	int fd = -1, rc;

	if (*path == '\0') {
		errno = ENOENT;
		return -1;
	}
	walk_down(&w, root_fd);
	str_add(&w.rest, path);
	do
		rc = walk_step(&w, flags | O_CLOEXEC, mode, &fd);
	while (rc == 0);
	int saved = errno;
	if (rc < 0) {
		errno = saved;
		return -1;
	}
	return fd;
}

int root_lookup(int root_fd, const char *path, int flags, mode_t mode)
{
	static atomic_bool no_openat2;
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	if (atomic_load_explicit(&no_openat2, memory_order_relaxed))
		return root_lookup_walk(root_fd, path, flags, mode);
	for (int tries = 0;; tries++) {
		int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
		if (fd >= 0)
			return fd;
		if (errno == ENOSYS)
			break;
		/* EAGAIN: something was renamed during the lookup and ".." could not be proved. */
		if (errno != EINTR && (errno != EAGAIN || tries >= 100))
			return -1;
	}
	atomic_store_explicit(&no_openat2, true, memory_order_relaxed);
	return root_lookup_walk(root_fd, path, flags, mode);
}
