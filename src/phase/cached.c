/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two ways between client and cache. */
#include "phase/cached.h"

#include <fcntl.h>

#include "archive/push.h"
#include "base/parse.h"
#include "cache/pull.h"
#include "phase/nfs.h"
#include "store/store.h"
#include "sys/files.h"
#include "sys/mount.h"

#define MANIFEST_MAX ((uint64_t)2 << 30)
#define MEMBER_MAX   ((uint64_t)1 << 20) /* what surrounds a content in the stream */
#define PROOFS_MAX   ((uint64_t)1 << 30)

static char *job_path(const struct cached *c, const char *name)
{
	return xasprintf("%s/%s", c->dir, name);
}

static void add_mounts(const struct cached *c, struct strv *argv)
{
	for (size_t i = 0; c->mounts && i < c->mounts->n; i++)
		strv_add_all(argv, "--mount", c->mounts->v[i], NULL);
}

int cached_limit(struct store *s, const char *cache, uint64_t *ret, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	*ret = 0;
	if (store_object_list(s, "cache", NULL, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_object_ struct object o = OBJECT_INIT;

		if (store_object_get(s, names.v[i], "cache", &o, err) < 0)
			return -1;
		const char *size = object_get(&o, "size");
		if (size && streq0(object_get(&o, "location"), cache))
			return parse_size(size, ret, err);
	}
	return 0;
}

/* --- pull --- */

struct pulling {
	const struct cached *c;
	struct cached_result *ret;
	struct pull *pull;
	const char *manifest;
};

/* A manifest can be as long as it likes to be, but not longer than there is room. */
static uint64_t limit_here(const struct cached *c)
{
	uint64_t free_bytes = 0, total = 0;
	struct err ignored = { 0 };

	if (mount_space(c->dir, &free_bytes, &total, &ignored) < 0)
		return MANIFEST_MAX;
	return MIN(MANIFEST_MAX, free_bytes / 4);
}

static int receive_manifest(void *arg, int fd, struct err *err)
{
	struct pulling *k = arg;
	_cleanup_stream_in_ struct stream_in in = { 0 };
	_cleanup_files_pending_ struct files_pending p = FILES_PENDING_INIT;
	_cleanup_member_ struct member end = { 0 };

	if (files_pending_open(&p, k->manifest, 0600, err) < 0 ||
	    stream_in_begin(&in, fd, limit_here(k->c), err) < 0 ||
	    stream_in_text(&in, PUSH_MANIFEST, p.fd, err) < 0)
		return -1;
	int rc = stream_in_next(&in, &end, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_OPERATOR,
			       "the client sends more than a manifest");
	k->ret->raw_bytes += in.raw_bytes;
	k->ret->packed_bytes += in.packed_bytes;
	return files_pending_publish(&p, err);
}

static int get_manifest(struct pulling *k, struct err *err)
{
	const struct cached *c = k->c;
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct proc_spec spec = { 0 };

	strv_add_all(&argv, c->program, "tree-manifest", "--keep", NULL);
	strv_addf(&argv, "%s.base", c->keep);
	add_mounts(c, &argv);
	strv_add(&argv, c->tree);
	spec.argv = strv_argv(&argv);
	events_step(c->events, "Asking the client what its tree holds");
	return duct_run(c->run, &spec, DUCT_OUT, receive_manifest, k, err);
}

int cached_base(const struct cached *c, struct cached_result *ret, struct err *err)
{
	_cleanup_free_ char *manifest = job_path(c, "base.manifest");
	struct pulling k = { .c = c, .ret = ret, .manifest = manifest };

	*ret = (struct cached_result){ 0 };
	return get_manifest(&k, err);
}

static int receive_member(struct stream_in *in, struct pull *p, struct member *m,
			  const struct manifest_entry *e, bool has_data, struct err *err)
{
	int rc = stream_in_next(in, m, err);

	if (rc < 0)
		return -1;
	bool fits = rc == 0 && streq(str_c(&m->path), str_c(&e->path)) &&
		    (!has_data || m->type == 'f' || m->type == 's');
	if (!fits)
		return err_set(err, ERR_OPERATOR,
			       "the client sent something else than /%s",
			       str_c(&e->path));
	if (pull_begin(p, &m->xattrs, err) < 0)
		return -1;
	if (has_data && stream_in_data(in, m, pull_data, p, err) < 0)
		return -1;
	return pull_end(p, err);
}

static int add_text(void *arg, uint64_t off, const void *p, size_t n, struct err *err)
{
	struct str *text = arg;

	if (text->len + n > PROOFS_MAX)
		return err_set(err, ERR_OPERATOR, "the client sends too many proofs");
	str_addn(text, p, n);
	return 0;
}

static int receive_proofs(struct stream_in *in, struct pull *p, struct member *m,
			  struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	int rc = stream_in_next(in, m, err);

	if (rc < 0)
		return -1;
	if (rc > 0 || m->type != 'f' || !streq(str_c(&m->path), WANT_PROOFS))
		return err_set(err, ERR_OPERATOR, "the client sent no proofs");
	if (stream_in_data(in, m, add_text, &text, err) < 0)
		return -1;
	if (stream_in_next(in, m, err) != 1)
		return err_set(err, ERR_OPERATOR,
			       "the client sends more than was wanted");
	return pull_prove(p, str_c(&text), text.len, err);
}

static int receive_files(void *arg, int fd, struct err *err)
{
	struct pulling *k = arg;
	_cleanup_stream_in_ struct stream_in in = { 0 };
	_cleanup_member_ struct member m = { 0 };
	const struct manifest_entry *e;
	struct progress progress = events_progress(k->c->events);
	uint64_t done = 0, start = k->pull->budget;
	bool has_data;
	int rc;

	if (stream_in_begin(&in, fd, UINT64_MAX, err) < 0)
		return -1;
	while ((rc = pull_next(k->pull, &e, &has_data, err)) == 0) {
		/* No more than this member can need. */
		in.limit = in.raw_bytes + MEMBER_MAX * 2 +
			   (has_data ? MIN(e->size, start) + MEMBER_MAX * 64 : 0);
		if (receive_member(&in, k->pull, &m, e, has_data, err) < 0)
			return -1;
		done += has_data ? e->size : 0;
		k->ret->moved_files += has_data;
		progress_report(&progress, PROGRESS_BYTES, done, k->ret->moved_bytes,
				NULL);
	}
	if (rc < 0)
		return -1;
	in.limit = in.raw_bytes + PROOFS_MAX;
	rc = receive_proofs(&in, k->pull, &m, err);
	k->ret->raw_bytes += in.raw_bytes;
	k->ret->packed_bytes += in.packed_bytes;
	return rc;
}

int cached_pack_wants(const char *text, size_t len, const char *path,
		      struct cached_result *ret, struct err *err)
{
	_cleanup_stream_out_ struct stream_out out = { 0 };
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				      0600);

	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot write %s", path);
	if (stream_out_begin(&out, fd, err) < 0 ||
	    stream_out_text(&out, "want", text, len, err) < 0 ||
	    stream_out_end(&out, err) < 0)
		return -1;
	ret->raw_bytes += out.raw_bytes;
	ret->packed_bytes += out.packed_bytes;
	return 0;
}

