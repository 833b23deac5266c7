/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 10: the client serves nothing any more. A cache tree goes in phase 12, once all that is made of it is written. */
#include "phase/nfs.h"
#include "phase/table.h"

static int unexport_run(struct phase_ctx *c, struct err *err)
{
	if (common_detach(c, err) < 0)
		return -1;
	return nfs_end(c->job, err);
}

static int unexport_verify(struct phase_ctx *c, struct err *err)
{
	return nfs_is_gone(c, err);
}

const struct phase phase_unexport = {
	.number = 10,
	.name = "unexport",
	.title = "Remove the exports",
	.weight = 1,
	.flags = PHASE_RETRY,
	.modes = "AW",
	.run = unexport_run,
	.verify = unexport_verify,
};
