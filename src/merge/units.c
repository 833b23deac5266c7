/* SPDX-License-Identifier: GPL-2.0-or-later */
/* systemd's units in a root. */
#include "merge/units.h"

#include <fnmatch.h>

static int scan(const struct root *r, const char *below, int depth, struct map *out,
		struct err *err)
{
	_cleanup_free_ char *dir = xasprintf(UNITS_ETC "/%s", below);
	_cleanup_strv_ struct strv names = STRV_INIT;
	if (root_list(r, dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *rel = *below ? xasprintf("%s/%s", below, names.v[i])
						  : xstrdup(names.v[i]);
		_cleanup_free_ char *path = xasprintf(UNITS_ETC "/%s", rel);
		struct stat st;
		if (root_lstat(r, path, &st) < 0)
			continue;
		if (S_ISLNK(st.st_mode)) {
			char *target = root_readlink(r, path);
			if (target)
				map_set(out, rel, target);
		} else if (S_ISDIR(st.st_mode) && depth > 0) {
			if (scan(r, rel, depth - 1, out, err) < 0)
				return -1;
		}
	}
	return 0;
}

int units_links(const struct root *r, struct map **ret, struct err *err)
{
	*ret = map_new(free);
	if (scan(r, "", 1, *ret, err) == 0)
		return 0;
	*ret = map_free(*ret);
	return -1;
}

const char *units_link_unit(const char *link)
{
	const char *slash = strrchr(link, '/');
	return slash ? slash + 1 : link;
}

static bool is_masked(const struct map *links, const char *unit)
{
	const char *target = map_get(links, unit);
	return target && streq(target, "/dev/null");
}

bool units_is_enabled(const struct map *links, const char *unit)
{
	const char *link;
	void *target;
	for (size_t it = 0; map_next(links, &it, &link, &target);) {
		const char *base = strrchr(target, '/');
		base = base ? base + 1 : target;
		bool names = fnmatch(unit, units_link_unit(link), 0) == 0 ||
			     fnmatch(unit, base, 0) == 0;
		if (names && !streq(target, "/dev/null") &&
		    !is_masked(links, units_link_unit(link)))
			return true;
	}
	return false;
}

static bool in_dirs(const struct root *r, const char *unit)
{
	static const char *const dirs[] = { UNITS_ETC, "/usr/lib/systemd/system",
					    "/lib/systemd/system",
					    "/usr/local/lib/systemd/system" };
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dirs[i], unit);
		struct stat st;
		/* Through links (aliases), but a mask is no unit. */
		if (root_stat(r, path, &st) == 0 && S_ISREG(st.st_mode))
			return true;
	}
	return false;
}

bool units_exists(const struct root *r, const char *unit)
{
	if (in_dirs(r, unit))
		return true;
	const char *at = strchr(unit, '@'), *dot = strrchr(unit, '.');
	if (at && dot && dot > at + 1) {
		_cleanup_free_ char *tmpl = xasprintf("%.*s%s", (int)(at + 1 - unit),
						      unit, dot);
		if (in_dirs(r, tmpl))
			return true;
	}
	/* A System V script is a unit to systemd's generator (until Debian 14). */
	if (!dot || !streq(dot, ".service"))
		return false;
	_cleanup_free_ char *init = xasprintf("/etc/init.d/%.*s", (int)(dot - unit),
					      unit);
	return root_exists(r, init);
}
