/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clone_verify: a tree against its manifest, in both directions. */
#include <dirent.h>
#include <fcntl.h>

#include "base/dirstack.h"
#include "base/links.h"
#include "clone/clone-internal.h"
#include "model/entry-check.h"
#include "sys/signal.h"

#define SHOWN	   10 /* differences that are named */
#define TEXT_CHUNK ((size_t)128 << 10)

struct verify {
	struct pool pool;
	const struct root *tree;
	const struct strv *mounts;
	const char *manifest;
	int fd;
	/* Under the pool's lock: */
	uint64_t at, lines; /* in the manifest: what is handed out */
	uint64_t done, members, differences;
	uint64_t paths; /* sum of their hashes */
	struct manifest_head head;
	struct str shown;
};

static void differs(struct verify *v, const char *path, const char *what)
{
	pool_lock(&v->pool);
	if (v->differences++ < SHOWN) {
		str_add(&v->shown, v->shown.len > 0 ? "; " : "");
		manifest_escape(path, &v->shown);
		str_addf(&v->shown, ": %s", what);
	}
	pool_unlock(&v->pool);
}

/* One thread's means. */
struct checker {
	struct verify *v;
	struct entry_check check;
	struct manifest_entry e;
	struct str text;
};

/* Each file system brings its own; a source of another kind has none. */
static bool is_lost_and_found(const struct verify *v, const char *path)
{
	if (!ends_with(path, "lost+found"))
		return false;
	size_t n = strlen(path) - strlen("lost+found");
	if (n == 0)
		return true;
	_cleanup_free_ char *above = xasprintf("/%.*s", (int)(n - 1), path);
	return v->mounts && strv_has(v->mounts, above);
}

/* Whole lines into k->text. 1: there are no more. With the lock held. */
static int take_lines(struct checker *k, struct err *err)
{
	struct verify *v = k->v;
	size_t want = TEXT_CHUNK;

	for (;;) {
		_cleanup_free_ char *p = xmalloc(want);
		ssize_t n = pread(v->fd, p, want, (off_t)v->at);
		if (n < 0)
			return err_set_errno(err, ERR_OPERATOR, "%s: cannot be read",
					     v->manifest);
		if (n == 0)
			return 1;
		const char *end = memrchr(p, '\n', (size_t)n);
		if (!end && (size_t)n == want) {
			want *= 2;
			continue;
		}
		if (!end)
			return err_set(err, ERR_OPERATOR, "%s: is cut off", v->manifest);
		str_reset(&k->text);
		str_addn(&k->text, p, (size_t)(end + 1 - p));
		v->at += k->text.len;
		return 0;
	}
}

static int check_lines(struct checker *k, struct err *err)
{
	struct manifest_cursor c = { .p = k->text.p, .end = k->text.p + k->text.len };
	struct verify *v = k->v;
	int rc;

	while ((rc = manifest_next(&c, &k->e, err)) == 0) {
		const char *path = str_c(&k->e.path);
		const char *what = entry_check(&k->check, &k->e);
		if (what)
			differs(v, path, what);
		bool counts = !is_lost_and_found(v, path);
		bool has_data = k->e.type == 'f' || k->e.type == 's';
		pool_lock(&v->pool);
		v->members++;
		v->done += has_data ? k->e.size : 0;
		v->paths += counts ? links_hash(path) : 0;
		bool stop = v->pool.failed;
		pool_unlock(&v->pool);
		if (stop)
			return 0;
	}
	return rc < 0 ? err_prefix(err, "%s", v->manifest) : 0;
}

static void check(struct pool *pool, void *arg)
{
	struct verify *v = arg;
	struct checker k = { .v = v };
	struct err err = { 0 };
	int rc = 0;

	entry_check_init(&k.check, v->tree->fd);
	k.check.from_disk = true;
	pool_lock(pool);
	while (!pool->failed && (rc = take_lines(&k, &err)) == 0) {
		pool_unlock(pool);
		rc = check_lines(&k, &err);
		pool_lock(pool);
		if (rc < 0)
			break;
	}
	if (rc < 0)
		pool_fail(pool, &err);
	pool_unlock(pool);
	entry_check_done(&k.check);
	manifest_entry_done(&k.e);
	str_done(&k.text);
}

static void watch(struct pool *pool, void *arg)
{
	struct verify *v = arg;
	uint64_t done = v->done;

	pool_unlock(pool);
	progress_report(pool->progress, PROGRESS_BYTES, done, v->head.bytes, NULL);
	pool_lock(pool);
}

/* What is done with each path of the tree. */
struct extras {
	struct verify *v;
	void (*each)(struct extras *x, const char *path);
	uint64_t sum;	 /* of the hashes */
	uint64_t *known; /* sorted */
	size_t n;
};

