/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What arrives: checked, then named. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "cache/pull.h"
#include "model/entry.h"
#include "sys/files.h"
#include "sys/signal.h"

#define XATTRS_MAX ((size_t)1 << 20)

/* The manifest's entry of the wanted path; the list has the manifest's order. */
static int find_entry(struct pull *p, struct err *err)
{
	while (!streq(str_c(&p->walk.e.path), str_c(&p->want.path))) {
		int rc = manifest_walk_next(&p->walk, err);
		if (rc < 0)
			return -1;
		if (rc > 0)
			return err_set(err, ERR_INTERNAL, "/%s is not in the manifest",
				       str_c(&p->want.path));
	}
	return 0;
}

int pull_next(struct pull *p, const struct manifest_entry **ret, bool *ret_data,
	      struct err *err)
{
	int rc;

	do
		rc = want_next(&p->want, err);
	while (rc == 0 && p->want.kind == WANT_PROOF);
	if (rc != 0)
		return rc;
	*ret = &p->walk.e;
	*ret_data = p->want.kind != WANT_ATTRS;
	return find_entry(p, err);
}

/* "x/DIGEST": the attributes as sys/xattrs.h keeps them. */
static int store_xattrs(struct pull *p, const struct xattrs *x, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/x/%s", p->dir, p->walk.e.xattrs);

	if (x->n == 0 || files_exists(path))
		return 0;
	return files_write_atomic(path, x->blob.p, x->blob.len, 0600, err);
}

int pull_begin(struct pull *p, const struct xattrs *x, struct err *err)
{
	const struct manifest_entry *e = &p->walk.e;
	char digest[17];

	xattrs_digest(x, digest);
	if (!streq(digest, e->xattrs) || x->blob.len > XATTRS_MAX)
		return err_set(err, ERR_OPERATOR,
			       "/%s: its extended attributes are not the manifest's",
			       str_c(&e->path));
	p->xattrs = x;
	if (store_xattrs(p, x, err) < 0)
		return -1;
	if (p->want.kind == WANT_ATTRS)
		return 0;
	close_p(&p->file);
	/* In the directory of its name, which it gets when it is complete. */
	p->file = openat(p->fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (p->file < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot write in %s", p->dir);
	digest_begin(&p->digest, e->type, e->size);
	return 0;
}

int pull_data(void *arg, uint64_t off, const void *bytes, size_t n, struct err *err)
{
	struct pull *p = arg;
	const struct manifest_entry *e = &p->walk.e;

	if (off > e->size || n > e->size - off)
		return err_set(err, ERR_OPERATOR, "/%s is longer than its manifest says",
			       str_c(&e->path));
	if (n > p->budget)
		return err_set(err, ERR_OPERATOR,
			       "/%s: the client sends more than the cache has room for",
			       str_c(&e->path));
	p->budget -= n;
	digest_feed(&p->digest, off, bytes, n);
	if (files_pwrite_all(p->file, bytes, n, off) == 0)
		return 0;
	err_set_errno(err, ERR_OPERATOR, "cannot write in %s", p->dir);
	return errno == ENOSPC ? err_remedy(err, "make room in the cache") : -1;
}

int pull_end(struct pull *p, struct err *err)
{
	const struct manifest_entry *e = &p->walk.e;
	char sha256[SHA256_HEX_LEN], name[OBJECT_NAME_LEN], self[40];

	if (p->want.kind == WANT_ATTRS)
		return 0;
	digest_end(&p->digest, sha256);
	if (!streq(sha256, e->sha256)) {
		err_set(err, ERR_OPERATOR,
			"/%s: what the client sent has not the SHA-256 of its manifest",
			str_c(&e->path));
		return err_remedy(err, "the file changed meanwhile, or the client is not "
				       "to be trusted: nimadm -C, then again");
	}
	if (ftruncate(p->file, (off_t)e->size) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot write in %s", p->dir);
	if (entry_set(p->file, e, p->xattrs, err) < 0)
		return -1;
	pull_pin_name(e, name);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", p->file);
	if (linkat(AT_FDCWD, self, p->fd, name, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
		return err_set_errno(err, ERR_OPERATOR, "cannot name %s/%s", p->dir,
				     name);
	close_p(&p->file);
	p->file = -1;
	return 0;
}

static int rewind_lists(struct pull *p, struct err *err)
{
	manifest_walk_done(&p->walk);
	want_done(&p->want);
	if (want_begin(&p->want, p->wants.text, p->wants.len, err) < 0)
		return -1;
	return manifest_walk_begin(&p->walk, &p->manifest, err);
}

/* Runs over the list again: every path of one of two kinds. */
static int each_wanted(struct pull *p, char kind,
		       int (*each)(struct pull *p, void *arg, struct err *err), void *arg,
		       struct err *err)
{
	int rc;

	if (rewind_lists(p, err) < 0)
		return -1;
	while ((rc = want_next(&p->want, err)) == 0) {
		if (p->want.kind != kind)
			continue;
		if (find_entry(p, err) < 0 || each(p, arg, err) < 0 ||
		    cancel_check(err) < 0)
			return -1;
	}
	return MIN(rc, 0);
}

struct proofs {
	const char *text, *end;
};

static int prove_one(struct pull *p, void *arg, struct err *err)
{
	const struct manifest_entry *e = &p->walk.e;
	struct proofs *proofs = arg;
	const size_t len = SHA256_HEX_LEN; /* with the line's end */
	char name[OBJECT_NAME_LEN], hex[SHA256_HEX_LEN];

	pull_pin_name(e, name);
	_cleanup_close_ int fd = openat(p->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || digest_file(&p->digest, fd, e->type, e->size, &p->nonce, hex) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot read %s/%s", p->dir,
				     name);
	if ((size_t)(proofs->end - proofs->text) < len ||
	    memcmp(proofs->text, hex, len - 1) != 0 || proofs->text[len - 1] != '\n') {
		err_set(err, ERR_OPERATOR,
			"/%s: the client cannot prove that it has this content",
			str_c(&e->path));
		return err_remedy(err, "the file changed meanwhile, or the client is not "
				       "to be trusted: nimadm -C, then again");
	}
	proofs->text += len;
	return 0;
}

int pull_prove(struct pull *p, const char *text, size_t len, struct err *err)
{
	struct proofs proofs = { text, text + len };

	if (each_wanted(p, WANT_PROOF, prove_one, &proofs, err) < 0)
		return -1;
	if (proofs.text != proofs.end)
		return err_set(err, ERR_OPERATOR,
			       "the client sent more proofs than were wanted");
	return 0;
}

static int keep_one(struct pull *p, void *arg, struct err *err)
{
	char name[OBJECT_NAME_LEN];

	pull_pin_name(&p->walk.e, name);
	return objects_add(p->store, p->fd, name, name, err);
}

int pull_keep(struct pull *p, struct err *err)
{
	/* A crash after this finds whole objects only. */
	if (syncfs(p->fd) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot sync %s", p->dir);
	return each_wanted(p, WANT_DATA, keep_one, NULL, err);
}
