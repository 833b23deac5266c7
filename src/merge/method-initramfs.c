/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merge method initramfs: MODULES=dep looks at the devices of the machine that builds the initramfs. Phase 8 overrides it
 * on the master without changing the image's setting; here a human learns that the first initramfs is a larger one.
 */
#include "merge/method.h"
#include "merge/methods.h"

#define NAME "initramfs"

static bool applies(const struct merge_ctx *c)
{
	return method_exists(c, "/etc/initramfs-tools/initramfs.conf");
}

static bool sets_dep(const struct root *r, const char *path)
{
	_cleanup_free_ char *text = method_slurp(r, path);
	char *cursor = text;
	for (char *line; (line = method_next_line(&cursor)) != NULL;)
		if (starts_with(line, "MODULES=") && strstr(line, "dep"))
			return true;
	return false;
}

static int run(const struct merge_ctx *c, struct err *err)
{
	static const struct method_text overridden = {
		.id = "merge.initramfs.modules",
		.severity = FINDING_INFO,
		.title =
			"MODULES=dep is overridden while the initramfs is built on the master",
		.remedy =
			"once the client runs, update-initramfs -u makes the small one again",
	};
	_cleanup_strv_ struct strv paths = STRV_INIT;
	strv_add(&paths, "/etc/initramfs-tools/initramfs.conf");
	if (method_glob(c->root, "/etc/initramfs-tools/conf.d/*", &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.n; i++)
		if (sets_dep(c->root, paths.v[i]))
			method_findf(c, &overridden, "%s", paths.v[i]);
	return 0;
}

const struct merge_method method_initramfs = {
	.name = NAME,
	.title = "Settings of the initramfs",
	.help = "MODULES=dep is told: phase 8 overrides it, since it would look at the "
		"master's devices.",
	.stage = MERGE_BEFORE_PACKAGES,
	.applies = applies,
	.run = run,
};
