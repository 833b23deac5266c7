/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 12: remove what was temporary. -E and -D keep the working tree. */
#include "phase/disk.h"
#include "phase/table.h"
#include "sys/files.h"

static bool keep(const struct phase_ctx *c)
{
	return c->job->spec.keep || c->job->spec.debug;
}

static int cleanup_run(struct phase_ctx *c, struct err *err)
{
	if (disk_is_in(c->job))
		client_forget(c);
	if (keep(c)) {
		events_step(c->events, "Keeping the working tree %s", c->job->dir);
		return 0;
	}
	events_step(c->events, "Removing the working tree %s", c->job->dir);
	if (common_detach(c, err) < 0)
		return -1;
	return common_remove(c, c->job->dir, JOB_MARKER, err);
}

static int cleanup_verify(struct phase_ctx *c, struct err *err)
{
	if (!keep(c) && files_exists(c->job->dir))
		return err_set(err, ERR_OPERATOR, "%s is still there", c->job->dir);
	return 0;
}

const struct phase phase_cleanup = {
	.number = 12,
	.name = "cleanup",
	.title = "Clean up",
	.weight = 1,
	.modes = "BCDE",
	.run = cleanup_run,
	.verify = cleanup_verify,
};