static int get_files(struct pulling *k, const struct pull_plan *plan, struct err *err)
{
	const struct cached *c = k->c;
	_cleanup_free_ char *path = job_path(c, "want.zst");
	const char *const argv[] = { c->program, "tree-send", c->tree, NULL };
	char all[32], some[32];

	events_step(c->events, "Pulling %s of %s; the cache has the rest",
		    fmt_bytes(some, sizeof(some), plan->wanted_bytes),
		    fmt_bytes(all, sizeof(all), plan->bytes));
	if (cached_pack_wants(k->pull->wants.text, k->pull->wants.len, path, k->ret,
			      err) < 0)
		return -1;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot open %s", path);
	struct proc_spec spec = { .argv = argv, .in_fd = fd };
	return duct_run(c->run, &spec, DUCT_OUT, receive_files, k, err);
}

static int build(const struct cached *c, struct pull *p, struct cached_result *ret,
		 struct err *err)
{
	_cleanup_root_ struct root lower = ROOT_INIT;
	struct progress progress = events_progress(c->events);
	struct build_result r;

	events_step(c->events, "Making the working tree");
	if (root_open(&lower, c->lower, err) < 0 ||
	    build_tree(p, &lower, !c->copy, &progress, &r, err) < 0)
		return -1;
	ret->linked = r.linked;
	ret->copied = r.copied;
	return 0;
}

/* Room for what is coming, as far as nobody needs what is there. */
static int collect(const struct cached *c, const struct objects *store,
		   const struct pull_plan *plan, struct err *err)
{
	struct objects_usage gone;
	uint64_t least = c->limit;

	if (c->limit == 0)
		return 0;
	least -= MIN(least, plan->wanted_bytes);
	return objects_collect(store, least, &gone, err);
}

