/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 4: the administrator's pre-migration script (-a), on the master, against the alternate root. */
#include "phase/common.h"
#include "phase/table.h"

static int premigrate_run(struct phase_ctx *c, struct err *err)
{
	_cleanup_site_ struct site site = SITE_INIT;

	if (!*c->job->spec.pre_script) {
		events_step(c->events, "There is no pre-migration script");
		return common_fact_set(c, "pre_script", json_string("none"), err);
	}
	/* mounts the alternate root for the script */
	if (site_open(&site, c, TREE_ALT, false, err) < 0 ||
	    common_script(c, c->job->spec.pre_script, "pre-migration", err) < 0)
		return -1;
	return common_fact_set(c, "pre_script", json_string(c->job->spec.pre_script),
			       err);
}

static int premigrate_verify(struct phase_ctx *c, struct err *err)
{
	if (!common_fact(c, "pre_script"))
		return err_set(err, ERR_OPERATOR,
			       "the pre-migration script did not end with 0");
	return 0;
}

const struct phase phase_premigrate = {
	.number = 4,
	.name = "pre-script",
	.title = "Pre-migration script",
	.weight = 1,
	.modes = "ABCDE",
	.run = premigrate_run,
	.verify = premigrate_verify,
};
