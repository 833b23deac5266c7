/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mksysb_compare: a tree against the manifest, in both directions. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "archive/dirs.h"
#include "archive/image.h"
#include "archive/pool.h"
#include "base/map.h"
#include "sys/signal.h"

#define SHOWN 10 /* differences that are named */

struct compare {
	struct pool pool;
	const struct mksysb *m;
	const struct root *tree;
	size_t next; /* segment */
	uint64_t done, differences;
	struct str shown;
};

static void differs(struct compare *c, const char *path, const char *what)
{
	pool_lock(&c->pool);
	if (c->differences++ < SHOWN) {
		str_add(&c->shown, c->shown.len > 0 ? "; " : "");
		manifest_escape(path, &c->shown);
		str_addf(&c->shown, ": %s", what);
	}
	pool_unlock(&c->pool);
}

/* One thread's means. */
struct checker {
	struct dirs dirs;
	struct digest digest;
	struct xattrs xattrs;
	struct manifest_entry e;
	struct buf data;
};

static bool is_type(char type, mode_t mode)
{
	static const struct {
		char type;
		mode_t mode;
	} types[] = { { 'f', S_IFREG }, { 's', S_IFREG }, { 'd', S_IFDIR },
		      { 'l', S_IFLNK }, { 'c', S_IFCHR }, { 'b', S_IFBLK },
		      { 'p', S_IFIFO } };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return types[i].mode == (mode & S_IFMT);
	return type == 'h' && !S_ISDIR(mode);
}

static const char *compare_metadata(const struct manifest_entry *e, const struct stat *st)
{
	if (!is_type(e->type, st->st_mode))
		return "another type";
	if (e->type != 'l' && (st->st_mode & 07777) != e->mode)
		return "another mode";
	if (st->st_uid != e->uid || st->st_gid != e->gid)
		return "another owner";
	if (st->st_mtim.tv_sec != e->sec || st->st_mtim.tv_nsec != (long)e->nsec)
		return "another time";
	if ((e->type == 'f' || e->type == 's') && (uint64_t)st->st_size != e->size)
		return "another size";
	if ((e->type == 'c' || e->type == 'b') &&
	    (major(st->st_rdev) != e->major || minor(st->st_rdev) != e->minor))
		return "another device number";
	return NULL;
}

/* Holes are skipped: they are zeros. */
static const char *compare_content(struct checker *k, int fd)
{
	off_t size = (off_t)k->e.size, at = 0;
	char sha256[SHA256_HEX_LEN];
	uint8_t *p = buf_room(&k->data, (size_t)1 << 20);

	digest_begin(&k->digest, k->e.type, k->e.size);
	while (at < size) {
		off_t start = k->e.type == 's' ? lseek(fd, at, SEEK_DATA) : at;
		if (start < 0)
			break;
		ssize_t n = pread(fd, p, (size_t)MIN((off_t)1 << 20, size - start),
				  start);
		if (n <= 0)
			return "it cannot be read";
		digest_feed(&k->digest, (uint64_t)start, p, (size_t)n);
		at = start + n;
	}
	digest_end(&k->digest, sha256);
	return streq(sha256, k->e.sha256) ? NULL : "another content";
}

static const char *compare_link(const struct manifest_entry *e, int dir, const char *name)
{
	char buf[4097];
	ssize_t n = readlinkat(dir, name, buf, sizeof(buf));

	return n < 0 || (size_t)n != e->target.len ||
			       memcmp(buf, e->target.p, (size_t)n) != 0
		       ? "another link target"
		       : NULL;
}

