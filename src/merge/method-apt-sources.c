/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merge method apt_sources: the client's own source lists, pins and default release follow it to the target release. */
#include <jansson.h>
#include <strings.h>

#include "merge/method.h"
#include "merge/methods.h"
#include "model/deb822.h"
#include "model/release.h"
#include "model/sources.h"

#define NAME "apt_sources"

static bool applies(const struct merge_ctx *c)
{
	struct stat st;
	return root_stat(c->root, "/etc/apt", &st) == 0 && S_ISDIR(st.st_mode) &&
	       !streq(c->from_release, c->release);
}

/* apt's own name of an archive's index: the URI without scheme and user, '/' as '_', odd characters as %xx. */
static char *list_name(const char *uri, const char *suite)
{
	const char *p = strstr(uri, "://");
	p = p ? p + 3 : uri;
	size_t host = strcspn(p, "/");
	const char *at = memrchr(p, '@', host);
	if (at)
		p = at + 1;
	_cleanup_free_ char *full = xasprintf(
		"%s%sdists/%s/", p, *p && p[strlen(p) - 1] == '/' ? "" : "/", suite);
	_cleanup_str_ struct str out = STR_INIT;
	for (const char *q = full; *q; q++) {
		if (*q == '/')
			str_addc(&out, '_');
		else if (strchr("\\|{}[]<>\"^~_=!@#$%&*", *q) || *q <= ' ' || *q == 0x7f)
			str_addf(&out, "%%%02x", (unsigned char)*q);
		else
			str_addc(&out, *q);
	}
	return str_take(&out);
}

static enum sources_origin index_origin(void *arg, const char *uri, const char *suite)
{
	static const char *const ends[] = { "InRelease", "Release" };
	const struct merge_ctx *c = arg;
	_cleanup_free_ char *base = list_name(uri, suite);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		_cleanup_free_ char *path = xasprintf("/var/lib/apt/lists/%s%s", base,
						      ends[i]);
		_cleanup_free_ char *text = method_slurp(c->old_root, path);
		char *cursor = text;
		for (char *line; (line = next_line(&cursor)) != NULL;) {
			if (strncasecmp(line, "Origin:", 7) != 0)
				continue;
			return strcasecmp(strip(line + 7), "Debian") == 0 ? SOURCES_DEBIAN
									  : SOURCES_OTHER;
		}
	}
	return SOURCES_UNKNOWN;
}

static struct sources_move make_move(const struct merge_ctx *c)
{
	const struct release *from = release_find(c->from_release);
	const struct release *to = release_find(c->release);
	return (struct sources_move){
		.from = c->from_release,
		.to = c->release,
		.add_firmware = from && to && from->major < 12 && to->major >= 12,
		.origin = index_origin,
		.arg = (void *)(uintptr_t)c,
	};
}

/* ---- source lists ---- */

static void report_result(const struct merge_ctx *c, const char *path,
			  const struct sources_result *res)
{
	static const struct method_text third = {
		.id = "merge.apt_sources.disabled",
		.severity = FINDING_WARN,
		.title = "A package source was disabled",
		.remedy =
			"find its version for the new release, then take the comment or "
			"'Enabled: no' away and run apt update; the original is under " MERGE_SAVE_DIR,
	};
	for (size_t i = 0; i < res->moved.n; i++)
		method_changed(c, NAME, path, "moved to %s: %s", c->release,
			       res->moved.v[i]);
	for (size_t i = 0; i < res->disabled.n; i++) {
		method_changed(c, NAME, path, "disabled (%s): %s", res->why.v[i],
			       res->disabled.v[i]);
		method_findf(c, &third, "%s: %s: %s", path, res->why.v[i],
			     res->disabled.v[i]);
	}
}

