/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 6: every other package, the bundle and RPM images; then the configuration that packages brought anew. */
#include "phase/common.h"
#include "phase/table.h"

static int packages_run(struct phase_ctx *c, struct err *err)
{
	_cleanup_merge_site_ struct merge_site m;
	_cleanup_strv_ struct strv bundle = STRV_INIT;

	if (merge_site_open(&m, c, err) < 0 || common_bundle(c, &bundle, err) < 0)
		return -1;
	const struct pkg_backend *backend = pkg_backend_for(&m.alt.root);
	if (!backend)
		return err_set(err, ERR_INTERNAL,
			       "the alternate root has no package system");
	struct pkg_ctx ctx = common_pkg(c, &m.alt, &bundle);
	events_step(c->events, "Installing and migrating software");
	if (backend->prepare(&ctx, err) < 0 ||
	    backend->apply_rest(&ctx, &m.plan, err) < 0)
		return -1;
	events_step(c->events, "Merging configuration files");
	if (merge_run(&m.ctx, MERGE_AFTER_PACKAGES, err) < 0)
		return -1;
	return merge_site_store(&m, c, "merge_after", err);
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
	.modes = "D",
	.run = packages_run,
	.verify = packages_verify,
};
