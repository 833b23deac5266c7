/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is missing. */
#include "cache/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "sys/files.h"
#include "sys/mount.h"
#include "sys/signal.h"

#define BOOT_ID	     "/proc/sys/kernel/random/boot_id"
#define PINNED	     1
#define WANTED	     2
#define RESERVE	     ((uint64_t)64 << 20) /* of the file system, for everything else */
#define AN_INODE     ((uint64_t)4096)
#define SIZE_SUM_MAX ((uint64_t)1 << 60)

void pull_pin_name(const struct manifest_entry *e, char ret[OBJECT_NAME_LEN])
{
	object_name(e->sha256, e->type, ret);
}

bool pull_has_content(const struct manifest_entry *e)
{
	return (e->type == 'f' || e->type == 's') && e->size > 0;
}

/* What was not synced may be lost when the machine goes down: pins of another boot are made anew. */
static int drop_old_pins(const char *dir, struct err *err)
{
	_cleanup_free_ char *mark = xasprintf("%s/boot", dir);
	_cleanup_str_ struct str now = STR_INIT, then = STR_INIT;
	struct err ignored = { 0 };

	if (files_read(BOOT_ID, 64, &now, err) < 0)
		return -1;
	if (files_read(mark, 64, &then, &ignored) == 0 &&
	    streq(str_c(&now), str_c(&then)))
		return 0;
	if (files_rmtree(dir, NULL, err) < 0 || files_mkdirs(dir, 0700, err) < 0)
		return -1;
	return files_write_atomic(mark, str_c(&now), now.len, 0600, err);
}

static int make_dirs(struct pull *p, struct err *err)
{
	for (unsigned i = 0; i <= 256; i++) {
		char name[4] = "x"; /* extended attributes */

		if (i < 256)
			snprintf(name, sizeof(name), "%02x", i);
		if (mkdirat(p->fd, name, 0700) < 0 && errno != EEXIST)
			return err_set_errno(err, ERR_OPERATOR, "cannot make %s/%s",
					     p->dir, name);
	}
	return 0;
}

static int make_nonce(struct str *ret, struct err *err)
{
	uint8_t bytes[SHA256_LEN];
	char hex[SHA256_HEX_LEN];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_set_errno(err, ERR_INTERNAL, "no random bytes");
	sha256_hex(bytes, hex);
	str_add(ret, hex);
	return 0;
}