static int visit(struct extras *x, struct dirstack *dirs, uint64_t above, struct err *err)
{
	static const struct excludes none = { 0 };
	const struct clone_job job = { .from = x->v->tree, .mounts = x->v->mounts };
	struct clone c = { .job = &job };
	_cleanup_listing_ struct listing l = { 0 };
	_cleanup_str_ struct str path = STR_INIT;
	struct statx sx;
	bool wanted;
	_cleanup_close_ int fd = source_open_dir(&c, str_c(&dirs->path), above, &sx,
						 &wanted);

	if (fd < 0 || (wanted && listing_read(&l, fd, "", &none, 0) < 0))
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot read /%s",
				     x->v->tree->path, str_c(&dirs->path));
	dirstack_enter(dirs, sx.stx_mnt_id);
	for (size_t i = 0; i < l.n; i++) {
		const char *name = l.names.p + l.v[i].name;

		str_reset(&path);
		str_addf(&path, "%s%s%s", str_c(&dirs->path),
			 dirs->path.len > 0 ? "/" : "", name);
		if (l.v[i].type == DT_DIR)
			dirstack_add(dirs, name);
		if (l.v[i].type != DT_SOCK && !is_lost_and_found(x->v, path.p))
			x->each(x, path.p);
	}
	return 0;
}

static int walk_tree(struct extras *x, struct err *err)
{
	_cleanup_dirstack_ struct dirstack dirs = DIRSTACK_INIT;
	uint64_t above = 0;

	do {
		if (visit(x, &dirs, above, err) < 0 || cancel_check(err) < 0)
			return -1;
	} while (dirstack_next(&dirs, &above));
	return 0;
}

static void add_hash(struct extras *x, const char *path)
{
	x->sum += links_hash(path);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void name_unknown(struct extras *x, const char *path)
{
	uint64_t h = links_hash(path);

	if (!bsearch(&h, x->known, x->n, sizeof(h), by_value))
		differs(x->v, path, "not in the manifest");
}

static int read_head(struct verify *v, struct err *err)
{
	struct manifest_cursor c;
	char head[256];
	ssize_t n = pread(v->fd, head, sizeof(head), 0);

	if (n < 0)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot be read",
				     v->manifest);
	if (manifest_begin(&c, head, (size_t)n, &v->head, err) < 0)
		return err_prefix(err, "%s", v->manifest);
	v->at = (uint64_t)(c.p - head);
	return 0;
}

/* The hashes of the manifest's paths. */
static int read_known(struct extras *x, struct err *err)
{
	struct checker k = { .v = x->v };
	int rc = read_head(x->v, err);

	x->known = xcalloc((size_t)x->v->members + 1, sizeof(uint64_t));
	while (rc == 0 && (rc = take_lines(&k, err)) == 0) {
		struct manifest_cursor c = { .p = k.text.p,
					     .end = k.text.p + k.text.len };
		while (x->n < x->v->members && (rc = manifest_next(&c, &k.e, err)) == 0)
			x->known[x->n++] = links_hash(str_c(&k.e.path));
		rc = MIN(rc, 0);
	}
	qsort(x->known, x->n, sizeof(uint64_t), by_value);
	str_done(&k.text);
	manifest_entry_done(&k.e);
	return MIN(rc, 0);
}

/* What the tree has beside the manifest's members. */
static int find_extras(struct verify *v, struct err *err)
{
	struct extras x = { .v = v, .each = add_hash, .sum = links_hash(".") };
	int rc = walk_tree(&x, err);

	if (rc == 0 && x.sum != v->paths) {
		x.each = name_unknown;
		rc = read_known(&x, err);
		if (rc == 0)
			rc = walk_tree(&x, err);
		free(x.known);
	}
	return rc;
}

static int conclude(const struct verify *v, struct err *err)
{
	if (v->members != v->head.members)
		return err_set(err, ERR_OPERATOR, "%s: has %llu lines instead of %llu",
			       v->manifest, (unsigned long long)v->members,
			       (unsigned long long)v->head.members);
	if (v->differences == 0)
		return 0;
	err_set(err, ERR_OPERATOR, "%s differs from %s in %llu places: %s%s",
		v->tree->path, v->manifest, (unsigned long long)v->differences,
		str_c(&v->shown), v->differences > SHOWN ? "; ..." : "");
	return err_remedy(err,
			  "do not use this copy: make another one, and check the disk");
}

int clone_verify(const struct root *tree, const struct strv *mounts, const char *manifest,
		 unsigned threads, const struct progress *p, struct err *err)
{
	struct verify v = { .tree = tree, .mounts = mounts, .manifest = manifest };
	unsigned n = threads ? MIN(threads, 16u) : MIN(pool_threads(0, 16) * 4, 16u);
	_cleanup_close_ int fd = open(manifest, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot be opened", manifest);
	v.fd = fd;
	if (read_head(&v, err) < 0)
		return -1;
	pool_init(&v.pool, p);
	int rc = pool_run(&v.pool, n, check, watch, &v, err);
	if (rc == 0)
		rc = find_extras(&v, err);
	if (rc == 0)
		rc = conclude(&v, err);
	if (rc == 0)
		progress_report(p, PROGRESS_BYTES, v.head.bytes, v.head.bytes, NULL);
	str_done(&v.shown);
	pool_done(&v.pool);
	return rc;
}
