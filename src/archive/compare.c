/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mksysb_compare: a tree against the manifest, in both directions. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "archive/image.h"
#include "base/dirstack.h"
#include "base/links.h"
#include "base/map.h"
#include "model/entry-check.h"
#include "model/pool.h"
#include "sys/dirs.h"
#include "sys/signal.h"

#define SHOWN	     10	    /* differences that are named */
#define PART_MEMBERS 200000 /* paths that are kept in memory to find them */

struct compare {
	struct pool pool;
	const struct mksysb *m;
	const struct root *tree;
	size_t next; /* segment */
	uint64_t done, differences;
	/* The multiset of paths as the sum of their hashes: whether a tree has just these is known without a list. */
	uint64_t paths;
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
	struct entry_check check;
	struct manifest_entry e;
	struct lines lines;
};

static int compare_segment(struct compare *c, struct checker *k, const struct segment *s,
			   struct err *err)
{
	if (lines_load(&k->lines, s, err) < 0)
		return -1;
	for (uint32_t i = 0; i < s->members; i++) {
		int rc = manifest_next(&k->lines.c, &k->e, err);
		if (rc != 0)
			return -1;
		const char *what = entry_check(&k->check, &k->e);
		if (what)
			differs(c, str_c(&k->e.path), what);
		pool_lock(&c->pool);
		c->done += k->e.size;
		c->paths += links_hash(str_c(&k->e.path));
		pool_unlock(&c->pool);
	}
	return 0;
}

static void work(struct pool *pool, void *arg)
{
	struct compare *c = arg;
	struct checker k = { .lines = LINES_INIT(c->m) };

	entry_check_init(&k.check, c->tree->fd);
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
	entry_check_done(&k.check);
	manifest_entry_done(&k.e);
	lines_done(&k.lines);
}

static void watch(struct pool *pool, void *arg)
{
	struct compare *c = arg;
	uint64_t done = c->done;

	pool_unlock(pool);
	progress_report(pool->progress, PROGRESS_BYTES, done, c->m->totals.bytes, NULL);
	pool_lock(pool);
}

static void closedir_p(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* What is done with each path of the tree. */
struct extras {
	struct compare *c;
	void (*each)(struct extras *x, const char *path);
	uint64_t sum; /* of the hashes */
	struct map *known;
	uint64_t part,
		parts; /* `known` holds the paths whose hash falls into this part */
};

/* The entries of the directory at dirs->path; subdirectories are visited later. */
static int visit(struct extras *x, struct dirstack *dirs, struct err *err)
{
	_cleanup_close_ int fd = dirs_open(x->c->tree->fd,
					   dirs->path.len > 0 ? dirs->path.p : ".",
					   O_RDONLY | O_DIRECTORY);
	_cleanup_(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	_cleanup_str_ struct str path = STR_INIT;

	if (!dir)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot read /%s",
				     x->c->tree->path, str_c(&dirs->path));
	fd = -1;
	dirstack_enter(dirs, 0);
	for (const struct dirent *d; (d = readdir(dir));) {
		struct stat st;

		if (streq(d->d_name, ".") || streq(d->d_name, "..") ||
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    S_ISSOCK(st.st_mode))
			continue;
		str_reset(&path);
		str_addf(&path, "%s%s%s", str_c(&dirs->path),
			 dirs->path.len > 0 ? "/" : "", d->d_name);
		x->each(x, path.p);
		if (S_ISDIR(st.st_mode))
			dirstack_add(dirs, d->d_name);
	}
	return 0;
}

static int walk_tree(struct extras *x, struct err *err)
{
	_cleanup_dirstack_ struct dirstack dirs = DIRSTACK_INIT;
	uint64_t unused;

	do {
		if (visit(x, &dirs, err) < 0 || cancel_check(err) < 0)
			return -1;
	} while (dirstack_next(&dirs, &unused));
	return 0;
}

static void add_hash(struct extras *x, const char *path)
{
	x->sum += links_hash(path);
}

static void name_unknown(struct extras *x, const char *path)
{
	if (links_hash(path) % x->parts == x->part && !map_has(x->known, path))
		differs(x->c, path, "not in the image");
}

/* Names what the manifest does not have, a part of all paths at a time. */
static int name_extras(struct extras *x, struct err *err)
{
	_cleanup_manifest_entry_ struct manifest_entry e = { 0 };
	_cleanup_lines_ struct lines l = LINES_INIT(x->c->m);
	_cleanup_map_ struct map *known = map_new(NULL);
	int rc;

	while ((rc = lines_next(&l, &e, err)) == 0)
		if (links_hash(str_c(&e.path)) % x->parts == x->part)
			map_set(known, str_c(&e.path), MAP_PRESENT);
	x->known = known;
	x->each = name_unknown;
	return rc < 0 ? -1 : walk_tree(x, err);
}

/* What the tree has beside the image's members. */
static int extras(struct compare *c, struct err *err)
{
	struct extras x = { .c = c,
			    .each = add_hash,
			    .sum = links_hash("."),
			    .parts = c->m->totals.members / PART_MEMBERS + 1 };

	if (walk_tree(&x, err) < 0)
		return -1;
	if (x.sum == c->paths)
		return 0;
	for (; x.part < x.parts; x.part++)
		if (name_extras(&x, err) < 0)
			return -1;
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
