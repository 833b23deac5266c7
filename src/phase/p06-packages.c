/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 6: every other package, the bundle and RPM images; then the configuration that packages brought anew. */
#include "phase/common.h"
#include "phase/table.h"

static int packages_run(struct phase_ctx *c, struct err *err)
{
	_cleanup_package_work_ struct package_work w;

	if (package_work_open(&w, c, err) < 0)
		return -1;
	events_step(c->events, "Installing and migrating software");
	if (w.backend->prepare(&w.ctx, err) < 0 ||
	    w.backend->apply_rest(&w.ctx, &w.m.plan, err) < 0)
		return -1;
	events_step(c->events, "Merging configuration files");
	if (merge_run(&w.m.ctx, MERGE_AFTER_PACKAGES, err) < 0)
		return -1;
	return merge_site_store(&w.m, c, "merge_after", err);
}

static int packages_verify(struct phase_ctx *c, struct err *err)
{
	if (!common_fact(c, "merge_after"))
		return err_set(err, ERR_OPERATOR,
			       "the merge report of phase 6 is missing");
	return common_verify_packages(c, false, err);
}

const struct phase phase_packages = {
	.number = 6,
	.name = "packages",
	.title = "Install and migrate software",
	.weight = 40,
	.modes = "ABCDE",
	.run = packages_run,
	.verify = packages_verify,
};
