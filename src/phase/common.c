/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The job's working tree and what several phases need of it. */
#include "phase/common.h"

#include "archive/mksysb.h"
#include "model/bundle.h"
#include "phase/awake.h"
#include "phase/nfs-direct.h"
#include "phase/nfs.h"
#include "phase/parts.h"
#include "phase/table.h"
#include "pkg/lpp.h"
#include "sandbox/sandbox.h"
#include "sys/files.h"
#include "sys/mount.h"
#include "sys/rmtree.h"

/* --- sites --- */

/* In a cache it is there; over NFS it is this process's own mount. */
static int attach_lower(const struct phase_ctx *c, struct err *err)
{
	return nfs_is_in(c->job) ? nfs_mount(c, err) : mount_private_namespace(err);
}

/* The alternate root's overlays, whose lower tree is attached. */
static int attach_parts(const struct phase_ctx *c, enum mount_overlay how,
			struct err *err)
{
	const struct job *job = c->job;
	_cleanup_parts_ struct parts parts = PARTS_INIT;

	parts_of_job(job, &parts);
	if (!nfs_is_in(job))
		return parts_attach(&parts, job->lower, job->alt_inst, how, err);
	/* an overlay of job->lower, which is one, would be one too many below those of the checkers */
	_cleanup_free_ char *mounted = nfs_path(job);
	for (size_t i = 0; i < parts.n; i++)
		parts.v[i].middle = nfs_middle(job, i);
	return parts_attach(&parts, mounted, job->alt_inst, how, err);
}

int common_attach(const struct phase_ctx *c, struct err *err)
{
	/* a migration can be run again, what an administrator has written by hand cannot */
	enum mount_overlay how = awake_is_in(c->job) ? MOUNT_OVERLAY_KEEP_LINKS |
							       MOUNT_OVERLAY_DURABLE
						     : MOUNT_OVERLAY_KEEP_LINKS;

	if (attach_lower(c, err) < 0)
		return -1;
	return nfs_is_direct(c->job) ? nfs_direct_begin(c->job, err)
				     : attach_parts(c, how, err);
}

static char *check_dir(const struct job *job, enum tree tree, const char *sub)
{
	return xasprintf("%s/check-%s%s", job->dir,
			 tree == TREE_CHECK_ALT ? "new" : "old", sub);
}

static void check_parts(const struct job *job, enum tree tree, struct parts *ret)
{
	_cleanup_free_ char *upper = check_dir(job, tree, "/upper");
	_cleanup_free_ char *work = check_dir(job, tree, "/work");

	parts_of(job, upper, work, ret);
}

static int detach_check(const struct job *job, enum tree tree, struct err *err)
{
	_cleanup_free_ char *merged = check_dir(job, tree, "/root");
	_cleanup_parts_ struct parts parts = PARTS_INIT;

	check_parts(job, tree, &parts);
	return parts_detach(&parts, merged, err);
}

/* The checkers' overlays lie on the others. */
static int detach_checks(const struct job *job, struct err *err)
{
	if (detach_check(job, TREE_CHECK_ALT, err) < 0)
		return -1;
	return detach_check(job, TREE_CHECK_LOWER, err);
}

int common_detach(const struct phase_ctx *c, struct err *err)
{
	_cleanup_parts_ struct parts parts = PARTS_INIT;

	if (detach_checks(c->job, err) < 0)
		return -1;
	if (nfs_is_direct(c->job))
		return nfs_direct_detach(c->job, err);
	parts_of_job(c->job, &parts);
	return parts_detach(&parts, c->job->alt_inst, err);
}

struct removal {
	struct progress progress;
	uint64_t total;
};

static void gone(void *arg, uint64_t n)
{
	const struct removal *r = arg;

	progress_report(&r->progress, PROGRESS_FILES, n, r->total, NULL);
}

/* On a busy disk it takes longer than the restoring did: whoever waits is to see it go on. */
int common_remove(const struct phase_ctx *c, const char *dir, const char *marker,
		  struct err *err)
{
	struct removal r = { .progress = events_progress(c->events) };
	const struct rmtree_watch watch = { gone, &r };
	struct files_usage usage;

	if (files_is_dir(dir)) {
		if (files_usage(dir, &usage, err) < 0)
			return -1;
		r.total = usage.names;
	}
	return files_rmtree_watched(dir, marker, &watch, err);
}

