/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What NFS does not carry, from the client's own manifest of its clone. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "archive/push.h"
#include "base/map.h"
#include "model/entry-check.h"
#include "model/manifest-file.h"
#include "phase/cached.h"
#include "phase/disk.h"
#include "phase/nfs-direct.h"
#include "phase/nfs.h"
#include "phase/parts.h"
#include "sys/dirs.h"
#include "sys/files.h"

#define MEMBER_MAX ((uint64_t)4 << 20) /* of attributes, with what surrounds them */
/* How many files of a tree are read as a proof, and how long each may be. */
#define PROBES	  64
#define PROBE_MAX ((uint64_t)4 << 20)

static char *base_path(const struct job *job)
{
	return xasprintf("%s/base.manifest", job->dir);
}

/* --- attributes --- */

struct attributes {
	const struct job *job;
	struct manifest_map base;
	struct map *digests; /* of files with extended attributes, by path */
	struct str wants;
	size_t n;
	struct parts parts;
	struct root tree;
	struct dirs dirs;
};

static void attributes_done(struct attributes *a)
{
	manifest_map_done(&a->base);
	map_free(a->digests);
	str_done(&a->wants);
	parts_done(&a->parts);
	root_done(&a->tree);
	dirs_done(&a->dirs);
}

/* The digest of the extended attributes of an entry; another name has those of the file. */
static const char *digest_of(const struct attributes *a, const struct manifest_entry *e)
{
	const char *digest = e->type == 'h' ? map_get(a->digests, str_c(&e->target))
					    : e->xattrs;

	return digest && *digest ? digest : NULL;
}

/* Every path with extended attributes. */
static int list_wanted(struct attributes *a, struct err *err)
{
	_cleanup_manifest_walk_ struct manifest_walk w = { 0 };
	char nonce[65] = "";
	int rc;

	/* nothing is to be proven */
	memset(nonce, '0', sizeof(nonce) - 1);
	want_head(&a->wants, nonce);
	if (manifest_walk_begin(&w, &a->base, err) < 0)
		return -1;
	while ((rc = manifest_walk_next(&w, err)) == 0) {
		const char *digest = digest_of(a, &w.e);

		if (!digest)
			continue;
		want_add(&a->wants, WANT_ATTRS, str_c(&w.e.path));
		map_set(a->digests, str_c(&w.e.path), xstrdup(digest));
		a->n++;
	}
	return MIN(rc, 0);
}

/* What has no ACL below must be in the upper tree before it is given one; writing its mode brings it there. */
static int apply(struct attributes *a, const struct manifest_entry *e,
		 const struct xattrs *x, struct err *err)
{
	const char *path = str_c(&e->path), *name = ".", *failed = "";
	char digest[17];
	int dir = streq(path, ".") ? a->tree.fd : dirs_parent(&a->dirs, path, &name);

	xattrs_digest(x, digest);
	if (!streq0(digest_of(a, e), digest))
		return err_set(err, ERR_OPERATOR,
			       "/%s: its extended attributes are not the manifest's",
			       path);
	bool can_open = strchr("fsdh", e->type) != NULL;
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	_cleanup_close_ int fd = dir < 0 || !can_open ? -1 : openat(dir, name, flags);
	const struct xattrs_of of = { .fd = fd, .dir_fd = dir, .name = name };

	if (dir < 0 || (can_open && (fd < 0 || fchmod(fd, e->mode) < 0)) ||
	    xattrs_apply(x, &of, &failed) < 0)
		return err_set_errno(err, ERR_OPERATOR,
				     "/%s: cannot set its attributes %s", path, failed);
	return 0;
}

static int receive_one(struct attributes *a, struct stream_in *in, const char *path,
		       struct manifest_walk *w, struct err *err)
{
	_cleanup_member_ struct member m = { 0 };
	int rc = 0;

	in->limit = in->raw_bytes + MEMBER_MAX;
	while (rc == 0 && !streq(str_c(&w->e.path), path))
		rc = manifest_walk_next(w, err);
	if (rc == 0)
		rc = stream_in_next(in, &m, err);
	if (rc < 0)
		return -1;
	if (rc > 0 || !streq(str_c(&m.path), path))
		return err_set(err, ERR_OPERATOR,
			       "the client sent something else than /%s", path);
	return apply(a, &w->e, &m.xattrs, err);
}

static int receive(void *arg, int fd, struct err *err)
{
	struct attributes *a = arg;
	_cleanup_stream_in_ struct stream_in in = { 0 };
	_cleanup_manifest_walk_ struct manifest_walk w = { 0 };
	_cleanup_want_ struct want want = { 0 };
	_cleanup_member_ struct member m = { 0 };
	int rc;

	if (stream_in_begin(&in, fd, MEMBER_MAX, err) < 0 ||
	    manifest_walk_begin(&w, &a->base, err) < 0 ||
	    want_begin(&want, a->wants.p, a->wants.len, err) < 0)
		return -1;
	while ((rc = want_next(&want, err)) == 0)
		if (receive_one(a, &in, want.path.p, &w, err) < 0)
			return -1;
	/* the proofs, of which there are none */
	in.limit = in.raw_bytes + MEMBER_MAX;
	if (rc < 0 || stream_in_next(&in, &m, err) < 0)
		return -1;
	if (stream_in_next(&in, &m, err) != 1)
		return err_set(err, ERR_OPERATOR,
			       "the client sends more than was wanted");
	return 0;
}

