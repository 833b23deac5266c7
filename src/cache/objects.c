/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shared store. */
#include "cache/objects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "model/digest.h"
#include "sys/files.h"
#include "sys/lock.h"
#include "sys/signal.h"

#define SHARDS	    256
#define LOCK_WAIT_S 600

int objects_open(struct objects *o, const char *cache, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/objects", cache);

	if (files_mkdirs(dir, 0700, err) < 0)
		return -1;
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot open the cache %s", dir);
	for (unsigned i = 0; i < SHARDS; i++) {
		char name[4];

		snprintf(name, sizeof(name), "%02x", i);
		if (mkdirat(fd, name, 0700) < 0 && errno != EEXIST)
			return err_set_errno(err, ERR_OPERATOR, "cannot make %s/%s", dir,
					     name);
	}
	*o = (struct objects){ TAKE_PTR(dir), TAKE_FD(fd) };
	return 0;
}

void objects_done(struct objects *o)
{
	close_p(&o->fd);
	free(o->dir);
	*o = (struct objects)OBJECTS_INIT;
}

void object_name(const char *sha256, char type, char ret[OBJECT_NAME_LEN])
{
	snprintf(ret, OBJECT_NAME_LEN, "%.2s/%.64s%c", sha256, sha256, type);
}

int objects_take(const struct objects *o, const char *name, int to, const char *to_name,
		 struct err *err)
{
	if (linkat(o->fd, name, to, to_name, 0) == 0 || errno == EEXIST)
		return 0;
	/* Of a file with as many names as the file system takes there is another copy to be had. */
	if (errno == ENOENT || errno == EMLINK)
		return 1;
	return err_set_errno(err, ERR_OPERATOR, "cannot use %s/%s", o->dir, name);
}

int objects_add(const struct objects *o, int from, const char *from_name,
		const char *name, struct err *err)
{
	if (linkat(from, from_name, o->fd, name, 0) == 0 || errno == EEXIST)
		return 0;
	if (errno == EMLINK)
		return 0;
	return err_set_errno(err, ERR_OPERATOR, "cannot keep %s/%s", o->dir, name);
}

/* What is done with each object. */
struct visit {
	const struct objects *o;
	int (*each)(struct visit *v, int shard, const char *name, const struct stat *st,
		    struct err *err);
	char shown[OBJECT_NAME_LEN + 256];
};

static int visit_shard(struct visit *v, const char *shard, struct err *err)
{
	int fd = openat(v->o->fd, shard, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct stat st;
	int rc = 0;

	if (!d) {
		close_p(&fd);
		return err_set_errno(err, ERR_OPERATOR, "cannot read %s/%s", v->o->dir,
				     shard);
	}
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(v->shown, sizeof(v->shown), "%s/%s", shard, e->d_name);
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			rc = v->each(v, fd, e->d_name, &st, err);
	}
	closedir(d);
	return rc < 0 ? -1 : cancel_check(err);
}

static int visit_all(struct visit *v, struct err *err)
{
	for (unsigned i = 0; i < SHARDS; i++) {
		char shard[4];

		snprintf(shard, sizeof(shard), "%02x", i);
		if (visit_shard(v, shard, err) < 0)
			return -1;
	}
	return 0;
}

static uint64_t bytes_of(const struct stat *st)
{
	return (uint64_t)st->st_blocks * 512;
}

struct usage_visit {
	struct visit v;
	struct objects_usage *ret;
};

static int add_usage(struct visit *v, int shard, const char *name, const struct stat *st,
		     struct err *err)
{
	struct objects_usage *u = ((struct usage_visit *)v)->ret;

	u->objects++;
	u->bytes += bytes_of(st);
	if (st->st_nlink > 1) {
		u->used_objects++;
		u->used_bytes += bytes_of(st);
	}
	return 0;
}

int objects_usage(const struct objects *o, struct objects_usage *ret, struct err *err)
{
	struct usage_visit v = { .v = { .o = o, .each = add_usage }, .ret = ret };

	*ret = (struct objects_usage){ 0 };
	return visit_all(&v.v, err);
}

/* An object that may go. */
struct candidate {
	struct timespec used;
	uint64_t bytes;
	char name[OBJECT_NAME_LEN];
};