int pull_open(struct pull *p, const struct objects *store, const char *pins,
	      const char *manifest, struct err *err)
{
	p->store = store;
	p->dir = xstrdup(pins);
	digest_init(&p->digest);
	if (drop_old_pins(pins, err) < 0)
		return -1;
	p->fd = open(pins, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot open %s", pins);
	if (make_dirs(p, err) < 0 || make_nonce(&p->nonce, err) < 0)
		return -1;
	return manifest_map_open(&p->manifest, manifest, err);
}

void pull_done(struct pull *p)
{
	close_p(&p->file);
	close_p(&p->fd);
	manifest_map_done(&p->manifest);
	manifest_map_done(&p->wants);
	manifest_walk_done(&p->walk);
	want_done(&p->want);
	str_done(&p->nonce);
	digest_done(&p->digest);
	free(p->dir);
	*p = (struct pull)PULL_INIT;
}

/* What pull_want gathers on its way through the manifest. */
struct planner {
	struct pull *p;
	struct pull_plan *plan;
	struct links seen;	 /* objects, by the start of their digest */
	struct links attributes; /* digests of extended attributes */
	struct links paths; /* by the start of their digest: how a path can be used */
	struct str out;
	int fd; /* of the list */
	uint64_t at;
};
enum { PATH_OPEN = 1, PATH_CLOSED, PATH_FILE };

static void planner_done(struct planner *k)
{
	links_done(&k->seen);
	links_done(&k->attributes);
	links_done(&k->paths);
	str_done(&k->out);
	close_p(&k->fd);
}

static uint64_t *path_of(struct planner *k, const char *path, size_t n)
{
	uint8_t digest[SHA256_LEN];
	uint64_t key[2];

	sha256_buf(path, n, digest);
	memcpy(key, digest, sizeof(key));
	return links_find(&k->paths, key[0], key[1]);
}

/*
 * Each path lies in a directory that came before it; other names are of files that came before. *ret_closed: not
 * everybody reaches it.
 */
static int check_path(struct planner *k, const struct manifest_entry *e, bool *ret_closed,
		      struct err *err)
{
	const char *path = str_c(&e->path), *slash = strrchr(path, '/');
	bool is_top = streq(path, ".");
	uint64_t above = PATH_OPEN;

	if (slash)
		above = *path_of(k, path, (size_t)(slash - path));
	if (above != PATH_OPEN && above != PATH_CLOSED)
		return err_set(err, ERR_OPERATOR, "manifest: /%s: lies in no directory",
			       path);
	if (e->type == 'h' && *path_of(k, str_c(&e->target), e->target.len) != PATH_FILE)
		return err_set(err, ERR_OPERATOR,
			       "manifest: /%s: is another name of no file", path);
	*ret_closed = above == PATH_CLOSED;
	if (e->type == 'd' && !is_top)
		*path_of(k, path, e->path.len) = *ret_closed || !(e->mode & 01)
							 ? PATH_CLOSED
							 : PATH_OPEN;
	else if (strchr("fslcbp", e->type))
		*path_of(k, path, e->path.len) = PATH_FILE;
	return 0;
}

static int list(struct planner *k, char kind, const char *path, struct err *err)
{
	want_add(&k->out, kind, path);
	if (k->out.len < (1 << 18))
		return 0;
	if (files_pwrite_all(k->fd, k->out.p, k->out.len, k->at) < 0)
		return err_set_errno(err, ERR_OPERATOR,
				     "cannot write the list of wanted files");
	k->at += k->out.len;
	str_reset(&k->out);
	return 0;
}

static int add_size(uint64_t *sum, const struct manifest_entry *e, struct err *err)
{
	if (e->size <= SIZE_SUM_MAX - *sum) {
		*sum += e->size;
		return 0;
	}
	return err_set(err, ERR_OPERATOR,
		       "manifest: /%s: a size that no disk has: %llu bytes",
		       str_c(&e->path), (unsigned long long)e->size);
}

/* 0: the job has it now, by `kind` of the list or without a word. */
static int want_content(struct planner *k, const struct manifest_entry *e, bool secret,
			char *ret_kind, struct err *err)
{
	struct pull *p = k->p;
	char name[OBJECT_NAME_LEN];
	uint8_t digest[SHA256_LEN];
	uint64_t key[2];
	struct stat st;

	*ret_kind = 0;
	if (!sha256_parse(e->sha256, digest))
		return err_set(err, ERR_OPERATOR, "manifest: /%s: no SHA-256",
			       str_c(&e->path));
	memcpy(key, digest, sizeof(key));
	uint64_t *seen = links_find(&k->seen, key[0] ^ (e->type == 's'), key[1]);
	if (*seen != 0)
		return 0;
	*seen = PINNED;
	pull_pin_name(e, name);
	bool have = fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!have && !secret) {
		int rc = objects_take(p->store, name, p->fd, name, err);
		if (rc < 0)
			return -1;
		have = rc == 0;
	}
	if (have) {
		*ret_kind = WANT_PROOF;
		k->plan->proofs++;
		return 0;
	}
	*seen = WANTED;
	*ret_kind = secret ? WANT_SECRET : WANT_DATA;
	k->plan->wanted_files++;
	/* How much there is between holes shows when it comes. */
	return e->type == 's' ? 0 : add_size(&k->plan->wanted_bytes, e, err);
}

