/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 5: save the configuration, see to the space, restore the base system, merge device data and configuration. */
#include "phase/common.h"
#include "phase/table.h"
#include "sys/files.h"

static int save_config(struct phase_ctx *c, struct merge_site *m, struct err *err)
{
	_cleanup_free_ char *beside = xasprintf("%s/%lld-config.tar.zst", c->job->log_dir,
						(long long)c->job->id);

	events_step(c->events, "Saving the configuration files");
	if (files_mkdirs(c->job->log_dir, 0700, err) < 0)
		return -1;
	return merge_save_config(&m->ctx, beside, err);
}

static int grow(struct phase_ctx *c, struct merge_site *m, struct err *err)
{
	events_step(c->events, "Checking for the migration's space");
	common_grow(&m->layout, &m->plan, c->events);
	return common_layout_save(c, &m->layout, err);
}

static int prepare_run(struct phase_ctx *c, struct err *err)
{
	_cleanup_package_work_ struct package_work w;

	if (package_work_open(&w, c, err) < 0 || save_config(c, &w.m, err) < 0 ||
	    grow(c, &w.m, err) < 0)
		return -1;
	events_step(c->events, "Merging device data and configuration");
	if (merge_run(&w.m.ctx, MERGE_BEFORE_PACKAGES, err) < 0)
		return -1;
	events_step(c->events, "Restoring the base operating system");
	if (w.backend->prepare(&w.ctx, err) < 0 ||
	    w.backend->apply_bos(&w.ctx, &w.m.plan, err) < 0)
		return -1;
	return merge_site_store(&w.m, c, "merge_before", err);
}

static int prepare_verify(struct phase_ctx *c, struct err *err)
{
	if (!common_fact(c, "merge_before"))
		return err_set(err, ERR_OPERATOR,
			       "the merge report of phase 5 is missing");
	return common_verify_packages(c, true, err);
}

/* What phases 4 to 8 wrote lies in the overlay's upper layer: undoing is dropping it. */
static int prepare_undo(struct phase_ctx *c, struct err *err)
{
	return common_drop_changes(c, err);
}

const struct phase phase_prepare = {
	.number = 5,
	.name = "prepare",
	.title = "Save configuration, restore the base system, merge",
	.weight = 22,
	.modes = "ABCDE",
	.run = prepare_run,
	.verify = prepare_verify,
	.undo = prepare_undo,
};