static int move_file(const struct merge_ctx *c, const char *path, bool deb822,
		     struct err *err)
{
	static const struct method_text malformed = {
		.id = "merge.apt_sources.malformed",
		.severity = FINDING_WARN,
		.title = "A package source list cannot be read and was left as it is",
		.remedy = "correct the file; apt refuses to work until then",
	};
	struct sources_move m = make_move(c);
	_cleanup_str_ struct str text = STR_INIT, out = STR_INIT;
	_cleanup_sources_ struct sources_result res = SOURCES_RESULT_INIT;
	int rc = root_read_opt(c->root, path, 1 << 20, &text, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	struct err bad = { 0 };
	if (!deb822) {
		sources_move_list(&m, str_c(&text), text.len, &out, &res);
	} else if (sources_move_deb822(&m, path, str_c(&text), text.len, &out, &res,
				       &bad) < 0) {
		method_findf(c, &malformed, "%s", bad.msg);
		return 0;
	}
	if (method_write(c, path, str_c(&out), out.len, err) < 0)
		return -1;
	report_result(c, path, &res);
	return 0;
}

static int move_lists(const struct merge_ctx *c, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	if (move_file(c, "/etc/apt/sources.list", false, err) < 0 ||
	    root_list(c->root, "/etc/apt/sources.list.d", &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		bool deb822 = ends_with(names.v[i], ".sources");
		if (!deb822 && !ends_with(names.v[i], ".list"))
			continue;
		_cleanup_free_ char *path = xasprintf("/etc/apt/sources.list.d/%s",
						      names.v[i]);
		if (move_file(c, path, deb822, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- preferences ---- */

static int move_pins(const struct merge_ctx *c, const char *path, struct err *err)
{
	static const struct method_text dropped = {
		.id = "merge.apt_sources.pin",
		.severity = FINDING_WARN,
		.title = "A pin that names the old release was disabled",
		.remedy = "write it anew for the new release if it is still wanted",
	};
	static const struct method_text malformed = {
		.id = "merge.apt_sources.malformed",
		.severity = FINDING_WARN,
		.title = "A preferences file cannot be read and was left as it is",
		.remedy = "correct the file; apt refuses to work until then",
	};
	struct sources_move m = make_move(c);
	_cleanup_str_ struct str text = STR_INIT, out = STR_INIT;
	_cleanup_strv_ struct strv pins = STRV_INIT;
	int rc = root_read_opt(c->root, path, 1 << 20, &text, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	struct err bad = { 0 };
	if (sources_drop_pins(&m, path, str_c(&text), text.len, &out, &pins, &bad) < 0) {
		method_findf(c, &malformed, "%s", bad.msg);
		return 0;
	}
	if (pins.n == 0)
		return 0;
	if (method_write(c, path, str_c(&out), out.len, err) < 0)
		return -1;
	for (size_t i = 0; i < pins.n; i++) {
		method_changed(c, NAME, path, "disabled: %s", pins.v[i]);
		method_findf(c, &dropped, "%s: %s", path, pins.v[i]);
	}
	return 0;
}

/* ---- apt.conf ---- */

/* A Default-Release that no source knows makes every apt command fail. */
static int move_default_release(const struct merge_ctx *c, const char *path,
				struct err *err)
{
	_cleanup_free_ char *text = method_slurp(c->root, path);
	_cleanup_str_ struct str out = STR_INIT;
	const char *rest = text;
	size_t n = strlen(c->from_release);
	bool changed = false;
	for (const char *p; (p = strcasestr(rest, "Default-Release")) != NULL;) {
		p += strlen("Default-Release");
		p += strspn(p, " \t\n\"");
		str_addn(&out, rest, (size_t)(p - rest));
		rest = p;
		if (strncmp(p, c->from_release, n) == 0 && (p[n] == '"' || p[n] == ';')) {
			str_add(&out, c->release);
			rest += n;
			changed = true;
		}
	}
	if (!changed)
		return 0;
	str_add(&out, rest);
	if (method_write(c, path, str_c(&out), out.len, err) < 0)
		return -1;
	method_changed(c, NAME, path, "APT::Default-Release is %s now", c->release);
	return 0;
}

static int each_of(const struct merge_ctx *c, const char *file, const char *dir,
		   int (*fn)(const struct merge_ctx *, const char *, struct err *),
		   struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	if (fn(c, file, err) < 0 || root_list(c->root, dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, names.v[i]);
		struct stat st;
		if (root_stat(c->root, path, &st) == 0 && S_ISREG(st.st_mode) &&
		    fn(c, path, err) < 0)
			return -1;
	}
	return 0;
}

static int run(const struct merge_ctx *c, struct err *err)
{
	if (move_lists(c, err) < 0 ||
	    each_of(c, "/etc/apt/preferences", "/etc/apt/preferences.d", move_pins, err) <
		    0)
		return -1;
	return each_of(c, "/etc/apt/apt.conf", "/etc/apt/apt.conf.d",
		       move_default_release, err);
}

const struct merge_method method_apt_sources = {
	.name = NAME,
	.title = "Package sources",
	.help = "Debian's own entries of the source lists are moved to the target "
		"release; others are kept but disabled and told; pins and a default "
		"release that name the old release are corrected.",
	.stage = MERGE_BEFORE_PACKAGES,
	.applies = applies,
	.run = run,
};

/* ---- after the packages: what the lists need is there ---- */

static void check_key(const struct merge_ctx *c, const char *path, const char *key)
{
	static const struct method_text missing = {
		.id = "merge.apt_sources.keyring",
		.severity = FINDING_WARN,
		.title = "A package source names a keyring that is not there",
		.remedy = "install the keyring; apt update refuses the source until then",
	};
	if (*key == '/' && !root_exists(c->root, key))
		method_findf(c, &missing, "%s: %s", path, key);
}

static void check_deb822(const struct merge_ctx *c, const char *path, const char *text)
{
	struct deb822_reader r;
	deb822_init(&r, path, text, strlen(text));
	_cleanup_deb822_ struct deb822_stanza st = DEB822_STANZA_INIT;
	while (deb822_next(&r, &st, NULL) > 0) {
		_cleanup_free_ char *enabled = deb822_dup(&st, "Enabled");
		_cleanup_free_ char *key = deb822_dup(&st, "Signed-By");
		char *cursor = key;
		for (char *w; !(enabled && streq(enabled, "no")) && key &&
			      (w = next_field(&cursor)) != NULL;)
			check_key(c, path, w);
	}
}

static void check_list(const struct merge_ctx *c, const char *path, char *text)
{
	char *cursor = text;
	for (char *line; (line = method_next_line(&cursor)) != NULL;) {
		char *key = strcasestr(line, "signed-by=");
		if (!key)
			continue;
		key += strlen("signed-by=");
		key[strcspn(key, " \t],")] = '\0';
		check_key(c, path, key);
	}
}

static int check(const struct merge_ctx *c, struct err *err)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	if (method_glob(c->root, "/etc/apt/sources.list", &paths, err) < 0 ||
	    method_glob(c->root, "/etc/apt/sources.list.d/*.list", &paths, err) < 0 ||
	    method_glob(c->root, "/etc/apt/sources.list.d/*.sources", &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.n; i++) {
		_cleanup_free_ char *text = method_slurp(c->root, paths.v[i]);
		if (ends_with(paths.v[i], ".sources"))
			check_deb822(c, paths.v[i], text);
		else
			check_list(c, paths.v[i], text);
	}
	return 0;
}

const struct merge_method method_apt_sources_check = {
	.name = "apt_sources_check",
	.title = "Keyrings of the package sources",
	.help = "Keyrings that source lists name must be there.",
	.stage = MERGE_AFTER_PACKAGES,
	.applies = applies,
	.run = check,
};
