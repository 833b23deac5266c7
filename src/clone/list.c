/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading directories: subdirectories first, each sort in the order of its inodes, which is about the order on disk. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "clone/clone-internal.h"

#define DENTS_CHUNK 32768

void listing_done(struct listing *l)
{
	free(l->v);
	str_done(&l->names);
	*l = (struct listing){ 0 };
}

/* File systems that do not tell a name's type. */
static unsigned char type_at(int fd, const char *name)
{
	struct stat st;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? DT_UNKNOWN
							       : IFTODT(st.st_mode);
}

struct reading {
	struct listing *l;
	int fd;
	const char *path;
	const struct excludes *excludes;
	uint64_t skip;
};

static bool is_excluded(const struct reading *r, const char *name)
{
	if (r->excludes->n == 0)
		return false;
	_cleanup_free_ char *path = xasprintf("%s%s%s", r->path, *r->path ? "/" : "",
					      name);
	return excludes_match(r->excludes, path);
}

static void add(const struct reading *r, const struct dirent64 *e)
{
	struct listing *l = r->l;

	if (streq(e->d_name, ".") || streq(e->d_name, "..") ||
	    (r->skip != 0 && e->d_ino == r->skip) || is_excluded(r, e->d_name))
		return;
	if (l->n == l->cap) {
		l->cap = MAX(l->cap + l->cap / 2, (size_t)32);
		l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
	}
	struct item *i = &l->v[l->n++];
	*i = (struct item){ e->d_ino, l->names.len, e->d_type };
	if (i->type == DT_UNKNOWN)
		i->type = type_at(r->fd, e->d_name);
	l->n_dirs += i->type == DT_DIR;
	str_addn(&l->names, e->d_name, strlen(e->d_name) + 1);
}

static int by_place(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	bool x_dir = x->type == DT_DIR, y_dir = y->type == DT_DIR;

	if (x_dir != y_dir)
		return x_dir ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

int listing_read(struct listing *l, int fd, const char *path, const struct excludes *x,
		 uint64_t skip)
{
	const struct reading r = { l, fd, path, x, skip };
	_cleanup_free_ char *chunk = xmalloc(DENTS_CHUNK);

	for (;;) {
		long n = syscall(SYS_getdents64, fd, chunk, DENTS_CHUNK);
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		for (long at = 0; at < n;) {
			const struct dirent64 *e = (const void *)(chunk + at);
			add(&r, e);
			at += e->d_reclen;
		}
	}
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_place);
	return 0;
}

int source_open_dir(struct clone *c, const char *path, uint64_t above, struct statx *sx,
		    bool *ret_wanted)
{
	const char *p = *path ? path : ".";
	int flags = O_RDONLY | O_DIRECTORY;
	int fd = dirs_open(c->job->from->fd, p, flags | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = dirs_open(c->job->from->fd, p, flags);
	if (fd < 0)
		return -1;
	if (statx(fd, "", AT_EMPTY_PATH, CLONE_STATX, sx) < 0) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	/* Where the kernel does not number mounts, another device is another mount. */
	if (!(sx->stx_mask & STATX_MNT_ID))
		sx->stx_mnt_id = makedev(sx->stx_dev_major, sx->stx_dev_minor);
	*ret_wanted = *path == '\0' || sx->stx_mnt_id == above;
	if (!*ret_wanted && c->job->mounts) {
		_cleanup_free_ char *shown = xasprintf("/%s", path);
		*ret_wanted = strv_has(c->job->mounts, shown);
	}
	return fd;
}

uint64_t source_skip(const struct clone *c, const struct statx *sx)
{
	return makedev(sx->stx_dev_major, sx->stx_dev_minor) == c->to_dev ? c->to_ino : 0;
}
