/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merge method net_names: no new udev may rename a network interface, or the machine comes up unreachable.
 *
 * The predictable names of the old release are kept by its naming scheme on the kernel's command line
 * (systemd.net-naming-scheme(7)). Names that udev rules gave by address (70-persistent-net.rules, which newer udev
 * does not serve well) are kept by .link files.
 */
#include <ctype.h>

#include "merge/method.h"
#include "merge/methods.h"
#include "model/release.h"

#define NAME	"net_names"
#define SNIPPET "/etc/default/grub.d/nimadm-net-names.cfg"
#define RULES	"/etc/udev/rules.d/70-persistent-net.rules"

static const struct {
	const char *release, *scheme;
} schemes[] = {
	{ "buster", "v240" },
	{ "bullseye", "v247" },
	{ "bookworm", "v252" },
	{ "trixie", "v257" },
};

static const struct method_text pinned = {
	.id = "merge.net_names",
	.severity = FINDING_INFO,
	.title = "Network interface names are pinned to the old release's scheme",
	.remedy = "take " SNIPPET
		  " away and run update-grub once the new names are configured",
};
static const struct method_text no_place = {
	.id = "merge.net_names.unpinned",
	.severity = FINDING_WARN,
	.title =
		"Network interfaces may get other names, and there is no place to pin them",
	.remedy =
		"the system has no GRUB configuration: add net.naming-scheme= to its kernel "
		"command line",
};

static const char *scheme_of(const char *release)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (release && streq(schemes[i].release, release))
			return schemes[i].scheme;
	return NULL;
}

static bool applies(const struct merge_ctx *c)
{
	return scheme_of(c->from_release) != NULL && !streq(c->from_release, c->release);
}

/* "enp1s0", "ens3", "eno1", "wlp2s0": names of udev's making; not "enx<mac>", which no scheme changes. */
static bool is_predictable(const char *name)
{
	static const char *const types[] = { "en", "wl", "ww", "ib", "sl" };
	size_t len = strlen(name);
	if (len < 3 || len > 15)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (starts_with(name, types[i]) && strchr("opsPv", name[2]) &&
		    name[2] != '\0' && strpbrk(name + 2, "0123456789"))
			return true;
	return false;
}

/* Words of the network configuration that look like such names. */
static void collect_names(const char *text, struct strv *ret)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	_cleanup_free_ char *copy = xstrdup(text);
	char *cursor = copy;
	for (char *line; (line = method_next_line(&cursor)) != NULL;)
		strv_split(&words, line, " \t\r\":=,;[]{}'/");
	for (size_t i = 0; i < words.n; i++) {
		char *dot = strchr(words.v[i], '.'); /* enp1s0.100 is a VLAN on enp1s0 */
		if (dot)
			*dot = '\0';
		if (is_predictable(words.v[i]) && !strv_has(ret, words.v[i]))
			strv_add(ret, words.v[i]);
	}
}

static int interfaces(const struct merge_ctx *c, struct strv *ret, struct err *err)
{
	static const char *const patterns[] = {
		"/etc/network/interfaces",
		"/etc/network/interfaces.d/*",
		"/etc/systemd/network/*.network",
		"/etc/systemd/network/*.netdev",
		"/etc/netplan/*.yaml",
		"/etc/NetworkManager/system-connections/*",
		"/etc/nftables.conf",
		"/etc/iptables/rules.v4",
		"/etc/shorewall/interfaces",
		"/etc/dhcp/dhcpd.conf",
		"/etc/default/isc-dhcp-server",
		"/etc/dnsmasq.conf",
		"/etc/dnsmasq.d/*",
		"/etc/keepalived/keepalived.conf",
	};
	_cleanup_strv_ struct strv paths = STRV_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (method_glob(c->root, patterns[i], &paths, err) < 0)
			return -1;
	for (size_t i = 0; i < paths.n; i++) {
		_cleanup_free_ char *text = method_slurp(c->root, paths.v[i]);
		collect_names(text, ret);
	}
	strv_sort(ret);
	return 0;
}