static const char *compare_hard(struct compare *c, const struct manifest_entry *e,
				const struct stat *st)
{
	struct dirs dirs = DIRS_INIT(c->tree->fd, false);
	const char *name;
	struct stat other;
	int dir = dirs_parent(&dirs, str_c(&e->target), &name);
	bool same = dir >= 0 && fstatat(dir, name, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
		    other.st_ino == st->st_ino && other.st_dev == st->st_dev;

	dirs_done(&dirs);
	return same ? NULL : "not the same file as its other name";
}

static const char *compare_one(struct compare *c, struct checker *k)
{
	const char *name;
	int dir = dirs_parent(&k->dirs, str_c(&k->e.path), &name);
	struct stat st;

	if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return "missing";
	const char *what = compare_metadata(&k->e, &st);
	if (what)
		return what;
	if (k->e.type == 'h')
		return compare_hard(c, &k->e, &st);
	if (k->e.type == 'l')
		what = compare_link(&k->e, dir, name);
	bool opens = S_ISREG(st.st_mode) || S_ISDIR(st.st_mode);
	_cleanup_close_ int fd =
		opens ? openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
		      : -1;
	if (opens && fd < 0)
		return "it cannot be opened";
	struct xattrs_of of = { .fd = fd, .dir_fd = dir, .name = name };
	char digest[17], flags[16] = "";
	if (!what && xattrs_read(&k->xattrs, &of) < 0)
		return "its extended attributes cannot be read";
	xattrs_digest(&k->xattrs, digest);
	if (!what && !streq(digest, k->e.xattrs))
		return "other extended attributes";
	if (opens)
		flags_read(fd, flags);
	if (!what && !streq(flags, k->e.flags))
		return "other inode flags";
	return !what && S_ISREG(st.st_mode) ? compare_content(k, fd) : what;
}

static int compare_segment(struct compare *c, struct checker *k, const struct segment *s,
			   struct err *err)
{
	struct manifest_cursor at = { .p = c->m->manifest + s->text,
				      .end = c->m->manifest + c->m->manifest_len,
				      .line = s->line };

	for (uint32_t i = 0; i < s->members; i++) {
		int rc = manifest_next(&at, &k->e, err);
		if (rc != 0)
			return -1;
		const char *what = compare_one(c, k);
		if (what)
			differs(c, str_c(&k->e.path), what);
		pool_lock(&c->pool);
		c->done += k->e.size;
		pool_unlock(&c->pool);
	}
	return 0;
}

static void work(struct pool *pool, void *arg)
{
	struct compare *c = arg;
	struct checker k = { .dirs = DIRS_INIT(c->tree->fd, false) };

	digest_init(&k.digest);
	pool_lock(pool);
	while (!pool->failed && c->next < c->m->n_segments) {
		const struct segment *s = &c->m->segments[c->next++];
		struct err err = { 0 };

		pool_unlock(pool);
		int rc = compare_segment(c, &k, s, &err);
		pool_lock(pool);
		if (rc < 0)
			pool_fail(pool, &err);
	}
	pool_unlock(pool);
	dirs_done(&k.dirs);
	digest_done(&k.digest);
	xattrs_done(&k.xattrs);
	manifest_entry_done(&k.e);
	buf_done(&k.data);
}

static void watch(struct pool *pool, void *arg)
{
	struct compare *c = arg;
	uint64_t done = c->done;

	pool_unlock(pool);
	progress_report(pool->progress, PROGRESS_BYTES, done, c->m->totals.bytes, NULL);
	pool_lock(pool);
}

static int remember_all(const struct mksysb *m, struct map *paths, struct err *err)
{
	_cleanup_manifest_entry_ struct manifest_entry e = { 0 };
	struct manifest_cursor c = { .p = m->manifest + m->lines_at,
				     .end = m->manifest + m->manifest_len,
				     .line = 1 };
	int rc;

	while ((rc = manifest_next(&c, &e, err)) == 0)
		map_set(paths, str_c(&e.path), MAP_PRESENT);
	return rc < 0 ? -1 : 0;
}

static void closedir_p(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* Entries of one directory that the manifest does not have; subdirectories go to `pending`. */
static int find_extra(struct compare *c, const struct map *paths, const char *at,
		      struct strv *pending, struct err *err)
{
	_cleanup_close_ int fd = dirs_open(c->tree->fd, *at ? at : ".",
					   O_RDONLY | O_DIRECTORY);
	_cleanup_(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot read /%s",
				     c->tree->path, at);
	fd = -1;
	for (const struct dirent *d; (d = readdir(dir));) {
		struct stat st;

		if (streq(d->d_name, ".") || streq(d->d_name, "..") ||
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    S_ISSOCK(st.st_mode))
			continue;
		_cleanup_free_ char *path = xasprintf("%s%s%s", at, *at ? "/" : "",
						      d->d_name);
		if (!map_has(paths, path))
			differs(c, path, "not in the image");
		else if (S_ISDIR(st.st_mode))
			strv_add(pending, path);
	}
	return 0;
}

static int extras(struct compare *c, struct err *err)
{
	_cleanup_map_ struct map *paths = map_new(NULL);
	_cleanup_strv_ struct strv pending = STRV_INIT;

	if (remember_all(c->m, paths, err) < 0)
		return -1;
	strv_add(&pending, "");
	while (pending.n > 0) {
		_cleanup_free_ char *at = pending.v[--pending.n];

		pending.v[pending.n] = NULL;
		if (find_extra(c, paths, at, &pending, err) < 0 || cancel_check(err) < 0)
			return -1;
	}
	return 0;
}

int mksysb_compare(struct mksysb *m, const struct root *tree, unsigned threads,
		   const struct progress *p, struct err *err)
{
	struct compare c = { .m = m, .tree = tree };

	pool_init(&c.pool, p);
	int rc = pool_run(&c.pool, pool_threads(threads, 8), work, watch, &c, err);
	if (rc == 0)
		rc = extras(&c, err);
	if (rc == 0 && c.differences > 0) {
		rc = err_set(err, ERR_OPERATOR,
			     "%s differs from image %s in %llu places: %s%s", tree->path,
			     m->path, (unsigned long long)c.differences, str_c(&c.shown),
			     c.differences > SHOWN ? "; ..." : "");
	}
	str_done(&c.shown);
	pool_done(&c.pool);
	return rc;
}
