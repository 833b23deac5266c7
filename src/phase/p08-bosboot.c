/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 8: one initramfs per kernel and a boot loader configuration that names what image.data says. */
#include "boot/boot.h"
#include "model/json.h"
#include "phase/common.h"
#include "phase/table.h"

struct boot_site {
	struct site site;
	struct layout layout;
	struct boot_ctx ctx;
	const struct boot_backend *backend;
	char *run_dir;
};

static void boot_site_done(struct boot_site *b)
{
	site_done(&b->site);
	layout_done(&b->layout);
	free(b->run_dir);
}

static int boot_site_open(struct boot_site *b, struct phase_ctx *c, struct err *err)
{
	*b = (struct boot_site){ .site = SITE_INIT };
	if (site_open(&b->site, c, TREE_ALT, false, err) < 0 ||
	    common_layout(c, &b->layout, err) < 0)
		return -1;
	b->run_dir = xasprintf("%s/run", c->job->dir);
	b->ctx = (struct boot_ctx){
		.root = &b->site.root,
		.run = b->site.run,
		.run_dir = b->run_dir,
		.layout = &b->layout,
		.events = c->events,
	};
	b->backend = boot_backend_for(&b->site.root, &b->layout);
	if (!b->backend)
		return err_set(err, ERR_INTERNAL, "no boot backend fits this system");
	return 0;
}

static int bosboot_run(struct phase_ctx *c, struct err *err)
{
	_cleanup_(boot_site_done) struct boot_site b;

	if (boot_site_open(&b, c, err) < 0)
		return -1;
	const struct pkg_backend *pkg = pkg_backend_for(&b.site.root);
	if (!pkg)
		return err_set(err, ERR_INTERNAL,
			       "the alternate root has no package system");
	struct pkg_ctx ctx = common_pkg(c, &b.site, NULL);
	/* the tools that phases 5 and 6 held back are needed now */
	if (pkg->finish(&ctx, err) < 0)
		return -1;
	events_step(c->events, "Creating the boot image (%s)", b.backend->name);
	if (b.backend->prepare && b.backend->prepare(&b.ctx, err) < 0)
		return -1;
	return b.backend->build ? b.backend->build(&b.ctx, err) : 0;
}

static int bosboot_verify(struct phase_ctx *c, struct err *err)
{
	_cleanup_(boot_site_done) struct boot_site b;
	_cleanup_(findings_done) struct findings fs = FINDINGS_INIT;
	_cleanup_strv_ struct strv kernels = STRV_INIT;

	if (boot_site_open(&b, c, err) < 0)
		return -1;
	if (b.backend->verify && b.backend->verify(&b.ctx, &fs, err) < 0)
		return -1;
	for (size_t i = 0; i < fs.n; i++) {
		events_finding(c->events, &fs.v[i]);
		if (fs.v[i].severity != FINDING_INHIBIT)
			continue;
		err_set(err, ERR_OPERATOR, "%s: %s: %s", fs.v[i].id, fs.v[i].title,
			fs.v[i].evidence);
		return *fs.v[i].remedy ? err_remedy(err, "%s", fs.v[i].remedy) : -1;
	}
	if (boot_kernels(&b.site.root, &kernels, err) < 0)
		return -1;
	return common_fact_set(c, "boot",
			       json_pack("{s:s, s:o, s:o}", "loader", b.backend->name,
					 "kernels", json_from_strv(&kernels), "findings",
					 findings_to_json(&fs)),
			       err);
}

const struct phase phase_bosboot = {
	.number = 8,
	.name = "bosboot",
	.title = "Create the boot image",
	.weight = 12,
	.modes = "ABCDE",
	.run = bosboot_run,
	.verify = bosboot_verify,
};
