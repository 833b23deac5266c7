/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merge method locale: language settings and time zone are what they were, also where the new release moved them. */
#include "base/map.h"
#include "merge/method.h"
#include "merge/methods.h"

#define NAME "locale"
#define ZONE "/usr/share/zoneinfo/"

static const struct method_text lost = {
	.id = "merge.locale.lost",
	.severity = FINDING_INFO,
	.title = "A language setting had been lost and was put back",
	.remedy = "",
};
static const struct method_text no_zone = {
	.id = "merge.locale.zone",
	.severity = FINDING_WARN,
	.title = "The time zone is not there in the new release: the clock shows UTC",
	.remedy = "install tzdata-legacy, or choose the zone's present name with "
		  "timedatectl set-timezone",
};

/* Old names that Debian 13 moved to tzdata-legacy, and what they have linked to all along (tzdata's "backward" file). */
static const struct {
	const char *old, *now;
} zones[] = {
	{ "US/Eastern", "America/New_York" },
	{ "US/Central", "America/Chicago" },
	{ "US/Mountain", "America/Denver" },
	{ "US/Pacific", "America/Los_Angeles" },
	{ "US/Arizona", "America/Phoenix" },
	{ "US/Alaska", "America/Anchorage" },
	{ "US/Hawaii", "Pacific/Honolulu" },
	{ "Canada/Eastern", "America/Toronto" },
	{ "Canada/Central", "America/Winnipeg" },
	{ "Canada/Pacific", "America/Vancouver" },
	{ "GB", "Europe/London" },
	{ "Eire", "Europe/Dublin" },
	{ "Poland", "Europe/Warsaw" },
	{ "Portugal", "Europe/Lisbon" },
	{ "Turkey", "Europe/Istanbul" },
	{ "Israel", "Asia/Jerusalem" },
	{ "Japan", "Asia/Tokyo" },
	{ "PRC", "Asia/Shanghai" },
	{ "ROK", "Asia/Seoul" },
	{ "Singapore", "Asia/Singapore" },
	{ "Hongkong", "Asia/Hong_Kong" },
	{ "Asia/Calcutta", "Asia/Kolkata" },
	{ "Asia/Saigon", "Asia/Ho_Chi_Minh" },
	{ "Europe/Kiev", "Europe/Kyiv" },
	{ "Brazil/East", "America/Sao_Paulo" },
	{ "Australia/ACT", "Australia/Sydney" },
	{ "Australia/NSW", "Australia/Sydney" },
	{ "NZ", "Pacific/Auckland" },
	{ "America/Buenos_Aires", "America/Argentina/Buenos_Aires" },
};

static bool applies(const struct merge_ctx *c)
{
	return true;
}

static void read_vars(const struct root *r, const char *path, struct map *ret)
{
	_cleanup_free_ char *text = method_slurp(r, path);
	char *cursor = text;
	for (char *line; (line = method_next_line(&cursor)) != NULL;) {
		char *eq = strchr(line, '=');
		if (!eq)
			continue;
		*eq = '\0';
		char *v = eq + 1;
		size_t n = strlen(v);
		if (n >= 2 && (*v == '"' || *v == '\'') && v[n - 1] == *v) {
			v[n - 1] = '\0';
			v++;
		}
		map_set(ret, line, xstrdup(v));
	}
}

/* systemd's file first, Debian's old one behind it: Debian 13 made the latter a link to the former. */
static void read_locale(const struct root *r, struct map *ret)
{
	read_vars(r, "/etc/locale.conf", ret);
	read_vars(r, "/etc/default/locale", ret);
}

static int check_language(const struct merge_ctx *c, struct err *err)
{
	_cleanup_map_ struct map *old = map_new(free), *now = map_new(free);
	read_locale(method_base(c), old);
	read_locale(c->root, now);
	const char *target = method_exists(c, "/etc/locale.conf") ? "/etc/locale.conf"
								  : "/etc/default/locale";
	_cleanup_free_ char *text = method_slurp(c->root, target);
	_cleanup_str_ struct str out = STR_INIT;
	str_add(&out, text);
	bool changed = false;
	const char *key;
	void *value;
	for (size_t it = 0; map_next(old, &it, &key, &value);) {
		const char *have = map_get(now, key);
		if (have || *(char *)value == '\0')
			continue;
		if (out.len > 0 && out.p[out.len - 1] != '\n')
			str_addc(&out, '\n');
		str_addf(&out, "%s=\"%s\"\n", key, (char *)value);
		method_changed(c, NAME, target, "%s=%s put back", key, (char *)value);
		method_findf(c, &lost, "%s: %s=%s", target, key, (char *)value);
		changed = true;
	}
	return changed ? method_write(c, target, str_c(&out), out.len, err) : 0;
}

/* The zone's name that /etc/localtime links to, or "". */
static char *zone_name(const struct root *r)
{
	_cleanup_free_ char *target = root_readlink(r, "/etc/localtime");
	const char *p = target ? strstr(target, &ZONE[1]) : NULL;
	return xstrdup(p ? p + strlen(&ZONE[1]) : "");
}

static const char *modern_zone(const char *old)
{
	for (size_t i = 0; i < ARRAY_SIZE(zones); i++)
		if (streq(zones[i].old, old))
			return zones[i].now;
	return NULL;
}

static int check_zone(const struct merge_ctx *c, struct err *err)
{
	_cleanup_free_ char *was = zone_name(method_base(c)), *is = zone_name(c->root);
	const char *want = *is ? is : was;
	_cleanup_free_ char *file = xasprintf(ZONE "%s", want);
	/* A copy of the zone's file in place of a link needs nothing. */
	if (*was == '\0' || (*is && root_exists(c->root, file)))
		return 0;
	const char *name = root_exists(c->root, file) ? want : modern_zone(want);
	_cleanup_free_ char *target = name ? xasprintf(ZONE "%s", name) : NULL;
	if (!target || !root_exists(c->root, target)) {
		method_findf(c, &no_zone, "/etc/localtime: %s", want);
		return 0;
	}
	if (root_unlink(c->root, "/etc/localtime", err) < 0 ||
	    root_symlink(c->root, target, "/etc/localtime", err) < 0)
		return -1;
	method_changed(c, NAME, "/etc/localtime", "%s, was %s", name, was);
	return 0;
}

static int run(const struct merge_ctx *c, struct err *err)
{
	if (check_language(c, err) < 0)
		return -1;
	return check_zone(c, err);
}

const struct merge_method method_locale = {
	.name = NAME,
	.title = "Language and time zone",
	.help = "Language variables and time zone stay, also where the new release "
		"keeps them elsewhere or knows the zone by its present name only.",
	.stage = MERGE_AFTER_PACKAGES,
	.applies = applies,
	.run = run,
};
