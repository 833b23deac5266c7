/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merge method services: what was enabled, disabled or masked before the packages stays so.
 *
 * Maintainer scripts handle this through deb-systemd-helper, whose record (var/lib/systemd/deb-systemd-helper-enabled)
 * tells a unit that an administrator disabled from one that its package never enabled.
 */
#include <jansson.h>

#include "merge/method.h"
#include "merge/methods.h"
#include "merge/units.h"
#include "model/json.h"

#define NAME   "services"
#define HELPER "/var/lib/systemd/deb-systemd-helper-enabled"

static const struct method_text vanished = {
	.id = "merge.services.gone",
	.severity = FINDING_WARN,
	.title = "A unit that was enabled is not there any more",
	.remedy =
		"see what took its place: its package may have been replaced or renamed",
};

struct state {
	struct map *old, *now;
};

static bool applies(const struct merge_ctx *c)
{
	return method_exists(c, UNITS_ETC);
}

static bool is_mask(const char *target)
{
	return streq(target, "/dev/null");
}

static int put_back(const struct merge_ctx *c, const char *link, const char *target,
		    const char *what, struct err *err)
{
	_cleanup_free_ char *path = xasprintf(UNITS_ETC "/%s", link);
	_cleanup_free_ char *dir = xstrdup(path);
	*strrchr(dir, '/') = '\0';
	if (root_mkdirs(c->root, dir, 0755, err) < 0 ||
	    root_unlink(c->root, path, err) < 0 ||
	    root_symlink(c->root, target, path, err) < 0)
		return -1;
	method_changed(c, NAME, path, "%s", what);
	return 0;
}

static int take_away(const struct merge_ctx *c, const char *link, const char *what,
		     struct err *err)
{
	_cleanup_free_ char *path = xasprintf(UNITS_ETC "/%s", link);
	if (root_unlink(c->root, path, err) < 0)
		return -1;
	method_changed(c, NAME, path, "%s", what);
	return 0;
}

/* A link of the old root that the new root has not. */
static int missing_link(const struct merge_ctx *c, const struct state *s,
			const char *link, const char *target, struct err *err)
{
	const char *unit = units_link_unit(link);
	if (is_mask(target)) {
		/* Where a real file of the same name stands now, the mask has been replaced by hand or script. */
		_cleanup_free_ char *path = xasprintf(UNITS_ETC "/%s", link);
		return method_exists(c, path) ? 0
					      : put_back(c, link, target,
							 "masked again, as it was", err);
	}
	if (units_is_enabled(s->now, unit))
		return 0; /* hangs on another target now */
	if (!units_exists(c->root, unit)) {
		if (strchr(link, '/'))
			method_findf(c, &vanished, "%s (%s)", unit, link);
		return 0;
	}
	return put_back(c, link, target, "enabled again, as it was", err);
}

static bool helper_knows(const struct merge_ctx *c, const char *unit)
{
	_cleanup_free_ char *path = xasprintf(HELPER "/%s.dsh-also", unit);
	return root_exists(c->old_root, path);
}

/* A link of the new root that the old root had not. */
static int added_link(const struct merge_ctx *c, const struct state *s, const char *link,
		      const char *target, struct err *err)
{
	const char *unit = units_link_unit(link);
	if (is_mask(target)) {
		if (!units_is_enabled(s->old, unit) || !units_exists(c->root, unit))
			return 0;
		return take_away(c, link, "unmasked again: it was enabled", err);
	}
	if (units_is_enabled(s->old, unit) || !units_exists(c->old_root, unit)) {
		json_t *row = json_pack("{s:o, s:o}", "link", json_text(link), "target",
					json_text(target));
		if (row)
			method_append(c, NAME, "added", row);
		return 0;
	}
	if (!strchr(link, '/') || !helper_knows(c, unit))
		return 0; /* its package enables it from this version on */
	return take_away(c, link, "disabled again: the administrator had disabled it",
			 err);
}

static int run(const struct merge_ctx *c, struct err *err)
{
	_cleanup_map_ struct map *old = NULL, *now = NULL;
	if (units_links(method_base(c), &old, err) < 0 ||
	    units_links(c->root, &now, err) < 0)
		return -1;
	struct state s = { .old = old, .now = now };
	const char *link;
	void *target;
	for (size_t it = 0; map_next(old, &it, &link, &target);) {
		const char *have = map_get(now, link);
		if ((!have || (is_mask(target) && !is_mask(have))) &&
		    missing_link(c, &s, link, target, err) < 0)
			return -1;
	}
	for (size_t it = 0; map_next(now, &it, &link, &target);)
		if (!map_has(old, link) && added_link(c, &s, link, target, err) < 0)
			return -1;
	return 0;
}

const struct merge_method method_services = {
	.name = NAME,
	.title = "Services",
	.help = "Units stay enabled, disabled or masked as they were.",
	.stage = MERGE_AFTER_PACKAGES,
	.applies = applies,
	.run = run,
};
