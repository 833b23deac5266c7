/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 7: the administrator's post-migration script (-z), then the services' own checks on both roots. */
#include "phase/common.h"
#include "phase/table.h"

static int run_script(struct phase_ctx *c, struct err *err)
{
	if (!*c->job->spec.post_script) {
		events_step(c->events, "There is no post-migration script");
		return common_fact_set(c, "post_script", json_string("none"), err);
	}
	if (common_script(c, c->job->spec.post_script, "post-migration", err) < 0)
		return -1;
	return common_fact_set(c, "post_script", json_string(c->job->spec.post_script),
			       err);
}

static int postmigrate_run(struct phase_ctx *c, struct err *err)
{
	_cleanup_merge_site_ struct merge_site m;

	if (merge_site_open(&m, c, err) < 0 || run_script(c, err) < 0)
		return -1;
	events_step(c->events,
		    "Running the services' own checks on the old and the new root");
	if (merge_site_open_checks(&m, c, err) < 0 || merge_validate(&m.ctx, err) < 0)
		return -1;
	return merge_site_store(&m, c, "validators", err);
}

static int postmigrate_verify(struct phase_ctx *c, struct err *err)
{
	if (!common_fact(c, "post_script") || !common_fact(c, "validators"))
		return err_set(err, ERR_OPERATOR, "script or checks did not end");
	return 0;
}

const struct phase phase_postmigrate = {
	.number = 7,
	.name = "post-script",
	.title = "Post-migration script and the services' own checks",
	.weight = 4,
	.modes = "D",
	.run = postmigrate_run,
	.verify = postmigrate_verify,
};
