/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 2: for an image: create the cache tree that the migration works in. */
#include "phase/common.h"
#include "phase/parts.h"
#include "phase/table.h"
#include "sys/files.h"

static int export_run(struct phase_ctx *c, struct err *err)
{
	const struct job *job = c->job;
	_cleanup_parts_ struct parts parts = PARTS_INIT;

	events_step(c->events, "Creating the cache tree %s", job->dir);
	parts_of_job(job, &parts);
	if (files_mkdirs(job->lower, 0755, err) < 0 ||
	    files_mkdirs(job->alt_inst, 0755, err) < 0)
		return -1;
	return parts_make(&parts, err);
}

static int need_dir(const char *dir, struct err *err)
{
	if (files_is_dir(dir))
		return 0;
	return err_set(err, ERR_OPERATOR, "the cache tree lacks %s", dir);
}

static int export_verify(struct phase_ctx *c, struct err *err)
{
	const struct job *job = c->job;
	_cleanup_parts_ struct parts parts = PARTS_INIT;

	parts_of_job(job, &parts);
	for (size_t i = 0; i < parts.n; i++) {
		if (need_dir(parts.v[i].upper, err) < 0 ||
		    need_dir(parts.v[i].work, err) < 0)
			return -1;
	}
	if (need_dir(job->lower, err) < 0)
		return -1;
	return need_dir(job->alt_inst, err);
}

static int export_undo(struct phase_ctx *c, struct err *err)
{
	if (common_drop_changes(c, err) < 0)
		return -1;
	return files_rmtree(c->job->lower, NULL, err);
}

const struct phase phase_export = {
	.number = 2,
	.name = "export",
	.title = "Create the cache tree",
	.weight = 1,
	.modes = "BCDE",
	.run = export_run,
	.verify = export_verify,
	.undo = export_undo,
};
