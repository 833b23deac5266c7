/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debian packages: how the SPOT's tools are called. */
#include "pkg/deb.h"

/* No question may be asked, no pager or menu started, no service restarted, no file of the administrator's replaced. */
const char *const deb_env[] = {
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	"LC_ALL=C.UTF-8",
	"DEBIAN_FRONTEND=noninteractive",
	"DEBCONF_NONINTERACTIVE_SEEN=true",
	"DEBIAN_PRIORITY=critical",
	"APT_LISTCHANGES_FRONTEND=none",
	"NEEDRESTART_SUSPEND=1",
	"UCF_FORCE_CONFFOLD=1",
	"SYSTEMD_OFFLINE=1",
	"TERM=dumb",
	NULL,
};

static const char *const apt_options[] = {
	"Dir=" DEB_ROOT,
	"Dir::State::status=" DEB_ROOT "/var/lib/dpkg/status",
	"Dir::State::lists=" DEB_LPP "/lists",
	"Dir::Cache::archives=" DEB_LPP "/pool",
	"Dir::Cache::pkgcache=",
	"Dir::Cache::srcpkgcache=",
	"Dir::Etc=" DEB_LPP "/etc",
	"Dir::Log=" DEB_ROOT "/var/log/apt",
	"APT::Get::Always-Include-Phased-Updates=1",
	"APT::Sandbox::User=root",
	"APT::Color=0",
	"Acquire::ForceHash=SHA256",
	"Debug::NoLocking=1",
	"Dpkg::Use-Pty=0",
	"DPkg::Options::=--root=" DEB_ROOT,
	"DPkg::Options::=--log=" DEB_ROOT "/var/log/dpkg.log",
	"DPkg::Options::=--path-include=*",
	"DPkg::Options::=--force-confdef",
	"DPkg::Options::=--force-confold",
};

/* The two answers of the client's apt configuration that change what an upgrade installs. */
static const char *const policies[] = { "Install-Recommends", "Install-Suggests" };

/* The quoted value after the last `name` in an apt.conf text, or "". Both APT::name "x" and APT { name "x"; } are met. */
static void policy_value(const char *text, const char *name, char *value, size_t n)
{
	for (const char *p = text; (p = strstr(p, name));) {
		const char *line = p;
		while (line > text && line[-1] != '\n')
			line--;
		p += strlen(name);
		line += strspn(line, " \t");
		if (starts_with(line, "//") || *line == '#')
			continue;
		p += strspn(p, " \t");
		if (*p != '"')
			continue;
		size_t len = strcspn(p + 1, "\"\n");
		snprintf(value, n, "%.*s", (int)len, p + 1);
	}
}

static void client_policy(const struct pkg_ctx *c, struct strv *argv)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_str_ struct str text = STR_INIT;

	if (root_read_opt(c->root, "etc/apt/apt.conf", 0, &text, NULL) < 0 ||
	    root_list(c->root, "etc/apt/apt.conf.d", &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = xasprintf("etc/apt/apt.conf.d/%s",
						      names.v[i]);
		str_addc(&text, '\n');
		if (root_read_opt(c->root, path, 0, &text, NULL) < 0)
			return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		char value[16] = "";
		policy_value(str_c(&text), policies[i], value, sizeof(value));
		if (*value) {
			strv_add(argv, "-o");
			strv_addf(argv, "APT::%s=%s", policies[i], value);
		}
	}
}

void deb_apt_argv(const struct pkg_ctx *c, const char *tool, struct strv *argv)
{
	strv_add(argv, tool);
	for (size_t i = 0; i < ARRAY_SIZE(apt_options); i++)
		strv_add_all(argv, "-o", apt_options[i], NULL);
	client_policy(c, argv);
}

/* path-exclude and path-include of the client's dpkg.cfg: what it never installs must not appear now. */
static void path_filters(const struct pkg_ctx *c, struct strv *argv)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_str_ struct str text = STR_INIT;

	if (root_list(c->root, "etc/dpkg/dpkg.cfg.d", &names, NULL) < 0 ||
	    root_read_opt(c->root, "etc/dpkg/dpkg.cfg", 0, &text, NULL) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = xasprintf("etc/dpkg/dpkg.cfg.d/%s",
						      names.v[i]);
		str_addc(&text, '\n');
		if (root_read_opt(c->root, path, 0, &text, NULL) < 0)
			return;
	}
	_cleanup_free_ char *copy = str_take(&text);
	char *cursor = copy;
	for (char *line; (line = next_line(&cursor));) {
		line = strip(line);
		if (starts_with(line, "path-exclude=") ||
		    starts_with(line, "path-include="))
			strv_addf(argv, "--%s", line);
	}
}

void deb_dpkg_argv(const struct pkg_ctx *c, const char *tool, struct strv *argv)
{
	strv_add_all(argv, tool, "--root=" DEB_ROOT, NULL);
	if (!streq(tool, "dpkg"))
		return;
	strv_add(argv, "--log=" DEB_ROOT "/var/log/dpkg.log");
	/* The SPOT's own filters are for the SPOT: the last matching filter counts. */
	strv_add(argv, "--path-include=*");
	path_filters(c, argv);
}

int deb_capture(const struct pkg_ctx *c, const struct strv *argv, const char *input,
		struct str *out, struct err *err)
{
	struct proc_spec spec = {
		.argv = strv_argv(argv),
		.env = deb_env,
		.input = input,
		.input_len = input ? strlen(input) : 0,
		.timeout_s = 600,
		.out = out,
	};

	return runner_check(c->run, &spec, err);
}