int common_drop_changes(const struct phase_ctx *c, struct err *err)
{
	_cleanup_parts_ struct parts parts = PARTS_INIT;

	if (common_detach(c, err) < 0)
		return -1;
	parts_of_job(c->job, &parts);
	for (size_t i = 0; i < parts.n; i++) {
		const struct part *p = &parts.v[i];

		if (files_rmtree(p->work, NULL, err) < 0 ||
		    common_remove(c, p->upper, NULL, err) < 0 ||
		    mount_overlay_forget(p->work, err) < 0)
			return -1;
	}
	return 0;
}

static int release(struct job *job, struct err *err)
{
	_cleanup_parts_ struct parts parts = PARTS_INIT;

	if (!mount_is_mountpoint(job->alt_inst))
		return 0;
	if (detach_checks(job, err) < 0)
		return -1;
	if (nfs_is_direct(job)) {
		int rc = nfs_direct_sync(job, err);
		return nfs_direct_detach(job, rc < 0 ? NULL : err) < 0 ? -1 : rc;
	}
	parts_of_job(job, &parts);
	return parts_release(&parts, job->alt_inst, err);
}

int phase_release(struct job *job, struct err *err)
{
	if (release(job, err) < 0)
		return -1;
	return nfs_end(job, err);
}

/* A machine that goes down while this tree is sent away or written to an image takes nothing of it with it. */
int common_attach_result(const struct phase_ctx *c, struct err *err)
{
	struct job *job = c->job;

	if (attach_lower(c, err) < 0)
		return -1;
	if (nfs_is_direct(job))
		return nfs_direct_sync(job, err);
	if (mount_is_mountpoint(job->alt_inst) && !mount_is_read_only(job->alt_inst)) {
		events_step(c->events, "Writing the alternate root to its disk");
		if (release(job, err) < 0)
			return -1;
	}
	return attach_parts(c, MOUNT_OVERLAY_KEEP_LINKS | MOUNT_OVERLAY_READ_ONLY, err);
}

/* A fresh overlay over `below`, mounted at the returned path. */
static int attach_check(const struct phase_ctx *c, enum tree tree, const char *below,
			char **ret, struct err *err)
{
	_cleanup_free_ char *top = check_dir(c->job, tree, "");
	_cleanup_free_ char *merged = check_dir(c->job, tree, "/root");
	_cleanup_parts_ struct parts parts = PARTS_INIT;

	check_parts(c->job, tree, &parts);
	if (parts_detach(&parts, merged, err) < 0 || files_rmtree(top, NULL, err) < 0 ||
	    parts_make(&parts, err) < 0 || files_mkdirs(merged, 0755, err) < 0 ||
	    parts_attach(&parts, below, merged, MOUNT_OVERLAY_PLAIN, err) < 0)
		return -1;
	*ret = TAKE_PTR(merged);
	return 0;
}

/* Attaches the tree and tells its directory. */
static int site_attach(const struct phase_ctx *c, enum tree tree, char **ret,
		       struct err *err)
{
	const struct job *job = c->job;

	switch (tree) {
	case TREE_FACTS:
		*ret = xstrdup(job->facts_root);
		return 0;
	case TREE_LOWER:
		*ret = xstrdup(job->lower);
		return attach_lower(c, err);
	case TREE_ALT:
		*ret = xstrdup(job->alt_inst);
		return common_attach(c, err);
	case TREE_RESULT:
		*ret = xstrdup(job->alt_inst);
		return common_attach_result(c, err);
	case TREE_CHECK_LOWER:
		if (attach_lower(c, err) < 0)
			return -1;
		return attach_check(c, tree, job->lower, ret, err);
	case TREE_CHECK_ALT:
		if (common_attach(c, err) < 0)
			return -1;
		return attach_check(c, tree, job->alt_inst, ret, err);
	}
	return err_set(err, ERR_INTERNAL, "unknown tree %d", (int)tree);
}

int site_open(struct site *s, const struct phase_ctx *c, enum tree tree, bool read_only,
	      struct err *err)
{
	const struct job *job = c->job;
	_cleanup_free_ char *spot = xasprintf("%s/root", job->spec.spot_dir);
	_cleanup_free_ char *run_dir = xasprintf("%s/run", job->dir);

	if (site_attach(c, tree, &s->path, err) < 0 ||
	    files_mkdirs(run_dir, 0755, err) < 0)
		return -1;
	struct sandbox_bind binds[] = { { run_dir, SANDBOX_ROOT "/run/nimadm", false } };
	struct sandbox_config cfg = {
		.spot = spot,
		.root = s->path,
		.root_read_only = read_only,
		.lpp_source = job->spec.lpp_dir,
		.binds = binds,
		.n_binds = ARRAY_SIZE(binds),
	};
	if (root_open(&s->root, s->path, err) < 0)
		return -1;
	return sandbox_new(&s->run, &cfg, err);
}

