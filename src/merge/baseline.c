/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stores what must be the same after the packages as before them. */
#include "merge/baseline.h"

#include "merge/method.h"
#include "merge/units.h"

#define UNFINISHED BASELINE_DIR ".new"

static const char *const identity[] = {
	"/etc/machine-id",
	"/etc/hostname",
	"/etc/hosts",
	"/etc/mailname",
	"/etc/hostid",
	"/etc/ssh/ssh_host_*",
	"/etc/krb5.keytab",
	"/etc/iscsi/initiatorname.iscsi",
	"/etc/nvme/hostnqn",
	"/etc/nvme/hostid",
	"/etc/adjtime",
	"/etc/timezone",
	"/var/lib/dbus/machine-id",
	"/var/lib/systemd/credential.secret",
	"/etc/salt/minion_id",
	"/etc/puppet/ssl/private_keys/*",
	NULL,
};

static const char *const others[] = {
	"/etc/passwd",	    "/etc/group",	   "/etc/shadow",    "/etc/gshadow",
	"/etc/locale.conf", "/etc/default/locale", "/etc/localtime", NULL,
};

const char *const *baseline_identity(void)
{
	return identity;
}

static int copy_one(const struct merge_ctx *c, const char *path, struct err *err)
{
	_cleanup_free_ char *to = xasprintf(UNFINISHED "%s", path);
	_cleanup_free_ char *dir = xstrdup(to);
	*strrchr(dir, '/') = '\0';
	struct stat st;
	if (root_lstat(c->root, path, &st) < 0 ||
	    (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)))
		return 0;
	if (root_mkdirs(c->root, dir, 0700, err) < 0)
		return -1;
	return root_copy(c->root, path, c->root, to, err);
}

static int copy_patterns(const struct merge_ctx *c, const char *const *patterns,
			 struct err *err)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	for (; *patterns; patterns++)
		if (method_glob(c->root, *patterns, &paths, err) < 0)
			return -1;
	for (size_t i = 0; i < paths.n; i++)
		if (copy_one(c, paths.v[i], err) < 0)
			return -1;
	return 0;
}

static int copy_links(const struct merge_ctx *c, struct err *err)
{
	_cleanup_map_ struct map *links = NULL;
	if (units_links(c->root, &links, err) < 0)
		return -1;
	const char *link;
	void *target;
	for (size_t it = 0; map_next(links, &it, &link, &target);) {
		_cleanup_free_ char *path = xasprintf(UNITS_ETC "/%s", link);
		if (copy_one(c, path, err) < 0)
			return -1;
	}
	return 0;
}

int baseline_store(const struct merge_ctx *c, struct err *err)
{
	ERR_CONTEXT(err, "storing the baseline");
	if (method_exists(c, BASELINE_DIR))
		return 0;
	if (root_rmtree(c->root, UNFINISHED, err) < 0 ||
	    root_mkdirs(c->root, UNFINISHED, 0700, err) < 0 ||
	    copy_patterns(c, identity, err) < 0 || copy_patterns(c, others, err) < 0 ||
	    copy_links(c, err) < 0)
		return -1;
	return root_rename(c->root, UNFINISHED, BASELINE_DIR, err);
}

int baseline_open(const struct merge_ctx *c, struct root *ret, struct err *err)
{
	if (!method_exists(c, BASELINE_DIR))
		return 1;
	return root_open_sub(ret, c->root, BASELINE_DIR, err);
}
