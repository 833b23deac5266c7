/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 3: the clone's tree, or the image, into the cache tree; over NFS, the clone below the working tree. */
#include "archive/mksysb.h"
#include "phase/awake.h"
#include "phase/disk.h"
#include "phase/nfs-direct.h"
#include "phase/nfs.h"
#include "phase/parts.h"
#include "phase/table.h"
#include "sys/files.h"

/* The tree is a copy of the client's clone rather than a restored image. */
static bool is_pulled(const struct job *job)
{
	return disk_is_in(job) && client_is_source(job);
}

static int compare(struct phase_ctx *c, struct err *err)
{
	if (is_pulled(c->job))
		return disk_verify_pull(c, err);
	_cleanup_mksysb_ struct mksysb *m = NULL;
	_cleanup_root_ struct root lower = ROOT_INIT;

	if (mksysb_open(&m, c->job->image, err) < 0 ||
	    root_open(&lower, c->job->lower, err) < 0)
		return -1;
	return mksysb_compare(m, &lower, 0, NULL, err);
}

static int pull(struct phase_ctx *c, struct err *err)
{
	if (files_rmtree(c->job->lower, NULL, err) < 0 ||
	    files_mkdirs(c->job->lower, 0755, err) < 0)
		return -1;
	return disk_pull(c, common_merges_usr(c), err);
}

static int restore(struct phase_ctx *c, struct err *err)
{
	_cleanup_mksysb_ struct mksysb *m = NULL;
	_cleanup_root_ struct root lower = ROOT_INIT;
	struct progress progress = events_progress(c->events);

	if (is_pulled(c->job))
		return pull(c, err);
	events_step(c->events, "Restoring %s", c->job->image);
	/* what an interrupted run left would be in the way */
	if (files_rmtree(c->job->lower, NULL, err) < 0 ||
	    files_mkdirs(c->job->lower, 0755, err) < 0 ||
	    mksysb_open(&m, c->job->image, err) < 0 ||
	    root_open(&lower, c->job->lower, err) < 0)
		return -1;
	return mksysb_extract(m, &lower, 0, &progress, err);
}

/* usrmerge refuses to run on an overlay, so an unmerged system is merged here, in the plain tree. */
static int merge_usr(struct phase_ctx *c, struct err *err)
{
	_cleanup_site_ struct site site = SITE_INIT;
	const struct release *target = release_find(c->job->spec.release);
	struct stat st;

	if (site_open(&site, c, TREE_LOWER, false, err) < 0)
		return -1;
	const struct pkg_backend *backend = pkg_backend_for(&site.root);
	bool merged = root_lstat(&site.root, "bin", &st) == 0 && S_ISLNK(st.st_mode);
	if (merged || !target || !target->merged_usr || !backend || !backend->merge_usr)
		return 0;
	events_step(c->events, "Merging /bin, /sbin and /lib into /usr");
	/* from here on the tree differs from the image: said before it does */
	if (compare(c, err) < 0 || common_fact_set(c, "usr_merged", json_true(), err) < 0)
		return -1;
	struct pkg_ctx ctx = common_pkg(c, &site, NULL);
	return backend->merge_usr(&ctx, err);
}

/* What an interrupted run has written over it goes. */
static int mount_clone(struct phase_ctx *c, struct err *err)
{
	_cleanup_parts_ struct parts parts = PARTS_INIT;

	if (common_drop_changes(c, err) < 0)
		return -1;
	if (nfs_is_direct(c->job))
		return nfs_direct_save(c, err) < 0 ? -1 : nfs_mount(c, err);
	parts_of_job(c->job, &parts);
	return parts_make(&parts, err) < 0 ? -1 : nfs_fill(c, err);
}

static int mount_run(struct phase_ctx *c, struct err *err)
{
	if (nfs_is_in(c->job))
		return mount_clone(c, err);
	if (common_detach(c, err) < 0 ||
	    common_fact_set(c, "usr_merged", json_false(), err) < 0 ||
	    restore(c, err) < 0)
		return -1;
	return merge_usr(c, err);
}

static int mount_verify(struct phase_ctx *c, struct err *err)
{
	_cleanup_root_ struct root lower = ROOT_INIT;
	struct stat st;

	if (nfs_is_in(c->job))
		return nfs_verify(c, err);
	if (!json_is_true(common_fact(c, "usr_merged"))) {
		events_step(c->events, "Comparing the tree with its manifest");
		return compare(c, err);
	}
	if (root_open(&lower, c->job->lower, err) < 0)
		return -1;
	const char *const links[] = { "bin", "sbin", "lib" };
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		if (root_lstat(&lower, links[i], &st) < 0 || !S_ISLNK(st.st_mode))
			return err_set(err, ERR_OPERATOR, "/%s is not merged into /usr",
				       links[i]);
	}
	return 0;
}

static int mount_undo(struct phase_ctx *c, struct err *err)
{
	bool lost;

	if (awake_is_in(c->job) && awake_end(c, &lost, err) < 0)
		return -1;
	if (common_detach(c, err) < 0 || nfs_end(c->job, err) < 0)
		return -1;
	return common_remove(c, c->job->lower, NULL, err);
}

const struct phase phase_mount = {
	.number = 3,
	.name = "mount",
	.title = "Mount the clone, or fill the cache tree",
	.weight = 14,
	.flags = PHASE_RETRY,
	.modes = "ABCDEW",
	.run = mount_run,
	.verify = mount_verify,
	.undo = mount_undo,
};