static bool cmdline_has(const struct merge_ctx *c, const char *word)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	struct err err = { 0 };
	strv_add(&paths, "/etc/default/grub");
	if (method_glob(c->root, "/etc/default/grub.d/*.cfg", &paths, &err) < 0)
		return false;
	for (size_t i = 0; i < paths.n; i++) {
		_cleanup_free_ char *text = method_slurp(c->root, paths.v[i]);
		char *cursor = text;
		for (char *line; (line = method_next_line(&cursor)) != NULL;)
			if (!streq(paths.v[i], SNIPPET) && strstr(line, word))
				return true;
	}
	return false;
}

static int pin_scheme(const struct merge_ctx *c, const struct strv *names,
		      struct err *err)
{
	const char *scheme = scheme_of(c->from_release);
	_cleanup_free_ char *list = strv_join(names, " ");
	if (!method_exists(c, "/etc/default/grub")) {
		method_findf(c, &no_place, "%s (scheme %s)", list, scheme);
		return 0;
	}
	_cleanup_free_ char *text = xasprintf(
		"# Written by nimadm: a newer udev would give network interfaces other names.\n"
		"# In use here: %s\n"
		"GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX net.naming-scheme=%s\"\n",
		list, scheme);
	if (method_write(c, SNIPPET, text, strlen(text), err) < 0)
		return -1;
	method_changed(c, NAME, SNIPPET, "net.naming-scheme=%s for %s", scheme, list);
	method_findf(c, &pinned, "%s: net.naming-scheme=%s for %s", SNIPPET, scheme,
		     list);
	return 0;
}

/* The value in KEY=="value" or KEY="value" of a udev rule; malloc'd, NULL when absent. */
static char *rule_value(const char *rule, const char *key)
{
	size_t n = strlen(key);
	for (const char *p = rule; (p = strstr(p, key)) != NULL; p += n) {
		if (p > rule && !strchr(", \t", p[-1]))
			continue;
		const char *q = p + n;
		q += strspn(q, "= ");
		if (*q != '"')
			continue;
		q++;
		return xstrndup(q, strcspn(q, "\""));
	}
	return NULL;
}

static bool good_mac(const char *s)
{
	for (int i = 0; i < 17; i++)
		if (i % 3 == 2 ? s[i] != ':' : !isxdigit((unsigned char)s[i]))
			return false;
	return s[17] == '\0';
}

static bool good_name(const char *s)
{
	size_t n = strlen(s);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-_.", s[i]))
			return false;
	return n > 0 && n < 16 && s[0] != '.';
}

static int link_rules(const struct merge_ctx *c, struct err *err)
{
	_cleanup_free_ char *rules = method_slurp(c->root, RULES);
	char *cursor = rules;
	for (char *line; (line = method_next_line(&cursor)) != NULL;) {
		_cleanup_free_ char *mac = rule_value(line, "ATTR{address}");
		if (!mac)
			mac = rule_value(line, "ATTRS{address}");
		_cleanup_free_ char *name = rule_value(line, "NAME");
		if (!mac || !name || !good_mac(mac) || !good_name(name))
			continue;
		_cleanup_free_ char *path =
			xasprintf("/etc/systemd/network/10-nimadm-%s.link", name);
		_cleanup_free_ char *text = xasprintf("# Written by nimadm from " RULES
						      "\n"
						      "[Match]\nMACAddress=%s\n\n"
						      "[Link]\nName=%s\n",
						      mac, name);
		if (method_write(c, path, text, strlen(text), err) < 0)
			return -1;
		method_changed(c, NAME, path, "%s is named %s, as " RULES " had it", mac,
			       name);
	}
	return 0;
}

static int run(const struct merge_ctx *c, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	if (link_rules(c, err) < 0 || interfaces(c, &names, err) < 0)
		return -1;
	if (names.n == 0 || cmdline_has(c, "net.ifnames=0") ||
	    cmdline_has(c, "net.naming-scheme="))
		return 0;
	return pin_scheme(c, &names, err);
}

const struct merge_method method_net_names = {
	.name = NAME,
	.title = "Network interface names",
	.help = "The old release's naming scheme is put on the kernel's command line, "
		"and names given by udev rules become .link files.",
	.stage = MERGE_BEFORE_PACKAGES,
	.applies = applies,
	.run = run,
};
