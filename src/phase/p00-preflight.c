/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 0: everything that could fail later is checked now, and what is missing is fetched. */
#include "archive/mksysb.h"
#include "inventory/preflight.h"
#include "phase/awake.h"
#include "phase/common.h"
#include "phase/disk.h"
#include "phase/nfs.h"
#include "phase/table.h"
#include "pkg/lpp.h"
#include "sandbox/sandbox.h"
#include "sys/files.h"
#include "sys/mount.h"

/* Room for the copied-up files, the job's logs and dpkg's temporary files beside the restored tree. */
#define CACHE_SLACK (300ull << 20)
/* The small files of a client: far more than enough. */
#define FACTS_MAX (1ull << 30)

/* Where the small files come from. */
static const char *source_image(const struct job *job)
{
	return client_is_source(job) ? job->facts_image : job->image;
}

static int make_job_dir(struct phase_ctx *c, struct err *err)
{
	_cleanup_free_ char *marker = xasprintf("%s/%s", c->job->dir, JOB_MARKER);
	_cleanup_free_ char *id = xasprintf("%lld\n", (long long)c->job->id);

	if (files_mkdirs(c->job->dir, 0700, err) < 0)
		return -1;
	return files_write_atomic(marker, id, strlen(id), 0644, err);
}

/* A client that cannot be reached, or refuses us, is found here; what the checks read comes from it. */
static int ask_client(struct phase_ctx *c, struct transport **ret, struct findings *fs,
		      struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;
	const struct client_fetch f = { .path = c->job->facts_image,
					.facts = true,
					.limit = FACTS_MAX,
					.events = c->events };

	if (client_open(&t, c, err) < 0 ||
	    (client_is_source(c->job) && client_fetch_image(t, &f, err) < 0))
		return -1;
	findings_add(fs, "client.reach", FINDING_PASS,
		     "The client is reached, with the rights of root", transport_host(t),
		     "");
	*ret = TAKE_PTR(t);
	return 0;
}

/* One pass over the image: every frame and checksum, and the small files on the way. */
static int read_image(struct phase_ctx *c, struct mksysb *m, struct err *err)
{
	struct job *job = c->job;
	_cleanup_root_ struct root facts = ROOT_INIT;
	struct progress progress = events_progress(c->events);

	events_step(c->events, "Checking the image %s", source_image(job));
	if (files_rmtree(job->facts_root, NULL, err) < 0 ||
	    files_mkdirs(job->facts_root, 0755, err) < 0 ||
	    root_open(&facts, job->facts_root, err) < 0)
		return -1;
	return mksysb_verify(m, preflight_wants, NULL, &facts, 0, &progress, err);
}

static int solve(struct phase_ctx *c, struct pkg_plan *plan, struct err *err)
{
	_cleanup_site_ struct site site = SITE_INIT;
	_cleanup_strv_ struct strv bundle = STRV_INIT;
	_cleanup_strv_ struct strv missing = STRV_INIT;

	if (site_open(&site, c, TREE_FACTS, false, err) < 0 ||
	    common_bundle(c, &bundle, err) < 0)
		return -1;
	const struct pkg_backend *backend = common_backend(&site, err);
	if (!backend)
		return -1;
	struct pkg_ctx ctx = common_pkg(c, &site, &bundle);
	events_step(c->events, "Solving the dependencies against %s",
		    c->job->spec.lpp_source);
	if (backend->plan(&ctx, plan, &missing, err) < 0)
		return -1;
	if (missing.n && lpp_fetch(c->job->spec.lpp_dir, &missing, c->events, err) < 0)
		return -1;
	/* Other jobs may have fetched packages, too. */
	if (common_lpp_level(c->store, c->job->spec.lpp_source, c->job->spec.lpp_dir,
			     err) < 0)
		return -1;
	_cleanup_free_ char *path = common_plan_path(c);
	return pkg_plan_save(plan, path, err);
}

static json_t *item_summary(const struct pkg_item *p)
{
	static const char *const reasons[] = {
		[PKG_REPLACED] = "replaced",
		[PKG_OBSOLETE] = "obsolete",
		[PKG_LOST] = "lost",
	};
	json_t *o = json_pack("{s:s, s:s, s:s}", "name", p->name, "old", p->old_version,
			      "new", p->new_version);

	if (p->action != PKG_REMOVE)
		return o;
	json_object_set_new(o, "reason", json_string(reasons[p->removal]));
	json_object_set_new(o, "by", json_string(p->replaced_by ? p->replaced_by : ""));
	return o;
}