struct collect_visit {
	struct visit v;
	struct candidate *candidates;
	size_t n, cap;
	uint64_t bytes;
};

static int add_candidate(struct visit *v, int shard, const char *name,
			 const struct stat *st, struct err *err)
{
	struct collect_visit *c = (struct collect_visit *)v;

	c->bytes += bytes_of(st);
	if (st->st_nlink > 1 || strlen(v->shown) >= OBJECT_NAME_LEN)
		return 0;
	if (c->n == c->cap) {
		c->cap = MAX(c->cap * 2, (size_t)1024);
		c->candidates = xrealloc(c->candidates, c->cap * sizeof(*c->candidates));
	}
	struct candidate *k = &c->candidates[c->n++];
	*k = (struct candidate){ .used = st->st_ctim, .bytes = bytes_of(st) };
	memcpy(k->name, v->shown, strlen(v->shown) + 1);
	return 0;
}

static int by_use(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
	return x->used.tv_nsec < y->used.tv_nsec   ? -1
	       : x->used.tv_nsec > y->used.tv_nsec ? 1
						   : strcmp(x->name, y->name);
}

int objects_collect(const struct objects *o, uint64_t limit, struct objects_usage *ret,
		    struct err *err)
{
	struct collect_visit c = { .v = { .o = o, .each = add_candidate } };
	_cleanup_free_ char *path = xasprintf("%s/.lock", o->dir);
	_cleanup_close_ int lock = lock_file(path, LOCK_WAIT_S, err);

	*ret = (struct objects_usage){ 0 };
	if (lock < 0)
		return -1;
	int rc = visit_all(&c.v, err);
	if (rc == 0 && c.bytes > limit)
		qsort(c.candidates, c.n, sizeof(*c.candidates), by_use);
	/* A job that takes one of these in this moment keeps its own name of it. */
	for (size_t i = 0; rc == 0 && c.bytes > limit && i < c.n; i++) {
		if (unlinkat(o->fd, c.candidates[i].name, 0) < 0)
			continue;
		c.bytes -= c.candidates[i].bytes;
		ret->bytes += c.candidates[i].bytes;
		ret->objects++;
	}
	free(c.candidates);
	return rc;
}

struct check_visit {
	struct visit v;
	const struct objects_check *check;
	struct digest digest;
	uint64_t bad, done, total;
};

/* NULL, or what is wrong. */
static const char *wrong_with(struct check_visit *c, int shard, const char *name,
			      const struct stat *st)
{
	char hex[SHA256_HEX_LEN];
	size_t len = strlen(name);
	char type = len > 0 ? name[len - 1] : 0;

	if (len != SHA256_HEX_LEN || !S_ISREG(st->st_mode) ||
	    (type != 'f' && type != 's'))
		return "is no object";
	_cleanup_close_ int fd = openat(shard, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 ||
	    digest_file(&c->digest, fd, type, (uint64_t)st->st_size, NULL, hex) < 0)
		return "cannot be read";
	return strncmp(hex, name, SHA256_HEX_LEN - 1) == 0
		       ? NULL
		       : "has another content than its name says";
}

static int check_one(struct visit *v, int shard, const char *name, const struct stat *st,
		     struct err *err)
{
	struct check_visit *c = (struct check_visit *)v;
	const char *what = wrong_with(c, shard, name, st);

	progress_report(c->check->progress, PROGRESS_BYTES, c->done += bytes_of(st),
			c->total, NULL);
	if (!what)
		return cancel_check(err);
	c->bad++;
	if (c->check->bad)
		c->check->bad(c->check->arg, v->shown, what);
	if (!S_ISDIR(st->st_mode) && unlinkat(shard, name, 0) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot remove %s/%s", v->o->dir,
				     v->shown);
	return 0;
}

int objects_check(const struct objects *o, const struct objects_check *check,
		  uint64_t *ret_bad, struct err *err)
{
	struct check_visit c = { .v = { .o = o, .each = check_one }, .check = check };
	struct objects_usage usage;

	if (objects_usage(o, &usage, err) < 0)
		return -1;
	c.total = usage.bytes;
	digest_init(&c.digest);
	int rc = visit_all(&c.v, err);
	digest_done(&c.digest);
	*ret_bad = c.bad;
	return rc;
}