static bool want_attributes(struct planner *k, const struct manifest_entry *e)
{
	uint64_t key;
	char name[24];
	struct stat st;

	if (e->xattrs[0] == '\0' || e->type == 'h')
		return false;
	memcpy(&key, e->xattrs, sizeof(key));
	uint64_t rest;
	memcpy(&rest, e->xattrs + sizeof(key), sizeof(rest));
	uint64_t *seen = links_find(&k->attributes, key, rest);
	if (*seen != 0)
		return false;
	*seen = 1;
	snprintf(name, sizeof(name), "x/%s", e->xattrs);
	return fstatat(k->p->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0;
}

static int plan_entry(struct planner *k, const struct manifest_entry *e, struct err *err)
{
	bool closed = false;
	char kind = 0;

	if (check_path(k, e, &closed, err) < 0)
		return -1;
	bool attributes = want_attributes(k, e);
	if (pull_has_content(e)) {
		bool secret = closed || !(e->mode & 04);

		k->plan->files++;
		if (e->type == 'f' && add_size(&k->plan->bytes, e, err) < 0)
			return -1;
		if (want_content(k, e, secret, &kind, err) < 0)
			return -1;
	}
	if (attributes && (kind == 0 || kind == WANT_PROOF) &&
	    list(k, WANT_ATTRS, str_c(&e->path), err) < 0)
		return -1;
	return kind ? list(k, kind, str_c(&e->path), err) : 0;
}

static int plan_all(struct planner *k, struct err *err)
{
	_cleanup_manifest_walk_ struct manifest_walk w = { 0 };
	int rc;

	want_head(&k->out, str_c(&k->p->nonce));
	if (manifest_walk_begin(&w, &k->p->manifest, err) < 0)
		return -1;
	while ((rc = manifest_walk_next(&w, err)) == 0)
		if (plan_entry(k, &w.e, err) < 0 || cancel_check(err) < 0)
			return -1;
	if (rc < 0)
		return -1;
	if (files_pwrite_all(k->fd, k->out.p, k->out.len, k->at) < 0)
		return err_set_errno(err, ERR_OPERATOR,
				     "cannot write the list of wanted files");
	return 0;
}

int pull_want(struct pull *p, const char *wants, struct pull_plan *ret, struct err *err)
{
	_cleanup_(planner_done) struct planner k = { .p = p, .plan = ret, .fd = -1 };

	*ret = (struct pull_plan){ 0 };
	k.fd = open(wants, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (k.fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot write %s", wants);
	if (plan_all(&k, err) < 0)
		return -1;
	if (manifest_map_open(&p->wants, wants, err) < 0 ||
	    want_begin(&p->want, p->wants.text, p->wants.len, err) < 0)
		return -1;
	return manifest_walk_begin(&p->walk, &p->manifest, err);
}

int pull_check_room(struct pull *p, const struct pull_plan *plan, uint64_t limit,
		    struct err *err)
{
	uint64_t need = plan->wanted_bytes + plan->wanted_files * AN_INODE, free_bytes,
		 total;
	struct objects_usage u = { 0 };
	char a[32], b[32], c[32];

	if (mount_space(p->dir, &free_bytes, &total, err) < 0)
		return -1;
	if (need + RESERVE > free_bytes) {
		err_set(err, ERR_OPERATOR,
			"the cache %s has %s free; what the client has and the cache has "
			"not takes %s",
			p->store->dir, fmt_bytes(a, sizeof(a), free_bytes),
			fmt_bytes(b, sizeof(b), need + RESERVE));
		return err_remedy(err, "make room there, or name another cache with -j");
	}
	p->budget = free_bytes - RESERVE;
	if (limit == 0)
		return 0;
	if (objects_usage(p->store, &u, err) < 0)
		return -1;
	if (u.used_bytes + need <= limit) {
		p->budget = MIN(p->budget, limit - u.used_bytes);
		return 0;
	}
	err_set(err, ERR_OPERATOR,
		"the cache %s may have %s; %s of it is in use by jobs, and this one "
		"needs %s more",
		p->store->dir, fmt_bytes(a, sizeof(a), limit),
		fmt_bytes(b, sizeof(b), u.used_bytes), fmt_bytes(c, sizeof(c), need));
	return err_remedy(err,
			  "nim -o change -a size=SIZE CACHE, or wait for the others");
}