void site_done(struct site *s)
{
	root_done(&s->root);
	s->run = runner_free(s->run);
	free(s->path);
	s->path = NULL;
}

bool common_merges_usr(const struct phase_ctx *c)
{
	const struct release *target = release_find(c->job->spec.release);
	_cleanup_root_ struct root facts = ROOT_INIT;
	struct err ignored = { 0 };
	struct stat st;

	return target && target->merged_usr &&
	       root_open(&facts, c->job->facts_root, &ignored) == 0 &&
	       root_lstat(&facts, "bin", &st) == 0 && !S_ISLNK(st.st_mode);
}

/* --- facts --- */

int common_fact_set(const struct phase_ctx *c, const char *key, json_t *value_stolen,
		    struct err *err)
{
	if (!value_stolen || json_object_set_new(c->job->facts, key, value_stolen) < 0)
		return err_set(err, ERR_INTERNAL, "fact '%s' can not be stored", key);
	return job_save_facts(c->job, c->store, err);
}

const json_t *common_fact(const struct phase_ctx *c, const char *key)
{
	return json_object_get(c->job->facts, key);
}

/* --- layout, plan, bundle --- */

static char *own_layout_path(const struct phase_ctx *c)
{
	return xasprintf("%s/image.data", c->job->dir);
}

int common_layout(const struct phase_ctx *c, struct layout *ret, struct err *err)
{
	_cleanup_free_ char *own = own_layout_path(c);
	_cleanup_str_ struct str text = STR_INIT;
	const char *file = files_exists(own) ? own : c->job->spec.image_data_file;
	const char *image = files_exists(c->job->image) ? c->job->image
							: c->job->facts_image;

	if (file && *file) {
		if (files_read(file, 0, &text, err) < 0)
			return -1;
	} else {
		_cleanup_mksysb_ struct mksysb *m = NULL;
		if (mksysb_open(&m, image, err) < 0)
			return -1;
		str_add(&text, mksysb_image_data(m));
	}
	return layout_parse(ret, str_c(&text), text.len, err);
}

int common_layout_save(const struct phase_ctx *c, const struct layout *l, struct err *err)
{
	_cleanup_free_ char *own = own_layout_path(c);
	_cleanup_str_ struct str text = STR_INIT;

	layout_write(l, &text);
	return files_write_atomic(own, str_c(&text), text.len, 0644, err);
}

/* What must stay free in a file system after the migration: a tenth, at least this. */
#define FREE_MIN (256ull << 20)

static void grow_volumes(struct layout *l, const struct layout_fs *f, uint64_t more)
{
	for (size_t k = 0; k < l->n_lvs; k++)
		if (streq0(l->lvs[k].mount_point, f->mount_point))
			l->lvs[k].size += more;
}

void common_grow(struct layout *l, const struct pkg_plan *plan, struct events *events)
{
	const struct layout_fs *usr = layout_find_fs(l, "/usr");
	const struct layout_fs *target = usr ? usr : layout_find_fs(l, "/");
	int64_t delta = (int64_t)plan->unpacked_delta;
	char was[32], is[32];

	for (size_t i = 0; i < l->n_fs; i++) {
		struct layout_fs *f = &l->fs[i];
		if (f != target || !f->size || delta <= 0)
			continue;
		uint64_t need = f->used + (uint64_t)delta;
		need += MAX(need / 10, FREE_MIN);
		if (need <= f->size)
			continue;
		uint64_t more = (need - f->size + (1 << 20) - 1) >> 20 << 20;
		events_warning(events, "%s grows from %s to %s", f->mount_point,
			       fmt_bytes(was, sizeof(was), f->size),
			       fmt_bytes(is, sizeof(is), f->size + more));
		f->size += more;
		grow_volumes(l, f, more);
	}
}

char *common_plan_path(const struct phase_ctx *c)
{
	return xasprintf("%s/plan.json", c->job->dir);
}

int common_plan_load(const struct phase_ctx *c, struct pkg_plan *ret, struct err *err)
{
	_cleanup_free_ char *path = common_plan_path(c);

	return pkg_plan_load(ret, path, err);
}

