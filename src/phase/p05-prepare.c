/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 5: save the configuration, see to the space, restore the base system, merge device data and configuration. */
#include "phase/common.h"
#include "phase/table.h"
#include "sys/files.h"

/* What must stay free in a file system after the migration: a tenth, at least this. */
#define FREE_MIN (256ull << 20)

static int save_config(struct phase_ctx *c, struct merge_site *m, struct err *err)
{
	_cleanup_free_ char *beside = xasprintf("%s/%lld-config.tar.zst", c->job->log_dir,
						(long long)c->job->id);

	events_step(c->events, "Saving the configuration files");
	if (files_mkdirs(c->job->log_dir, 0700, err) < 0)
		return -1;
	return merge_save_config(&m->ctx, beside, err);
}

/* The file system that holds /usr must take what the plan unpacks; image.data says how large it is to be made. */
static int grow(struct phase_ctx *c, struct merge_site *m, struct err *err)
{
	struct layout *l = &m->layout;
	const struct layout_fs *usr = layout_find_fs(l, "/usr");
	const struct layout_fs *target = usr ? usr : layout_find_fs(l, "/");
	int64_t delta = (int64_t)m->plan.unpacked_delta;
	char was[32], is[32];

	events_step(c->events, "Checking for the migration's space");
	for (size_t i = 0; i < l->n_fs; i++) {
		struct layout_fs *f = &l->fs[i];
		if (f != target || !f->size || delta <= 0)
			continue;
		uint64_t need = f->used + (uint64_t)delta;
		need += MAX(need / 10, FREE_MIN);
		if (need <= f->size)
			continue;
		uint64_t more = (need - f->size + (1 << 20) - 1) >> 20 << 20;
		events_warning(c->events, "%s grows from %s to %s in image.data",
			       f->mount_point, fmt_bytes(was, sizeof(was), f->size),
			       fmt_bytes(is, sizeof(is), f->size + more));
		f->size += more;
		for (size_t k = 0; k < l->n_lvs; k++) {
			if (streq0(l->lvs[k].mount_point, f->mount_point))
				l->lvs[k].size += more;
		}
	}
	return common_layout_save(c, l, err);
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
	.modes = "BCDE",
	.run = prepare_run,
	.verify = prepare_verify,
	.undo = prepare_undo,
};