static int fetch(struct attributes *a, struct transport *t, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/want.zst", a->job->dir);
	const char *program;
	struct cached_result ignored = { 0 };

	if (transport_program(t, &program, err) < 0 ||
	    cached_pack_wants(a->wants.p, a->wants.len, path, &ignored, err) < 0)
		return -1;
	_cleanup_close_ int in = open(path, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot open %s", path);
	const char *const argv[] = { program, "tree-send", DISK_ALT_INST, NULL };
	struct proc_spec spec = { .argv = argv, .in_fd = in };
	return duct_run(transport_runner(t), &spec, DUCT_OUT, receive, a, err);
}

/* An overlay of the mounts, whose upper trees will lie between them and what is written later. */
static int open_tree(struct attributes *a, struct err *err)
{
	_cleanup_free_ char *mounted = nfs_path(a->job);
	_cleanup_free_ char *upper = nfs_middle(a->job, 0);
	_cleanup_free_ char *work = xasprintf("%s/attributes-work", a->job->dir);

	parts_of(a->job, upper, work, &a->parts);
	/* of an earlier try */
	if (parts_detach(&a->parts, a->job->lower, err) < 0)
		return -1;
	for (size_t i = 0; i < a->parts.n; i++) {
		const struct part *p = &a->parts.v[i];

		if (files_rmtree(p->upper, NULL, err) < 0 ||
		    files_rmtree(p->work, NULL, err) < 0 ||
		    mount_overlay_forget(p->work, err) < 0)
			return -1;
	}
	if (parts_make(&a->parts, err) < 0 ||
	    parts_attach(&a->parts, mounted, a->job->lower, MOUNT_OVERLAY_PLAIN, err) <
		    0 ||
	    root_open(&a->tree, a->job->lower, err) < 0)
		return -1;
	a->dirs.top = a->tree.fd;
	return 0;
}

static int close_tree(struct attributes *a, struct err *err)
{
	dirs_done(&a->dirs);
	root_done(&a->tree);
	return parts_release(&a->parts, a->job->lower, err);
}

int nfs_fill(const struct phase_ctx *c, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;
	_cleanup_free_ char *base = base_path(c->job);
	_cleanup_(attributes_done) struct attributes a = { .job = c->job,
							   .tree = ROOT_INIT };
	struct err ignored = { 0 };

	a.dirs = (struct dirs)DIRS_INIT(-1, false);
	a.digests = map_new(free);
	if (common_fact_set(c, "attributes", json_false(), err) < 0 ||
	    nfs_mount(c, err) < 0 || client_open(&t, c, err) < 0 ||
	    disk_base(c, t, err) < 0 || manifest_map_open(&a.base, base, err) < 0 ||
	    list_wanted(&a, err) < 0)
		return -1;
	events_step(c->events, "Fetching the extended attributes of %zu files", a.n);
	if (open_tree(&a, err) < 0 || fetch(&a, t, err) < 0) {
		(void)!close_tree(&a, &ignored);
		return -1;
	}
	if (close_tree(&a, err) < 0 ||
	    common_fact_set(c, "attributes", json_true(), err) < 0)
		return -1;
	return nfs_mount(c, err);
}

/* --- the proof --- */

int nfs_verify(const struct phase_ctx *c, struct err *err)
{
	_cleanup_manifest_walk_ struct manifest_walk w = { 0 };
	_cleanup_manifest_map_ struct manifest_map base = { 0 };
	_cleanup_free_ char *path = base_path(c->job);
	_cleanup_root_ struct root lower = ROOT_INIT;
	_cleanup_entry_check_ struct entry_check k = { 0 };
	const bool direct = nfs_is_direct(c->job);
	uint64_t step, at = 0;
	int rc;

	if (!json_is_true(common_fact(c, "attributes")))
		return err_set(err, ERR_OPERATOR,
			       "what NFS does not carry is not known yet");
	if (nfs_mount(c, err) < 0 || manifest_map_open(&base, path, err) < 0 ||
	    manifest_walk_begin(&w, &base, err) < 0 ||
	    root_open(&lower, direct ? c->job->alt_inst : c->job->lower, err) < 0)
		return -1;
	entry_check_init(&k, lower.fd);
	events_step(c->events, "Reading some files back");
	step = MAX(w.head.members / PROBES, 1ull);
	while ((rc = manifest_walk_next(&w, err)) == 0) {
		/* flags are for phase 9; where nothing lies between, so is all that NFS does not carry */
		bool has = *w.e.xattrs, probed = at++ % step == 0 || has;
		if (!probed || (direct && has) || !strchr("fd", w.e.type) ||
		    w.e.size > PROBE_MAX)
			continue;
		*w.e.flags = '\0';
		const char *what = entry_check(&k, &w.e);
		if (what)
			return err_set(err, ERR_OPERATOR,
				       "/%s is not over NFS what it is on the client: %s",
				       str_c(&w.e.path), what);
	}
	return MIN(rc, 0);
}
