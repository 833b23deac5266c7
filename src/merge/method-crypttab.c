/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merge method crypttab: plain dm-crypt devices keep the cipher they were made with; the tools to unlock are there. */
#include "merge/devices.h"
#include "merge/method.h"
#include "merge/methods.h"

#define NAME "crypttab"
#define PATH "/etc/crypttab"

/* What cryptsetup took for a plain device before 2.7 (Debian 13); a device made so opens as garbage with other values. */
static const struct {
	const char *option, *def;
} plain_defaults[] = {
	{ "cipher", "aes-cbc-essiv:sha256" },
	{ "size", "256" },
	{ "hash", "ripemd160" },
};
#define PLAIN_CHANGED_IN      13
#define UNLOCKER_SPLIT_IN     13
#define UNLOCKER_PACKAGE      "systemd-cryptsetup"
#define UNLOCKER_IN_INITRAMFS "cryptsetup-initramfs"

static const struct method_text no_unlocker = {
	.id = "merge.crypttab.unlocker",
	.severity = FINDING_WARN,
	.title =
		"Encrypted devices, but the package that unlocks them at boot is not installed",
	.remedy =
		"add systemd-cryptsetup (or cryptsetup-initramfs for the root file system) "
		"with a bundle: nimadm -b",
};
static const struct method_text unknown_device = {
	.id = "merge.crypttab.unknown",
	.severity = FINDING_INFO,
	.title = "crypttab names a device that image.data does not describe",
	.remedy = "make sure that it is there before the first boot",
};

static bool applies(const struct merge_ctx *c)
{
	_cleanup_free_ char *text = method_slurp(c->root, PATH);
	char *cursor = text;
	return method_next_line(&cursor) != NULL;
}

static bool has_key(const struct strv *options, const char *key)
{
	size_t n = strlen(key);
	for (size_t i = 0; i < options->n; i++)
		if (strncmp(options->v[i], key, n) == 0 && options->v[i][n] == '=')
			return true;
	return false;
}

/* Options that are to be added to a plain device's entry, "" for none. */
static char *missing_options(const char *key_file, const char *options)
{
	_cleanup_strv_ struct strv have = STRV_INIT, add = STRV_INIT;
	strv_split(&have, options, ",");
	/* A random key means fresh content at each boot: any cipher will do. */
	if (!strv_has(&have, "plain") || streq(key_file, "/dev/urandom") ||
	    streq(key_file, "/dev/random"))
		return xstrdup("");
	for (size_t i = 0; i < ARRAY_SIZE(plain_defaults); i++)
		if (!has_key(&have, plain_defaults[i].option))
			strv_addf(&add, "%s=%s", plain_defaults[i].option,
				  plain_defaults[i].def);
	return strv_join(&add, ",");
}

static void check_device(const struct merge_ctx *c, const char *name, const char *device)
{
	if (layout_knows_fs(c->layout) && !layout_by_spec(c->layout, device))
		method_findf(c, &unknown_device, "%s on %s", name, device);
}

static void one_line(const struct merge_ctx *c, const char *line, size_t n,
		     struct str *out)
{
	_cleanup_free_ char *copy = xstrndup(line, n);
	char *cursor = copy;
	const char *name = next_field(&cursor), *device = next_field(&cursor);
	const char *key = next_field(&cursor), *options = next_field(&cursor);
	str_addn(out, line, n);
	if (!name || *name == '#' || !device)
		return;
	check_device(c, name, device);
	if (!options || method_major(c->release) < PLAIN_CHANGED_IN ||
	    method_major(c->from_release) >= PLAIN_CHANGED_IN)
		return;
	_cleanup_free_ char *add = missing_options(key, options);
	if (*add == '\0')
		return;
	size_t at = (size_t)(options - copy) + strlen(options);
	out->len -= n;
	str_addn(out, line, at);
	str_addf(out, ",%s", add);
	str_addn(out, line + at, n - at);
	method_changed(c, NAME, PATH,
		       "%s: the old release's defaults of a plain device written out: %s",
		       name, add);
}

static bool will_have(const struct merge_ctx *c, const char *package)
{
	const struct pkg_item *it = c->plan ? pkg_plan_find(c->plan, package, NULL)
					    : NULL;
	if (it)
		return it->action != PKG_REMOVE;
	_cleanup_free_ char *list = xasprintf("/var/lib/dpkg/info/%s.list", package);
	return root_exists(c->old_root, list);
}

static int run(const struct merge_ctx *c, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT, out = STR_INIT;
	int rc = root_read_opt(c->root, PATH, 1 << 20, &text, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	const char *end = str_c(&text) + text.len;
	for (const char *p = str_c(&text); p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		one_line(c, p, (size_t)((nl ? nl : end) - p), &out);
		if (nl)
			str_addc(&out, '\n');
		p = nl ? nl + 1 : end;
	}
	if (method_major(c->release) >= UNLOCKER_SPLIT_IN && c->plan &&
	    !will_have(c, UNLOCKER_PACKAGE) && !will_have(c, UNLOCKER_IN_INITRAMFS))
		method_findf(c, &no_unlocker, "%s has entries", PATH);
	return method_write(c, PATH, str_c(&out), out.len, err);
}

const struct merge_method method_crypttab = {
	.name = NAME,
	.title = "Encrypted devices",
	.help = "Plain dm-crypt devices keep the cipher they were made with, since "
		"cryptsetup 2.7 has other defaults.",
	.stage = MERGE_BEFORE_PACKAGES,
	.applies = applies,
	.run = run,
};
