/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 2: create the tree that the migration works in; over NFS, have the client serve its clone to us. */
#include "phase/awake.h"
#include "phase/common.h"
#include "phase/nfs-direct.h"
#include "phase/nfs.h"
#include "phase/parts.h"
#include "phase/table.h"
#include "sys/files.h"

/* The parts are known from here on. */
static int export_clone(struct phase_ctx *c, struct err *err)
{
	if (mount_private_namespace(err) < 0)
		return -1;
	events_step(c->events, "Exporting the clone of %s to this master alone",
		    c->job->spec.client);
	return nfs_start(c, err);
}

static int export_run(struct phase_ctx *c, struct err *err)
{
	const struct job *job = c->job;
	_cleanup_parts_ struct parts parts = PARTS_INIT;

	if (nfs_is_in(job) && export_clone(c, err) < 0)
		return -1;
	events_step(c->events, "Creating the %s tree %s",
		    nfs_is_in(job) ? "working" : "cache", job->dir);
	parts_of_job(job, &parts);
	if (files_mkdirs(job->lower, 0755, err) < 0 ||
	    files_mkdirs(job->alt_inst, 0755, err) < 0)
		return -1;
	return nfs_is_direct(job) ? 0 : parts_make(&parts, err);
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
	for (size_t i = 0; i < parts.n && !nfs_is_direct(job); i++) {
		if (need_dir(parts.v[i].upper, err) < 0 ||
		    need_dir(parts.v[i].work, err) < 0)
			return -1;
	}
	if (need_dir(job->lower, err) < 0 || need_dir(job->alt_inst, err) < 0)
		return -1;
	if (!nfs_is_in(job))
		return 0;
	return export_clone(c, err) < 0 ? -1 : nfs_probe(err);
}

static int export_undo(struct phase_ctx *c, struct err *err)
{
	if (common_drop_changes(c, err) < 0 || nfs_end(c->job, err) < 0 ||
	    (awake_is_in(c->job) && awake_remove(c->job, err) < 0))
		return -1;
	return files_rmtree(c->job->lower, NULL, err);
}

const struct phase phase_export = {
	.number = 2,
	.name = "export",
	.title = "Export the clone, or create the cache tree",
	.weight = 1,
	.flags = PHASE_RETRY,
	.modes = "ABCDEW",
	.run = export_run,
	.verify = export_verify,
	.undo = export_undo,
};
