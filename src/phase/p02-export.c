/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 2: for an image: create the cache tree that the migration works in. */
#include "phase/common.h"
#include "phase/table.h"
#include "sys/files.h"

static int export_run(struct phase_ctx *c, struct err *err)
{
	const struct job *job = c->job;
	const char *const dirs[] = { job->lower, job->upper, job->work, job->alt_inst };

	events_step(c->events, "Creating the cache tree %s", job->dir);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (files_mkdirs(dirs[i], 0755, err) < 0)
			return -1;
	}
	return 0;
}

static int export_verify(struct phase_ctx *c, struct err *err)
{
	const struct job *job = c->job;
	const char *const dirs[] = { job->lower, job->upper, job->work, job->alt_inst };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (!files_is_dir(dirs[i]))
			return err_set(err, ERR_OPERATOR, "the cache tree lacks %s",
				       dirs[i]);
	}
	return 0;
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
