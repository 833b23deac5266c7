/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merge method machine_identity: it stays the same machine. Keys and names that a maintainer script has made anew or
 * lost are put back as they were before the packages.
 */
#include "merge/baseline.h"
#include "merge/method.h"
#include "merge/methods.h"

#define NAME "machine_identity"

static bool applies(const struct merge_ctx *c)
{
	return true;
}

static bool same_content(const struct merge_ctx *c, const char *path)
{
	struct stat a, b;
	if (root_lstat(method_base(c), path, &a) < 0 || root_lstat(c->root, path, &b) < 0)
		return false;
	/* /var/lib/dbus/machine-id may have become a link to the one that is compared by itself. */
	if (S_ISLNK(b.st_mode))
		return true;
	return method_same(c, path);
}

static int restore(const struct merge_ctx *c, const char *path, struct err *err)
{
	static const struct method_text restored = {
		.id = "merge.machine_identity",
		.severity = FINDING_INFO,
		.title =
			"A file of the machine's identity had been changed and was put back",
		.remedy = "",
	};
	_cleanup_free_ char *dir = xstrdup(path);
	*strrchr(dir, '/') = '\0';
	if (root_mkdirs(c->root, dir, 0755, err) < 0 ||
	    root_copy(method_base(c), path, c->root, path, err) < 0)
		return -1;
	method_changed(c, NAME, path, "put back as it was");
	method_findf(c, &restored, "%s", path);
	return 0;
}

/* Debian 13 keeps the zone in /etc/localtime alone: the package takes /etc/timezone away on purpose. */
static bool may_go(const struct merge_ctx *c, const char *path)
{
	return streq(path, "/etc/timezone") && method_major(c->release) >= 13 &&
	       !method_exists(c, path);
}

static int run(const struct merge_ctx *c, struct err *err)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	for (const char *const *p = baseline_identity(); *p; p++)
		if (method_glob(method_base(c), *p, &paths, err) < 0)
			return -1;
	for (size_t i = 0; i < paths.n; i++) {
		struct stat st;
		if (root_lstat(method_base(c), paths.v[i], &st) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (same_content(c, paths.v[i]) || may_go(c, paths.v[i]))
			continue;
		if (restore(c, paths.v[i], err) < 0)
			return -1;
	}
	return 0;
}

const struct merge_method method_machine_identity = {
	.name = NAME,
	.title = "Machine identity",
	.help = "Host keys, machine-id, host name and the like are put back where a "
		"package changed them.",
	.stage = MERGE_AFTER_PACKAGES,
	.applies = applies,
	.run = run,
};
