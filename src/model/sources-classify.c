/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells Debian's archives from others: by the client's own index of it, else by the entry's looks. */
#include "model/sources-classify.h"

static const char *const components_known[] = { "main", "contrib", "non-free",
						"non-free-firmware" };

/* Archives that look like Debian mirrors (path ".../debian", suite a Debian codename, component main) and are none. */
static const char *const hosts_other[] = {
	"packages.gitlab.com",	  "download.docker.com",
	"apt.postgresql.org",	  "packages.sury.org",
	"repo.mysql.com",	  "repo.percona.com",
	"downloads.mariadb.com",  "packages.icinga.com",
	"repo.zabbix.com",	  "apt.llvm.org",
	"packages.microsoft.com", "download.proxmox.com",
	"enterprise.proxmox.com", "deb.debian-multimedia.org",
	"packagecloud.io",	  "apt.releases.hashicorp.com",
};

/* Aliases that follow the release in time, and mixed systems: what they name today is not what the client runs. */
static const char *const suites_moving[] = { "stable", "oldstable", "oldoldstable" };
static const char *const suites_unstable[] = { "testing", "sid", "unstable",
					       "experimental", "rc-buggy" };

static bool in_list(const char *const *list, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (streq(list[i], s))
			return true;
	return false;
}

/* "bookworm", "bookworm-security", "bookworm/updates": the rest behind `name`, or NULL. */
static const char *suite_rest(const char *suite, const char *name)
{
	size_t n = strlen(name);
	if (strncmp(suite, name, n) != 0)
		return NULL;
	const char *rest = suite + n;
	return *rest == '\0' || *rest == '-' || *rest == '/' ? rest : NULL;
}

static const char *moving_rest(const struct sources_move *m, const char *suite)
{
	const char *rest = suite_rest(suite, m->from);
	for (size_t i = 0; i < ARRAY_SIZE(suites_moving) && !rest; i++)
		rest = suite_rest(suite, suites_moving[i]);
	return rest;
}

bool sources_names_old(const struct sources_move *m, const char *suite)
{
	return suite_rest(suite, m->from) || suite_rest(suite, "oldstable") ||
	       suite_rest(suite, "oldoldstable");
}

char *sources_suite(const struct sources_move *m, const char *suite)
{
	static const char *const rests[] = {
		"",	      "-updates",	   "-security",
		"-backports", "-backports-sloppy", "-proposed-updates"
	};
	const char *rest = moving_rest(m, suite);
	if (!rest)
		return NULL;
	if (streq(rest, "/updates")) /* security archive before Debian 11 */
		rest = "-security";
	if (streq(rest, "-backports-sloppy"))
		rest = "-backports";
	return in_list(rests, ARRAY_SIZE(rests), rest) ? xasprintf("%s%s", m->to, rest)
						       : NULL;
}

/* Host of a URI, malloc'd; *ret_path points into `uri` behind it. */
static char *uri_host(const char *uri, const char **ret_path)
{
	const char *p = strstr(uri, "://");
	p = p ? p + 3 : uri;
	size_t n = strcspn(p, "/");
	*ret_path = p + n;
	const char *at = memrchr(p, '@', n);
	if (at) {
		n -= (size_t)(at + 1 - p);
		p = at + 1;
	}
	const char *colon = memchr(p, ':', n);
	return xstrndup(p, colon ? (size_t)(colon - p) : n);
}

static bool looks_like_debian(const char *uri)
{
	const char *path;
	_cleanup_free_ char *host = uri_host(uri, &path);
	if (in_list(hosts_other, ARRAY_SIZE(hosts_other), host))
		return false;
	if (streq(host, "debian.org") || ends_with(host, ".debian.org"))
		return true;
	_cleanup_free_ char *p = xstrdup(path);
	for (size_t n = strlen(p); n > 0 && p[n - 1] == '/'; n--)
		p[n - 1] = '\0';
	/* A mirror: .../debian or .../debian-security, as Debian asks its mirrors to be laid out. */
	return ends_with(p, "/debian") || ends_with(p, "/debian-security");
}

static enum sources_origin origin_of(const struct sources_move *m, const char *uri,
				     const struct strv *suites)
{
	for (size_t i = 0; i < suites->n && m->origin; i++) {
		enum sources_origin o = m->origin(m->arg, uri, suites->v[i]);
		if (o != SOURCES_UNKNOWN)
			return o;
	}
	return looks_like_debian(uri) ? SOURCES_DEBIAN : SOURCES_OTHER;
}

static const char *why_not_debian(const struct sources_move *m, const struct strv *uris,
				  const struct strv *suites,
				  const struct strv *components)
{
	for (size_t i = 0; i < components->n; i++)
		if (!in_list(components_known, ARRAY_SIZE(components_known),
			     components->v[i]))
			return "third-party archive";
	if (components->n == 0)
		return "third-party archive (flat)";
	for (size_t i = 0; i < uris->n; i++) {
		const char *uri = uris->v[i];
		if (starts_with(uri, "cdrom:"))
			return "installation medium of the old release";
		if (strstr(uri, "://snapshot."))
			return "a frozen snapshot of the old release";
		if (origin_of(m, uri, suites) != SOURCES_DEBIAN)
			return "third-party archive";
	}
	return NULL;
}

enum sources_verdict sources_classify(const struct sources_move *m,
				      const struct strv *uris, const struct strv *suites,
				      const struct strv *components, const char **ret_why)
{
	*ret_why = why_not_debian(m, uris, suites, components);
	if (*ret_why)
		return SOURCES_DISABLE;
	enum sources_verdict v = SOURCES_KEEP;
	for (size_t i = 0; i < suites->n; i++) {
		const char *suite = suites->v[i];
		_cleanup_free_ char *moved = sources_suite(m, suite);
		if (moved) {
			v = SOURCES_MOVE;
		} else if (in_list(suites_unstable, ARRAY_SIZE(suites_unstable), suite)) {
			*ret_why = "a development release of Debian";
			return SOURCES_DISABLE;
		} else if (!suite_rest(suite, m->to)) {
			*ret_why = "another release of Debian";
			return SOURCES_DISABLE;
		}
	}
	return v;
}