int cached_pull(const struct cached *c, struct cached_result *ret, struct err *err)
{
	_cleanup_free_ char *manifest = job_path(c, "base.manifest");
	_cleanup_free_ char *pins = job_path(c, "pins");
	_cleanup_free_ char *wants = job_path(c, "want");
	_cleanup_objects_ struct objects store = OBJECTS_INIT;
	_cleanup_pull_ struct pull pull = PULL_INIT;
	struct pulling k = { .c = c, .ret = ret, .pull = &pull, .manifest = manifest };
	struct pull_plan plan;

	*ret = (struct cached_result){ 0 };
	if (objects_open(&store, c->cache, err) < 0 || get_manifest(&k, err) < 0 ||
	    pull_open(&pull, &store, pins, manifest, err) < 0 ||
	    pull_want(&pull, wants, &plan, err) < 0 ||
	    collect(c, &store, &plan, err) < 0 ||
	    pull_check_room(&pull, &plan, c->limit, err) < 0)
		return -1;
	ret->files = plan.files;
	ret->bytes = plan.bytes;
	ret->moved_bytes = plan.wanted_bytes;
	if (get_files(&k, &plan, err) < 0 || pull_keep(&pull, err) < 0 ||
	    build(c, &pull, ret, err) < 0)
		return -1;
	/* The tree holds what is linked; the rest is copied. */
	return files_rmtree(pins, NULL, err);
}

int cached_verify(const struct cached *c, struct err *err)
{
	_cleanup_free_ char *manifest = job_path(c, "base.manifest");
	_cleanup_root_ struct root lower = ROOT_INIT;

	if (root_open(&lower, c->lower, err) < 0)
		return -1;
	return clone_verify(&lower, NULL, manifest, 0, NULL, err);
}

/* --- push --- */

struct pushing {
	const struct cached *c;
	const char *old, *new_one;
	struct push_result res;
};

static int send_changes(void *arg, int fd, struct err *err)
{
	struct pushing *k = arg;
	_cleanup_root_ struct root tree = ROOT_INIT;
	struct progress progress = events_progress(k->c->events);

	if (root_open(&tree, k->c->alt_inst, err) < 0)
		return -1;
	return push_changes(&tree, k->old, k->new_one, fd, &progress, &k->res, err);
}

static int write_manifest(const struct cached *c, const char *path, struct err *err)
{
	_cleanup_root_ struct root tree = ROOT_INIT;
	struct progress progress = events_progress(c->events);
	struct clone_result res;
	const struct clone_job job = {
		.from = &tree,
		.mounts = c->known ? c->mounts : NULL,
		.manifest = path,
		.known = c->known ? nfs_known : NULL,
		.known_arg = c->known,
	};

	events_step(c->events, "Finding what has changed");
	if (root_open(&tree, c->alt_inst, err) < 0)
		return -1;
	int rc = clone_run(&job, &progress, &res, err);
	if (rc > 0)
		return err_set(err, ERR_OPERATOR, "%llu files of %s cannot be read",
			       (unsigned long long)res.unreadable, c->alt_inst);
	return rc;
}

int cached_push(const struct cached *c, struct cached_result *ret, struct err *err)
{
	_cleanup_free_ char *old = job_path(c, "base.manifest");
	_cleanup_free_ char *new_one = job_path(c, "new.manifest");
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct pushing k = { .c = c, .old = old, .new_one = new_one };
	struct proc_spec spec = { 0 };

	*ret = (struct cached_result){ 0 };
	if (write_manifest(c, new_one, err) < 0)
		return -1;
	strv_add_all(&argv, c->program, "tree-apply", "--base", NULL);
	strv_addf(&argv, "%s.base", c->keep);
	strv_add(&argv, "--manifest");
	strv_addf(&argv, "%s.new", c->keep);
	add_mounts(c, &argv);
	strv_add(&argv, c->tree);
	spec.argv = strv_argv(&argv);
	events_step(c->events, "Pushing what has changed");
	if (duct_run(c->run, &spec, DUCT_IN, send_changes, &k, err) < 0)
		return -1;
	*ret = (struct cached_result){
		.moved_files = k.res.files,
		.moved_bytes = k.res.bytes,
		.raw_bytes = k.res.raw_bytes,
		.packed_bytes = k.res.packed_bytes,
		.attributes = k.res.attributes,
		.links = k.res.links,
		.removed = k.res.removed,
	};
	return 0;
}
