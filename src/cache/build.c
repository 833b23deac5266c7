/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree from a manifest and a job's objects. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "cache/pull.h"
#include "model/entry.h"
#include "sys/files.h"
#include "sys/signal.h"

#define CHUNK ((size_t)256 << 10)

struct builder {
	struct pull *p;
	struct dirs dirs, targets;
	bool link;
	/* objects that have a name in this tree: a second would make one file of two */
	struct links used;
	struct xattrs xattrs;
	char digest[17]; /* of them */
	struct build_result *ret;
};

static void builder_done(struct builder *b)
{
	dirs_done(&b->dirs);
	dirs_done(&b->targets);
	links_done(&b->used);
	xattrs_done(&b->xattrs);
}

int pull_xattrs(const struct pull *p, const char *digest, struct xattrs *ret,
		struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/x/%s", p->dir, digest);
	_cleanup_str_ struct str blob = STR_INIT;
	char got[17];

	xattrs_reset(ret);
	if (*digest == '\0')
		return 0;
	if (files_read(path, 0, &blob, err) < 0)
		return -1;
	for (size_t at = 0; at < blob.len;) {
		uint32_t len;
		const char *name = blob.p + at;
		size_t name_len = strnlen(name, blob.len - at) + 1;

		if (blob.len - at < name_len + sizeof(len))
			break;
		memcpy(&len, name + name_len, sizeof(len));
		at += name_len + sizeof(len);
		if (blob.len - at < len)
			break;
		xattrs_add(ret, name, blob.p + at, len);
		at += len;
	}
	xattrs_digest(ret, got);
	return streq(got, digest) ? 0 : err_set(err, ERR_INTERNAL, "%s is damaged", path);
}

static int load_xattrs(struct builder *b, const struct manifest_entry *e, struct err *err)
{
	if (streq(b->digest, e->xattrs))
		return 0;
	b->digest[0] = '\0';
	if (pull_xattrs(b->p, e->xattrs, &b->xattrs, err) < 0)
		return -1;
	memcpy(b->digest, e->xattrs, sizeof(b->digest));
	return 0;
}

/* Whether the object can be this file itself. */
static bool can_link(struct builder *b, int fd, const struct manifest_entry *e)
{
	const struct xattrs_of of = { .fd = fd };
	struct xattrs have = { 0 };
	struct stat st;

	if (!b->link || e->flags[0] || fstat(fd, &st) < 0 || !entry_matches(e, &st))
		return false;
	bool same = xattrs_read(&have, &of) == 0 && have.n == b->xattrs.n &&
		    have.blob.len == b->xattrs.blob.len &&
		    (have.n == 0 ||
		     memcmp(have.blob.p, b->xattrs.blob.p, have.blob.len) == 0);
	xattrs_done(&have);
	if (!same)
		return false;
	uint64_t *used = links_find(&b->used, st.st_dev, st.st_ino);
	bool first = *used == 0;
	*used = 1;
	return first;
}

static int copy_range(struct builder *b, int from, int to, off_t at, off_t end,
		      uint8_t *buf)
{
	if ((uint64_t)(end - at) > b->p->budget) {
		errno = ENOSPC;
		return -1;
	}
	b->p->budget -= (uint64_t)(end - at);
	b->ret->copied_bytes += (uint64_t)(end - at);
	while (at < end) {
		ssize_t n = pread(from, buf, (size_t)MIN((off_t)CHUNK, end - at), at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || files_pwrite_all(to, buf, (size_t)n, (uint64_t)at) < 0)
			return -1;
		at += n;
	}
	return 0;
}

static int copy_content(struct builder *b, int from, int to, off_t size)
{
	_cleanup_free_ uint8_t *buf = NULL;
	off_t at = 0;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	buf = xmalloc(CHUNK);
	while (at < size) {
		off_t start = lseek(from, at, SEEK_DATA);
		if (start < 0 || start >= size)
			break;
		off_t end = lseek(from, start, SEEK_HOLE);
		end = end < 0 || end > size ? size : end;
		if (copy_range(b, from, to, start, end, buf) < 0)
			return -1;
		at = end;
	}
	return ftruncate(to, size);
}

