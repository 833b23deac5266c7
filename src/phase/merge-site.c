/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts together what merge methods, validators and the package system see. */
#include "phase/common.h"

#include "pkg/debfile.h"
#include "pkg/lpp.h"

/* merge_ctx.pristine: the file as the old release's package shipped it, from a verified archive. */
static int pristine(void *arg, const char *pkg, const char *version, const char *arch,
		    const char *path, struct str *out, struct err *err)
{
	const struct job *job = arg;
	_cleanup_free_ char *deb = NULL;
	int r = lpp_fetch_old(job->spec.lpp_dir, pkg, version, arch, &deb, err);

	if (r != 0)
		return r;
	return deb_read_member(deb, path, out, err);
}

int merge_site_open(struct merge_site *m, const struct phase_ctx *c, struct err *err)
{
	_cleanup_inventory_ struct inventory inv = INVENTORY_INIT;

	*m = (struct merge_site){
		.old = SITE_INIT,
		.alt = SITE_INIT,
		.check_old = SITE_INIT,
		.check_alt = SITE_INIT,
	};
	if (site_open(&m->old, c, TREE_LOWER, true, err) < 0 ||
	    site_open(&m->alt, c, TREE_ALT, false, err) < 0 ||
	    common_layout(c, &m->layout, err) < 0 ||
	    common_plan_load(c, &m->plan, err) < 0 ||
	    inventory_read(&inv, &m->old.root, err) < 0)
		return -1;
	m->from_release = xstrdup(inv.codename ? inv.codename : "");
	m->ctx = (struct merge_ctx){
		.old_root = &m->old.root,
		.root = &m->alt.root,
		.run = m->alt.run,
		.run_old = m->old.run,
		.layout = &m->layout,
		.plan = &m->plan,
		.from_release = m->from_release,
		.release = c->job->spec.release,
		.work_dir = c->job->dir,
		.events = c->events,
		.findings = &m->findings,
		.report = json_object(),
		.pristine = pristine,
		.pristine_arg = c->job,
	};
	return 0;
}

int merge_site_open_checks(struct merge_site *m, const struct phase_ctx *c,
			   struct err *err)
{
	if (site_open(&m->check_old, c, TREE_CHECK_LOWER, false, err) < 0 ||
	    site_open(&m->check_alt, c, TREE_CHECK_ALT, false, err) < 0)
		return -1;
	m->ctx.run_old = m->check_old.run;
	m->ctx.run_check = m->check_alt.run;
	return 0;
}

int merge_site_store(struct merge_site *m, const struct phase_ctx *c, const char *key,
		     struct err *err)
{
	for (size_t i = 0; i < m->findings.n; i++)
		events_finding(c->events, &m->findings.v[i]);
	return common_fact_set(c, key,
			       json_pack("{s:o, s:O}", "findings",
					 findings_to_json(&m->findings), "methods",
					 m->ctx.report),
			       err);
}

void merge_site_done(struct merge_site *m)
{
	site_done(&m->old);
	site_done(&m->alt);
	site_done(&m->check_old);
	site_done(&m->check_alt);
	layout_done(&m->layout);
	pkg_plan_done(&m->plan);
	findings_done(&m->findings);
	json_decref(m->ctx.report);
	free(m->from_release);
}

int package_work_open(struct package_work *w, const struct phase_ctx *c, struct err *err)
{
	*w = (struct package_work){ .bundle = STRV_INIT };
	if (merge_site_open(&w->m, c, err) < 0 || common_bundle(c, &w->bundle, err) < 0)
		return -1;
	w->backend = common_backend(&w->m.alt, err);
	if (!w->backend)
		return -1;
	w->ctx = common_pkg(c, &w->m.alt, &w->bundle);
	return 0;
}

void package_work_done(struct package_work *w)
{
	merge_site_done(&w->m);
	strv_done(&w->bundle);
}
