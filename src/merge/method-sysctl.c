/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merge method sysctl: Debian 13 reads /etc/sysctl.conf no more and renames an edited one to sysctl.conf.dpkg-bak; its
 * settings go on in /etc/sysctl.d.
 */
#include "base/map.h"
#include "merge/method.h"
#include "merge/methods.h"

#define NAME	  "sysctl"
#define OLD	  "/etc/sysctl.conf"
#define NEW	  "/etc/sysctl.d/60-migrated.conf"
#define GONE_FROM 13

static const struct method_text overridden = {
	.id = "merge.sysctl.order",
	.severity = FINDING_WARN,
	.title = "A kernel setting of /etc/sysctl.conf is set otherwise by a later file",
	.remedy = "/etc/sysctl.conf was read after all others; " NEW
		  " is not: correct the later file",
};

static bool applies(const struct merge_ctx *c)
{
	return method_major(c->release) >= GONE_FROM &&
	       method_major(c->from_release) < GONE_FROM && method_exists(c, OLD);
}

/* "net.ipv4.ip_forward" of "-net/ipv4/ip_forward = 1"; sysctl takes both separators. In place; *ret_value behind '='. */
static char *split_setting(char *line, char **ret_value)
{
	char *eq = strchr(line, '=');
	if (!eq || *line == ';')
		return NULL;
	*eq = '\0';
	*ret_value = strip(eq + 1);
	char *key = strip(*line == '-' ? line + 1 : line);
	for (char *p = key; *p; p++)
		if (*p == '/')
			*p = '.';
	return *key ? key : NULL;
}

static void read_settings(const char *text, struct map *ret)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *cursor = copy;
	for (char *line; (line = method_next_line(&cursor)) != NULL;) {
		char *value, *key = split_setting(line, &value);
		if (key)
			map_set(ret, key, xstrdup(value));
	}
}

static void compare_later(const struct merge_ctx *c, const char *path,
			  const struct map *settings)
{
	_cleanup_free_ char *text = method_slurp(c->root, path);
	_cleanup_map_ struct map *later = map_new(free);
	read_settings(text, later);
	const char *key;
	void *value;
	for (size_t it = 0; map_next(later, &it, &key, &value);) {
		const char *mine = map_get(settings, key);
		if (mine && !streq(mine, value))
			method_findf(c, &overridden, "%s = %s in %s, %s in %s", key, mine,
				     NEW, (const char *)value, path);
	}
}

static int check_order(const struct merge_ctx *c, const struct map *settings,
		       struct err *err)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	if (method_glob(c->root, "/etc/sysctl.d/*.conf", &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.n; i++) {
		_cleanup_free_ char *target = root_readlink(c->root, paths.v[i]);
		/* 99-sysctl.conf: the old release's link to the file itself. */
		if (strcmp(paths.v[i], NEW) > 0 &&
		    !(target && ends_with(target, "sysctl.conf")))
			compare_later(c, paths.v[i], settings);
	}
	return 0;
}

static int run(const struct merge_ctx *c, struct err *err)
{
	_cleanup_free_ char *text = method_slurp(c->root, OLD);
	_cleanup_str_ struct str out = STR_INIT;
	str_addf(&out,
		 "# Settings of %s, which Debian %d reads no more. Written by nimadm.\n",
		 OLD, method_major(c->release));
	size_t n = 0;
	_cleanup_free_ char *copy = xstrdup(text);
	char *cursor = copy;
	for (char *line; (line = method_next_line(&cursor)) != NULL;) {
		if (*line == ';')
			continue;
		str_addf(&out, "%s\n", line);
		n++;
	}
	if (n == 0)
		return 0;
	if (method_write(c, NEW, str_c(&out), out.len, err) < 0)
		return -1;
	method_changed(c, NAME, NEW, "%zu settings taken from %s", n, OLD);
	_cleanup_map_ struct map *settings = map_new(free);
	read_settings(text, settings);
	return check_order(c, settings, err);
}

const struct merge_method method_sysctl = {
	.name = NAME,
	.title = "Kernel settings",
	.help = "Settings of /etc/sysctl.conf, which Debian 13 reads no more, go to "
		"/etc/sysctl.d/60-migrated.conf.",
	.stage = MERGE_BEFORE_PACKAGES,
	.applies = applies,
	.run = run,
};
