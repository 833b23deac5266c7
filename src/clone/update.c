/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second pass: what an earlier copy has already, and what it has too much. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "clone/clone-internal.h"
#include "sys/rmtree.h"

static bool is_same(const struct statx *sx, const struct stat *st)
{
	if (sx->stx_mode != st->st_mode || sx->stx_uid != st->st_uid ||
	    sx->stx_gid != st->st_gid || sx->stx_mtime.tv_sec != st->st_mtim.tv_sec ||
	    sx->stx_mtime.tv_nsec != st->st_mtim.tv_nsec)
		return false;
	/* Of a link, the size is that of its target, and a new target is a new link with a time of its own. */
	if (S_ISREG(sx->stx_mode) || S_ISLNK(sx->stx_mode))
		return sx->stx_size == (uint64_t)st->st_size;
	return sx->stx_rdev_major == major(st->st_rdev) &&
	       sx->stx_rdev_minor == minor(st->st_rdev);
}

/* Attributes may change without a change of what is_same looks at. */
static bool has_same_xattrs(const struct open_dir *d, const char *name)
{
	const struct xattrs_of from = { .fd = -1, .dir_fd = d->from, .name = name },
			       to = { .fd = -1, .dir_fd = d->to, .name = name };
	struct xattrs a = { 0 }, b = { 0 };
	bool same = xattrs_read(&a, &from) == 0 && xattrs_read(&b, &to) == 0 &&
		    a.blob.len == b.blob.len &&
		    (a.n == 0 || memcmp(a.blob.p, b.blob.p, a.blob.len) == 0);

	xattrs_done(&a);
	xattrs_done(&b);
	return same;
}

/* Of the inode flags, those that statx knows of both. */
static bool has_same_flags(const struct statx *sx, const struct statx *there)
{
	uint64_t known = sx->stx_attributes_mask & there->stx_attributes_mask &
			 (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP);

	return ((sx->stx_attributes ^ there->stx_attributes) & known) == 0;
}

/* An immutable file can neither be removed nor replaced. */
static void unlock_file(const struct open_dir *d, const char *name)
{
	_cleanup_close_ int fd = openat(d->to, name,
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		flags_clear(fd);
}

int update_entry(struct worker *w, const struct open_dir *d, const char *name,
		 const struct statx *sx, struct stat *ret, struct err *err)
{
	struct statx there;

	if (fstatat(d->to, name, ret, AT_SYMLINK_NOFOLLOW) < 0 ||
	    statx(d->to, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &there) < 0)
		return errno == ENOENT ? 0 : clone_failed(name, "cannot be read", err);
	if (is_same(sx, ret) && (ret->st_nlink > 1) == (sx->stx_nlink > 1) &&
	    has_same_flags(sx, &there) && has_same_xattrs(d, name))
		return 1;
	if (S_ISREG(ret->st_mode))
		unlock_file(d, name);
	return rmtree_at(d->to, name, NULL, name, err);
}

struct name {
	const char *name;
	bool is_dir;
};

static int by_name(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* A file system mounted there, or its own directory for what fsck finds. */
static bool is_foreign(const struct open_dir *d, const char *name)
{
	struct statx here, there;

	if (statx(d->to, "", AT_EMPTY_PATH, CLONE_STATX, &here) < 0 ||
	    statx(d->to, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, CLONE_STATX,
		  &there) < 0)
		return false;
	return here.stx_mnt_id != there.stx_mnt_id || streq(name, "lost+found");
}

static int remove_extra(const struct open_dir *d, const char *name,
			const struct name *known, struct err *err)
{
	struct stat st;
	bool is_dir;

	if (fstatat(d->to, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	is_dir = S_ISDIR(st.st_mode);
	/* A file in the place of a file is compared by itself. */
	if ((known && known->is_dir == is_dir) || is_foreign(d, name))
		return 0;
	if (S_ISREG(st.st_mode))
		unlock_file(d, name);
	return rmtree_at(d->to, name, NULL, name, err);
}

int update_dir(struct worker *w, struct open_dir *d, struct err *err)
{
	const struct listing *l = &d->list;
	_cleanup_free_ struct name *known = xcalloc(l->n + 1, sizeof(*known));
	_cleanup_listing_ struct listing there = { 0 };

	for (size_t i = 0; i < l->n; i++)
		known[i] = (struct name){ l->names.p + l->v[i].name,
					  l->v[i].type == DT_DIR };
	qsort(known, l->n, sizeof(*known), by_name);
	/* What the patterns leave out is not ours to remove. */
	if (listing_read(&there, d->to, d->path, &w->c->excludes, 0) < 0)
		return clone_failed(d->path, "cannot be listed", err);
	for (size_t i = 0; i < there.n; i++) {
		const struct name key = { .name = there.names.p + there.v[i].name };
		const struct name *k = bsearch(&key, known, l->n, sizeof(*known),
					       by_name);
		if (remove_extra(d, key.name, k, err) < 0)
			return -1;
	}
	return 0;
}
