/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Phase 9: push what has changed to the client's alternate disk; what was written to over NFS only lacks what that does not
 * carry. With images nothing is mounted between phases.
 */
#include "phase/disk.h"
#include "phase/nfs-direct.h"
#include "phase/nfs.h"
#include "phase/table.h"

static int unmount_run(struct phase_ctx *c, struct err *err)
{
	if (nfs_is_direct(c->job))
		return nfs_direct_finish(c, err);
	if (common_fact_set(c, "push", json_null(), err) < 0 ||
	    common_attach_result(c, err) < 0 || disk_push(c, err) < 0)
		return -1;
	/* what is left of it is not needed any more */
	if (nfs_is_in(c->job) && (common_detach(c, err) < 0 || nfs_end(c->job, err) < 0))
		return -1;
	return 0;
}

/* The client has read its tree back against the new manifest before it said that all is well. */
static int unmount_verify(struct phase_ctx *c, struct err *err)
{
	if (nfs_is_direct(c->job) && !json_is_true(common_fact(c, "restored")))
		return err_set(err, ERR_OPERATOR,
			       "what NFS does not carry is not put back yet");
	if (!nfs_is_direct(c->job) && !json_is_object(common_fact(c, "push")))
		return err_set(err, ERR_OPERATOR, "the changes are not pushed yet");
	return disk_verify(c, err);
}

const struct phase phase_unmount = {
	.number = 9,
	.name = "unmount",
	.title = "Unmount the clone, or push the changes to the client",
	.weight = 20,
	.flags = PHASE_RETRY,
	.modes = "ABCW",
	.run = unmount_run,
	.verify = unmount_verify,
};
