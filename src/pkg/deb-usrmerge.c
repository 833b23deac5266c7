/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debian packages: merging /bin, /sbin and /lib* into /usr in a tree that nobody runs.
 *
 * Debian's own usrmerge works on a running system and refuses an overlay. Here the tree lies still: names are moved
 * one by one, what is there twice is compared, and only then the directory becomes a link. Every step can be
 * repeated, so a crash at any point leaves a tree that the next call completes. Nothing is ever overwritten
 * that differs: such a pair of files is an error that names both.
 */
#include <errno.h>
#include <fcntl.h>

#include "pkg/deb.h"
#include "sys/sha256.h"

static const char *const merged_dirs[] = { "bin",   "sbin",   "lib",   "lib32",
					   "lib64", "libo32", "libx32" };

struct merge {
	const struct root *root;
	struct err *err;
	size_t moved;
};

static bool lookup(const struct merge *m, const char *path, struct stat *st)
{
	return root_lstat(m->root, path, st) == 0;
}

static bool same_content(const struct merge *m, const char *a, const char *b)
{
	uint8_t da[SHA256_LEN], db[SHA256_LEN];
	_cleanup_close_ int fa = root_openat(m->root, a, O_RDONLY | O_NOFOLLOW, 0);
	_cleanup_close_ int fb = root_openat(m->root, b, O_RDONLY | O_NOFOLLOW, 0);

	return fa >= 0 && fb >= 0 && sha256_fd(fa, da, NULL) == 0 &&
	       sha256_fd(fb, db, NULL) == 0 && memcmp(da, db, SHA256_LEN) == 0;
}

/* Whether the link at `path` (or what it leads to) is the other of the two names. */
static bool leads_to(const struct merge *m, const char *path, const char *other)
{
	struct stat a, b;

	return root_stat(m->root, path, &a) == 0 && root_lstat(m->root, other, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* A relative link that climbs up to / has one step more to climb from below /usr. */
static int move_link(struct merge *m, const char *from, const char *to)
{
	_cleanup_free_ char *target = root_readlink(m->root, from);
	size_t depth = 0, ups = 0;

	if (!target)
		return err_set_errno(m->err, ERR_OPERATOR, "read link /%s", from);
	for (const char *p = from; *p; p++)
		depth += *p == '/';
	for (const char *p = target; starts_with(p, "../"); p += 3)
		ups++;
	if (ups < depth || ups == 0)
		return root_rename(m->root, from, to, m->err);
	_cleanup_free_ char *longer = xasprintf("../%s", target);
	if (root_symlink(m->root, longer, to, m->err) < 0)
		return -1;
	return root_unlink(m->root, from, m->err);
}

static int merge_entry(struct merge *m, const char *from, const char *to);

static int merge_dir(struct merge *m, const char *from, const char *to)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (root_list(m->root, from, &names, m->err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *src = xasprintf("%s/%s", from, names.v[i]);
		_cleanup_free_ char *dst = xasprintf("%s/%s", to, names.v[i]);
		if (merge_entry(m, src, dst) < 0)
			return -1;
	}
	return root_rmtree(m->root, from, m->err);
}

/* Both names exist. One of them goes, if nothing is lost by it. */
static int merge_pair(struct merge *m, const char *from, const char *to,
		      const struct stat *src, const struct stat *dst)
{
	if (S_ISDIR(src->st_mode) && S_ISDIR(dst->st_mode))
		return merge_dir(m, from, to);
	if (S_ISLNK(src->st_mode) && S_ISLNK(dst->st_mode)) {
		_cleanup_free_ char *a = root_readlink(m->root, from);
		_cleanup_free_ char *b = root_readlink(m->root, to);
		if (streq0(a, b))
			return root_unlink(m->root, from, m->err);
	}
	if (S_ISLNK(src->st_mode) && leads_to(m, from, to))
		return root_unlink(m->root, from, m->err);
	if (S_ISLNK(dst->st_mode) && leads_to(m, to, from)) {
		if (root_unlink(m->root, to, m->err) < 0)
			return -1;
		return merge_entry(m, from, to);
	}
	if (S_ISREG(src->st_mode) && S_ISREG(dst->st_mode) && same_content(m, from, to))
		return root_unlink(m->root, from, m->err);
	err_set(m->err, ERR_OPERATOR, "/%s and /%s both exist and differ", from, to);
	return err_remedy(
		m->err, "remove one of the two in the client, then make the image again");
}

static int merge_entry(struct merge *m, const char *from, const char *to)
{
	struct stat src, dst;

	if (!lookup(m, from, &src))
		return err_set_errno(m->err, ERR_OPERATOR, "stat /%s", from);
	if (lookup(m, to, &dst))
		return merge_pair(m, from, to, &src, &dst);
	m->moved++;
	return S_ISLNK(src.st_mode) ? move_link(m, from, to)
				    : root_rename(m->root, from, to, m->err);
}

static int merge_top(struct merge *m, const char *name)
{
	_cleanup_free_ char *usr = xasprintf("usr/%s", name);
	struct stat src, dst;
	bool below = lookup(m, usr, &dst);

	if (!lookup(m, name, &src)) {
		/* A crash between the removal and the link, or an architecture without this directory. */
		return below ? root_symlink(m->root, usr, name, m->err) : 0;
	}
	if (S_ISLNK(src.st_mode))
		return 0;
	if (!S_ISDIR(src.st_mode))
		return err_set(m->err, ERR_OPERATOR,
			       "/%s is neither a directory nor a link", name);
	if (!below && root_mkdirs(m->root, usr, 0755, m->err) < 0)
		return -1;
	if (merge_dir(m, name, usr) < 0)
		return -1;
	return root_symlink(m->root, usr, name, m->err);
}

int deb_merge_usr(const struct pkg_ctx *c, struct err *err)
{
	struct merge m = { .root = c->root, .err = err };

	ERR_CONTEXT(err, "merging /bin, /sbin and /lib into /usr");
	for (size_t i = 0; i < ARRAY_SIZE(merged_dirs); i++)
		if (merge_top(&m, merged_dirs[i]) < 0)
			return -1;
	if (m.moved > 0)
		events_step(c->events, "Merged %zu names into /usr", m.moved);
	return 0;
}