static json_t *held_packages(const struct inventory *inv)
{
	json_t *held = json_array();

	for (size_t i = 0; i < inv->packages.n; i++) {
		const struct dpkg_package *p = &inv->packages.v[i];
		if (streq(p->want, "hold") && inventory_is_installed(p))
			json_array_append_new(held,
					      json_pack("{s:s, s:s}", "name", p->name,
							"old", p->version));
	}
	return held;
}

static json_t *plan_summary(const struct pkg_plan *plan, const struct inventory *inv)
{
	json_t *items[3] = { json_array(), json_array(), json_array() };

	for (size_t i = 0; i < plan->n; i++)
		json_array_append_new(items[plan->v[i].action],
				      item_summary(&plan->v[i]));
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I}", "upgraded", items[PKG_UPGRADE],
			 "added", items[PKG_INSTALL], "removed", items[PKG_REMOVE],
			 "held", held_packages(inv), "download_bytes",
			 (json_int_t)plan->download_bytes, "unpacked_delta",
			 (json_int_t)plan->unpacked_delta);
}

/* Fills in what the checks need beyond the small files; what can not be had is a finding, no error. */
static uint64_t cache_needed(const struct phase_ctx *c, struct mksysb *m,
			     const struct layout *l)
{
	uint64_t used = 0;

	if (!client_is_source(c->job))
		return mksysb_total_bytes(m);
	for (size_t i = 0; i < l->n_fs; i++)
		used += l->fs[i].used;
	/* over NFS: at most all of it is written anew; else what is restored, and the image that it is restored from */
	return nfs_is_in(c->job) ? used : used + used / 2;
}

static int gather(struct phase_ctx *c, struct mksysb *m, struct preflight_ctx *p,
		  struct map *target, struct map *old, struct err *err)
{
	uint64_t total = 0;

	if (lpp_package_names(c->job->spec.lpp_dir, target, old, err) < 0)
		return -1;
	p->known_target = target;
	if (map_size(old))
		p->known_old = old;
	p->cache_needed = cache_needed(c, m, p->layout) + CACHE_SLACK;
	if (p->plan && (int64_t)p->plan->unpacked_delta > 0)
		p->cache_needed += 2 * p->plan->unpacked_delta;
	return mount_space(c->job->dir, &p->cache_free, &total, err);
}

/* "%s can not be ...". */
static char *purpose(const struct job *job)
{
	return awake_is_in(job) ? xstrdup("mounted here")
				: xasprintf("migrated to %s", job->spec.release);
}

static int judge(struct phase_ctx *c, const struct findings *fs, struct err *err)
{
	size_t bad = findings_count(fs, FINDING_INHIBIT);
	_cleanup_str_ struct str ids = STR_INIT;
	const char *remedy = "read the remedies above or in the report, mend";

	for (size_t i = 0; i < fs->n; i++) {
		events_finding(c->events, &fs->v[i]);
		if (fs->v[i].severity != FINDING_INHIBIT)
			continue;
		str_addf(&ids, "%s%s (%s)", ids.len ? "; " : "", fs->v[i].id,
			 fs->v[i].evidence);
		if (bad == 1 && *fs->v[i].remedy)
			remedy = fs->v[i].remedy;
	}
	if (common_fact_set(c, "preflight", findings_to_json(fs), err) < 0)
		return -1;
	if (!bad)
		return 0;
	_cleanup_free_ char *what = purpose(c->job);
	err_set(err, ERR_UNFIT, "%s can not be %s: %s", c->job->spec.subject, what,
		str_c(&ids));
	return err_remedy(err, "%s; then start again", remedy);
}

/* A release that can not be solved for anyway spares the solver. */
static bool solvable(const struct inventory *inv, const struct release *target)
{
	return inv->release && streq(inv->arch, "amd64") &&
	       (release_next(inv->release) == target || inv->release == target);
}

/* That no solution exists is for the checks to judge; *unsolved must live as long as *p. */
static int try_solve(struct phase_ctx *c, struct pkg_plan *plan, struct preflight_ctx *p,
		     struct err *unsolved, struct err *err)
{
	if (solve(c, plan, unsolved) == 0) {
		p->plan = plan;
	} else if (unsolved->kind != ERR_UNFIT) {
		*err = *unsolved;
		return -1;
	}
	p->plan_error = unsolved->msg;
	return 0;
}

