/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merge method initramfs: MODULES=dep would look at the master's devices, and the client would not boot. */
#include "merge/method.h"
#include "merge/methods.h"

#define NAME	"initramfs"
#define SNIPPET "/etc/initramfs-tools/conf.d/zz-nimadm-modules"

static const char snippet[] =
	"# Written by nimadm: this initramfs was built on another machine.\n"
	"# Take it away to have MODULES=dep again once the client runs.\n"
	"MODULES=most\n";

static bool applies(const struct merge_ctx *c)
{
	return method_exists(c, "/etc/initramfs-tools/initramfs.conf");
}

static bool sets_dep(const struct root *r, const char *path)
{
	_cleanup_free_ char *text = method_slurp(r, path);
	char *cursor = text;
	for (char *line; (line = method_next_line(&cursor)) != NULL;)
		if (starts_with(line, "MODULES=") && !strstr(line, "most"))
			return true;
	return false;
}

static int run(const struct merge_ctx *c, struct err *err)
{
	static const struct method_text forced = {
		.id = "merge.initramfs.modules",
		.severity = FINDING_INFO,
		.title = "The initramfs is built with all usual drivers",
		.remedy = "once the client runs: rm " SNIPPET " && update-initramfs -u",
	};
	_cleanup_strv_ struct strv paths = STRV_INIT;
	strv_add(&paths, "/etc/initramfs-tools/initramfs.conf");
	if (method_glob(c->root, "/etc/initramfs-tools/conf.d/*", &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.n; i++) {
		if (streq(paths.v[i], SNIPPET) || !sets_dep(c->root, paths.v[i]))
			continue;
		if (method_write(c, SNIPPET, snippet, sizeof(snippet) - 1, err) < 0)
			return -1;
		method_changed(c, NAME, SNIPPET, "MODULES=most in place of %s's setting",
			       paths.v[i]);
		method_findf(c, &forced, "%s does not set MODULES=most", paths.v[i]);
		break;
	}
	return 0;
}

const struct merge_method method_initramfs = {
	.name = NAME,
	.title = "Settings of the initramfs",
	.help = "MODULES=dep is overridden: it would look at the master's devices.",
	.stage = MERGE_BEFORE_PACKAGES,
	.applies = applies,
	.run = run,
};