static int make_file(struct builder *b, int dir, const char *name,
		     const struct manifest_entry *e, struct err *err)
{
	const char *path = str_c(&e->path);
	char pin[OBJECT_NAME_LEN];

	pull_pin_name(e, pin);
	_cleanup_close_ int from = e->size > 0 ? openat(b->p->fd, pin,
							O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
					       : -1;
	if (e->size > 0 && from < 0)
		return err_set_errno(err, ERR_OPERATOR, "the content of /%s is missing",
				     path);
	if (from >= 0 && can_link(b, from, e) &&
	    linkat(b->p->fd, pin, dir, name, 0) == 0) {
		b->ret->linked++;
		return 0;
	}
	_cleanup_close_ int to = openat(
		dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return entry_failed(path, "cannot be made", err);
	if (from >= 0 && copy_content(b, from, to, (off_t)e->size) < 0)
		return entry_failed(path, "cannot be copied", err);
	b->ret->copied++;
	return entry_set(to, e, &b->xattrs, err);
}

static int make_link(struct builder *b, int dir, const char *name,
		     const struct manifest_entry *e, struct err *err)
{
	const char *target;
	int at = dirs_parent(&b->targets, str_c(&e->target), &target);

	if (at < 0 || linkat(at, target, dir, name, 0) < 0)
		return entry_failed(str_c(&e->path), "cannot be linked", err);
	return 0;
}

static int make_entry(struct builder *b, const struct manifest_entry *e, struct err *err)
{
	const char *path = str_c(&e->path), *name;

	if (streq(path, "."))
		return 0;
	int dir = dirs_parent(&b->dirs, path, &name);
	if (dir < 0)
		return entry_failed(path, "its directory cannot be reached", err);
	switch (e->type) {
	case 'd':
		return mkdirat(dir, name, 0700) < 0
			       ? entry_failed(path, "cannot be made", err)
			       : 0;
	case 'h':
		return make_link(b, dir, name, e, err);
	case 'f':
	case 's':
		return load_xattrs(b, e, err) < 0 ? -1 : make_file(b, dir, name, e, err);
	default:
		return load_xattrs(b, e, err) < 0
			       ? -1
			       : entry_make(dir, name, e, &b->xattrs, err);
	}
}

static int finish(struct builder *b, const struct manifest_entry *e, struct err *err)
{
	if (e->type != 'd')
		return entry_finish(&b->dirs, e, NULL, err);
	if (load_xattrs(b, e, err) < 0)
		return -1;
	return entry_finish(&b->dirs, e, &b->xattrs, err);
}

int build_tree(struct pull *p, const struct root *tree, bool link,
	       const struct progress *progress, struct build_result *ret, struct err *err)
{
	_cleanup_(builder_done) struct builder b = {
		.p = p,
		.dirs = DIRS_INIT(tree->fd, false),
		.targets = DIRS_INIT(tree->fd, false),
		.link = link,
		.ret = ret,
	};

	*ret = (struct build_result){ 0 };
	for (int pass = 0; pass < 2; pass++) {
		_cleanup_manifest_walk_ struct manifest_walk w = { 0 };
		int rc;

		if (manifest_walk_begin(&w, &p->manifest, err) < 0)
			return -1;
		while ((rc = manifest_walk_next(&w, err)) == 0) {
			rc = pass == 0 ? make_entry(&b, &w.e, err)
				       : finish(&b, &w.e, err);
			if (rc < 0 || cancel_check(err) < 0)
				return -1;
			if (pass == 0)
				progress_report(progress, PROGRESS_FILES, w.members,
						w.head.members, NULL);
		}
		if (rc < 0)
			return -1;
	}
	return 0;
}