/* No packages, no sandbox: only client and NFS. */
static int check_awake(struct phase_ctx *c, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;
	_cleanup_(findings_done) struct findings fs = FINDINGS_INIT;

	if (make_job_dir(c, err) < 0 || client_open(&t, c, err) < 0 ||
	    awake_preflight(c, t, &fs, err) < 0 || nfs_preflight(c, t, &fs, err) < 0)
		return -1;
	return judge(c, &fs, err);
}

static int check_migration(struct phase_ctx *c, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;
	_cleanup_mksysb_ struct mksysb *m = NULL;
	_cleanup_root_ struct root facts = ROOT_INIT;
	_cleanup_inventory_ struct inventory inv = INVENTORY_INIT;
	_cleanup_layout_ struct layout layout = LAYOUT_INIT;
	_cleanup_(pkg_plan_done) struct pkg_plan plan = PKG_PLAN_INIT;
	_cleanup_(findings_done) struct findings fs = FINDINGS_INIT;
	_cleanup_map_ struct map *target = map_new(NULL);
	_cleanup_map_ struct map *old = map_new(NULL);
	struct err unsolved = { 0 };
	const struct release *release = release_find(c->job->spec.release);

	_cleanup_free_ char *unlimited = sandbox_limits_missing();
	if (unlimited)
		events_warning(c->events, "%s", unlimited);
	if (!release)
		return err_set(err, ERR_OPERATOR, "lpp_source %s: unknown release '%s'",
			       c->job->spec.lpp_source, c->job->spec.release);
	if (sandbox_check(err) < 0 || make_job_dir(c, err) < 0 ||
	    (client_is_in(c->job) && ask_client(c, &t, &fs, err) < 0) ||
	    mksysb_open(&m, source_image(c->job), err) < 0 || read_image(c, m, err) < 0 ||
	    root_open(&facts, c->job->facts_root, err) < 0 ||
	    inventory_read(&inv, &facts, err) < 0 || common_layout(c, &layout, err) < 0)
		return -1;

	struct preflight_ctx p = {
		.root = &facts,
		.inv = &inv,
		.layout = &layout,
		.target = release,
		.update_allowed = c->job->spec.update,
	};
	if (lpp_check_indexes(c->job->spec.lpp_dir, &fs, err) < 0)
		return -1;
	if (findings_count(&fs, FINDING_INHIBIT))
		p.plan_error = "not tried: the lpp_source is not in order";
	else if (!solvable(&inv, release))
		p.plan_error = "not tried: release or architecture do not fit";
	p.plan_untried = p.plan_error != NULL;
	if (!p.plan_untried && try_solve(c, &plan, &p, &unsolved, err) < 0)
		return -1;
	if ((disk_is_in(c->job) && disk_preflight(c, t, &fs, err) < 0) ||
	    gather(c, m, &p, target, old, err) < 0)
		return -1;
	preflight_run(&p, &fs);
	if (p.plan && common_fact_set(c, "plan", plan_summary(&plan, &inv), err) < 0)
		return -1;
	return judge(c, &fs, err);
}

static int preflight_phase_run(struct phase_ctx *c, struct err *err)
{
	if (awake_is_in(c->job))
		return check_awake(c, err);
	return check_migration(c, err);
}

static int preflight_phase_verify(struct phase_ctx *c, struct err *err)
{
	_cleanup_(pkg_plan_done) struct pkg_plan plan = PKG_PLAN_INIT;

	/* what it has found out is all that it leaves */
	if (awake_is_in(c->job))
		return 0;
	return common_plan_load(c, &plan, err);
}

static int preflight_phase_undo(struct phase_ctx *c, struct err *err)
{
	if (client_is_in(c->job))
		client_forget(c);
	return files_rmtree(c->job->dir, JOB_MARKER, err);
}

const struct phase phase_preflight = {
	.number = 0,
	.name = "preflight",
	.title = "Pre-flight: check everything that could fail later",
	.weight = 8,
	.modes = "ABCDEW",
	.run = preflight_phase_run,
	.verify = preflight_phase_verify,
	.undo = preflight_phase_undo,
};