int common_bundle(const struct phase_ctx *c, struct strv *ret, struct err *err)
{
	const char *file = c->job->spec.bundle_file;
	_cleanup_str_ struct str text = STR_INIT;

	if (!file || !*file)
		return 0;
	if (files_read(file, 1 << 20, &text, err) < 0)
		return -1;
	return bundle_parse(ret, file, str_c(&text), text.len, err);
}

const struct pkg_backend *common_backend(const struct site *s, struct err *err)
{
	const struct pkg_backend *backend = pkg_backend_for(&s->root);

	if (!backend)
		err_set(err, ERR_UNFIT, "the image has no package system that is known");
	return backend;
}

struct pkg_ctx common_pkg(const struct phase_ctx *c, const struct site *s,
			  const struct strv *bundle)
{
	return (struct pkg_ctx){
		.root = &s->root,
		.run = s->run,
		.events = c->events,
		.lpp_dir = c->job->spec.lpp_dir,
		.work_dir = c->job->dir,
		.release = c->job->spec.release,
		.bundle = bundle,
		.script_timeout_s = c->job->script_timeout_s,
	};
}

int common_verify_packages(const struct phase_ctx *c, bool bos_only, struct err *err)
{
	_cleanup_site_ struct site site = SITE_INIT;
	_cleanup_strv_ struct strv bundle = STRV_INIT;
	_cleanup_(pkg_plan_done) struct pkg_plan plan = PKG_PLAN_INIT;
	_cleanup_(findings_done) struct findings fs = FINDINGS_INIT;

	if (site_open(&site, c, TREE_ALT, false, err) < 0 ||
	    common_bundle(c, &bundle, err) < 0 || common_plan_load(c, &plan, err) < 0)
		return -1;
	const struct pkg_backend *backend = common_backend(&site, err);
	if (!backend)
		return -1;
	struct pkg_ctx ctx = common_pkg(c, &site, &bundle);
	if (backend->verify(&ctx, &plan, bos_only, &fs, err) < 0)
		return -1;
	for (size_t i = 0; i < fs.n; i++) {
		events_finding(c->events, &fs.v[i]);
		if (fs.v[i].severity != FINDING_INHIBIT)
			continue;
		err_set(err, ERR_OPERATOR, "%s: %s", fs.v[i].title, fs.v[i].evidence);
		return *fs.v[i].remedy ? err_remedy(err, "%s", fs.v[i].remedy) : -1;
	}
	return 0;
}

int common_lpp_level(struct store *s, const char *name, const char *dir, struct err *err)
{
	_cleanup_free_ char *level = NULL;
	char packages[24], bytes[24];
	uint64_t size;
	size_t n;

	if (lpp_describe(dir, &level, &n, &size, err) < 0)
		return -1;
	snprintf(packages, sizeof(packages), "%zu", n);
	snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)size);
	if (store_attr_set(s, name, "level", level, err) < 0 ||
	    store_attr_set(s, name, "held_packages", packages, err) < 0)
		return -1;
	return store_attr_set(s, name, "size", bytes, err);
}

/* --- scripts --- */

static void script_line(void *arg, const char *line, bool is_err)
{
	events_output(arg, line);
}

int common_script(const struct phase_ctx *c, const char *script, const char *which,
		  struct err *err)
{
	const struct job *job = c->job;
	_cleanup_strv_ struct strv env = STRV_INIT;
	const char *const argv[] = { script, NULL };

	strv_addf(&env, "NIM_CLIENT=%s", job->spec.subject);
	strv_addf(&env, "NIM_ALT_INST=%s", job->alt_inst);
	if (*job->spec.spot_dir)
		strv_addf(&env, "NIM_SPOT=%s/root", job->spec.spot_dir);
	if (*job->spec.lpp_dir)
		strv_addf(&env, "NIM_LPP_SOURCE=%s", job->spec.lpp_dir);
	strv_addf(&env, "NIM_PHASE=%d", c->phase->number);
	strv_addf(&env, "NIM_JOB=%lld", (long long)job->id);
	events_step(c->events, "Running the %s script %s", which, script);
	struct proc_spec spec = {
		.argv = argv,
		.env = strv_argv(&env),
		.on_line = script_line,
		.arg = c->events,
	};
	struct proc_result res;
	int r = proc_run(&spec, &res, err);
	if (r < 0)
		return -1;
	if (r == 0)
		return 0;
	proc_result_err(&spec, &res, err);
	err_prefix(err, "%s script", which);
	return err_remedy(err, "mend the script %s", script);
}
