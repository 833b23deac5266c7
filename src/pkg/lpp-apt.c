/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apt's configuration for an lpp_source, and what its complaints mean. */
#include "pkg/lpp-apt.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/parse.h"
#include "pkg/lpp-keyring.h"
#include "sys/files.h"

/* Seconds without a byte after which a mirror counts as gone; NIM_NET_TIMEOUT overrides. */
#define NET_TIMEOUT_S 30

static unsigned net_timeout(void)
{
	const char *text = getenv("NIM_NET_TIMEOUT");
	uint64_t s;

	return text && parse_u64(text, &s, NULL) == 0 && s > 0 && s < 3600
		       ? (unsigned)s
		       : NET_TIMEOUT_S;
}

static const char *const kept_settings[] = {
	"Acquire::http::",  "Acquire::https::",		"Acquire::ftp::",
	"Acquire::tor::",   "Acquire::mirror::",	"Acquire::Proxy-Auto-Detect",
	"Acquire::ForceIP", "Acquire::EnableSrvRecords"
};
static const char *const kept_dates[] = { "Acquire::Check-Valid-Until",
					  "Acquire::Check-Date", "Acquire::Max-ValidTime",
					  "Acquire::Max-FutureTime" };

static bool has_prefix(const char *line, const char *const *prefixes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (starts_with(line, prefixes[i]))
			return true;
	return false;
}

static int add_master_settings(const struct lpp *l, struct str *conf, struct err *err)
{
	_cleanup_str_ struct str out = STR_INIT;
	const char *argv[] = { "apt-config",   "dump",	  "--no-empty", "--format",
			       "%F \"%v\";%n", "Acquire", NULL };
	const struct proc_spec spec = { .argv = argv, .out = &out };

	if (proc_check(&spec, err) < 0)
		return -1;
	_cleanup_free_ char *text = str_take(&out);
	char *cursor = text, *line;
	while ((line = next_line(&cursor)))
		if (has_prefix(line, kept_settings, ARRAY_SIZE(kept_settings)) ||
		    (lpp_conf_is_masters(l) &&
		     has_prefix(line, kept_dates, ARRAY_SIZE(kept_dates))))
			str_addf(conf, "%s\n", line);
	return 0;
}

/* apt drops to user _apt, who must be able to reach the directory; where he cannot, apt has to stay root. */
static bool everyone_reaches(const char *dir)
{
	_cleanup_free_ char *path = xstrdup(dir);
	struct stat st;

	for (char *p = path + strlen(path); p > path; p = strrchr(path, '/')) {
		*p = '\0';
		if (*path && (stat(path, &st) < 0 || !(st.st_mode & S_IXOTH)))
			return false;
	}
	return true;
}

static const char common_settings[] = "Dir::Etc::sourcelist \"/dev/null\";\n"
				      "Dir::Etc::parts \"/dev/null\";\n"
				      "Dir::Etc::main \"/dev/null\";\n"
				      "Dir::Etc::preferences \"/dev/null\";\n"
				      "Dir::Etc::preferencesparts \"/dev/null\";\n"
				      "Dir::Etc::trusted \"/dev/null\";\n"
				      "Dir::Etc::trustedparts \"/dev/null\";\n"
				      "Dir::Cache::pkgcache \"\";\n"
				      "Dir::Cache::srcpkgcache \"\";\n"
				      "Acquire::Languages \"none\";\n"
				      "Acquire::ForceHash \"SHA256\";\n";

static void master_conf(const struct lpp *l, const char *lists, struct str *s)
{
	str_add(s, common_settings);
	str_addf(s, "APT::Architecture \"%s\";\nAPT::Architectures { \"%s\"; };\n",
		 l->arch, l->arch);
	str_addf(
		s,
		"Dir::Etc \"%s/apt\";\nDir::State \"%s\";\nDir::State::lists \"%s/%s\";\n",
		l->dir, l->dir, l->dir, lists);
	str_addf(s,
		 "Dir::State::status \"/dev/null\";\nDir::Cache \"%s/apt/cache\";\n"
		 "Dir::Cache::archives \"%s/apt/cache/archives\";\n",
		 l->dir, l->dir);
	str_add(s, "Dir::Etc::netrc \"/etc/apt/auth.conf\";\n"
		   "Dir::Etc::netrcparts \"/etc/apt/auth.conf.d\";\n"
		   "APT::Update::Error-Mode \"any\";\nAcquire::Retries \"1\";\n"
		   "APT::Install-Recommends \"false\";\n"
		   "Acquire::AllowInsecureRepositories \"false\";\n"
		   "Acquire::GzipIndexes \"false\";\n");
	str_addf(s, "Acquire::http::Timeout \"%u\";\nAcquire::https::Timeout \"%u\";\n",
		 net_timeout(), net_timeout());
	if (!everyone_reaches(l->dir))
		str_add(s, "APT::Sandbox::User \"root\";\n");
	if (lpp_conf_allows(l, "expired"))
		str_add(s, "Acquire::Check-Valid-Until \"false\";\n");
}

static void sandbox_conf(const struct lpp *l, struct str *s)
{
	str_add(s, common_settings);
	str_add(s, "Dir::Etc \"/lpp_source/etc\";\n"
		   "Dir::State::lists \"/lpp_source/lists\";\n"
		   "Dir::Cache::archives \"/lpp_source/pool\";\n");
}

/* `flat`: with the sources whose index is our own, which apt-get update must not ask for. */
static void sources_text(const struct lpp *l, const char *keyring, bool flat,
			 struct str *s)
{
	for (size_t i = 0; i < l->sources.n; i++) {
		const struct lpp_source *src = &l->sources.v[i];
		if (src->flat && !flat)
			continue;
		str_addf(s, "Types: deb\nURIs: %s\nSuites: %s\n", src->uri, src->suite);
		if (!src->flat)
			str_addf(s, "Components: %s\n", l->components);
		if (lpp_conf_allows(l, "source"))
			str_add(s, "Trusted: yes\n\n");
		else
			str_addf(s, "Signed-By: %s\n\n", keyring);
	}
}

static int write_text(const char *dir, const char *name, const struct str *text,
		      struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);

	return files_write_atomic(path, str_c(text), text->len, 0644, err);
}

int lpp_apt_configure(const struct lpp *l, const char *lists, struct err *err)
{
	static const char *const dirs[] = { "etc/sources.list.d",
					    "apt/sources.list.d",
					    "apt/cache/archives/partial",
					    "pool/partial",
					    "unpack",
					    "local",
					    "RPMS" };
	_cleanup_str_ struct str conf = STR_INIT, inside = STR_INIT, here = STR_INIT,
				 there = STR_INIT, local = STR_INIT;
	_cleanup_free_ char *keyring = xasprintf("%s/etc/keyring.gpg", l->dir);

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *dir = xasprintf("%s/%s", l->dir, dirs[i]);
		if (files_mkdirs(dir, 0755, err) < 0)
			return -1;
	}
	if (!lpp_conf_allows(l, "source") &&
	    lpp_keyring_install(l->keyring, keyring, err) < 0)
		return -1;
	if (add_master_settings(l, &conf, err) < 0)
		return -1;
	master_conf(l, lists, &conf);
	sandbox_conf(l, &inside);
	bool published = streq(lists, "lists");
	sources_text(l, keyring, published, &here);
	sources_text(l, "/lpp_source/etc/keyring.gpg", true, &there);
	if (lpp_conf_allows(l, "local"))
		str_add(&local, "Types: deb\nURIs: file:/lpp_source/local\nSuites: ./\n"
				"Trusted: yes\n");
	if (published)
		str_add(&here, str_c(&local));
	if (write_text(l->dir, "apt/apt.conf", &conf, err) < 0 ||
	    write_text(l->dir, "apt/sources.list.d/lpp.sources", &here, err) < 0 ||
	    write_text(l->dir, "etc/apt.conf", &inside, err) < 0 ||
	    write_text(l->dir, "etc/sources.list.d/lpp.sources", &there, err) < 0 ||
	    write_text(l->dir, "etc/sources.list.d/local.sources", &local, err) < 0)
		return -1;
	return 0;
}

int lpp_apt_run(const struct lpp *l, const struct proc_spec *spec,
		struct proc_result *res, struct err *err)
{
	_cleanup_free_ char *env = xasprintf("APT_CONFIG=%s/apt/apt.conf", l->dir);
	const char *const envv[] = { env, NULL };
	struct proc_spec s = *spec;

	s.env = envv;
	return proc_run(&s, res, err);
}

#define GOES_ON                                                                          \
	"check network, proxy and mirror, then try again: lpp_source %s goes on where it stopped"

static const struct meaning {
	const char *needle;
	enum err_kind kind;
	const char *cause;
	const char *remedy; /* "%s" stands for the lpp_source's name */
} meanings[] = {
	{ "No space left on device", ERR_OPERATOR, "the file system is full",
	  "free space there, then try again: lpp_source %s goes on where it stopped" },
	{ "NO_PUBKEY", ERR_OPERATOR, "signed with a key that is not in the keyring",
	  "check where the source comes from; nim -o define ... -a keyring=FILE %s" },
	{ "EXPKEYSIG", ERR_OPERATOR, "signed with a key that has expired",
	  "upgrade the keyring package, then nim -o update %s" },
	{ "KEYEXPIRED", ERR_OPERATOR, "signed with a key that has expired",
	  "upgrade the keyring package, then nim -o update %s" },
	{ "EXPSIG", ERR_OPERATOR, "the signature has expired",
	  "use a mirror that is kept up, then nim -o update %s" },
	{ "REVKEYSIG", ERR_OPERATOR, "signed with a key that was revoked",
	  "do not use this source for %s" },
	{ "BADSIG", ERR_OPERATOR,
	  "bad signature: the index was altered after it was signed",
	  "do not use this mirror for %s until it is known why" },
	{ "is expired", ERR_OPERATOR, "the signed index has expired",
	  "use a mirror that is kept up; for a frozen one: allow_unsigned=expired for %s" },
	{ "is not valid yet", ERR_OPERATOR, "the signed index is from the future",
	  "set this machine's clock, then nim -o update %s" },
	{ "Clearsigned file isn't valid", ERR_OPERATOR,
	  "what came is no signed index (a login page of the network?)",
	  "check the URI and the proxy of lpp_source %s" },
	{ "does not have a Release file", ERR_OPERATOR, "no such suite in the archive",
	  "check source= and suites= of lpp_source %s" },
	{ "no longer has a Release file", ERR_OPERATOR, "no such suite in the archive",
	  "check source= and suites= of lpp_source %s" },
	{ "is not signed", ERR_OPERATOR, "not signed",
	  "give a signed source, or say so by name: -a allow_unsigned=source (%s)" },
	{ "Hash Sum mismatch", ERR_TRANSIENT,
	  "a file is not the one that the signed index names (a mirror in the middle of its own update?)",
	  "try again later or use another mirror: nim -o update %s" },
	{ "File has unexpected size", ERR_TRANSIENT,
	  "a file is not the one that the signed index names (a mirror in the middle of its own update?)",
	  "try again later or use another mirror: nim -o update %s" },
	{ "404 ", ERR_OPERATOR, "the mirror does not have it (any more)",
	  "nim -o update %s" },
	{ "Failed to stat", ERR_OPERATOR, "the directory does not have it",
	  "check the source directory of lpp_source %s" },
	{ "File not found", ERR_OPERATOR, "the directory does not have it",
	  "check the source directory of lpp_source %s" },
	{ "Could not connect", ERR_TRANSIENT, "the mirror does not answer", GOES_ON },
	{ "Could not resolve", ERR_TRANSIENT, "the mirror does not answer", GOES_ON },
	{ "Temporary failure", ERR_TRANSIENT, "the mirror does not answer", GOES_ON },
	{ "Connection failed", ERR_TRANSIENT, "the mirror does not answer", GOES_ON },
	{ "Connection timed out", ERR_TRANSIENT, "the mirror does not answer", GOES_ON },
	{ "Connection reset", ERR_TRANSIENT, "the mirror does not answer", GOES_ON },
	{ "Unable to connect", ERR_TRANSIENT, "the mirror does not answer", GOES_ON },
	{ "Network is unreachable", ERR_TRANSIENT, "the mirror does not answer",
	  GOES_ON },
	{ "Connection closed", ERR_TRANSIENT, "the mirror stopped answering", GOES_ON },
	{ "Error reading from server", ERR_TRANSIENT, "the mirror stopped answering",
	  GOES_ON },
	{ "Undetermined Error", ERR_TRANSIENT, "the mirror stopped answering", GOES_ON },
	{ "Failed to fetch", ERR_TRANSIENT, "the mirror does not give it", GOES_ON },
};

/* The first line that holds the needle, without apt's "E: " or "W: "; malloc'd. */
static char *line_with(const char *output, const char *needle)
{
	const char *at = strstr(output, needle);

	if (!at)
		return NULL;
	const char *begin = at;
	while (begin > output && begin[-1] != '\n')
		begin--;
	_cleanup_free_ char *line = xstrndup(begin, strcspn(begin, "\n"));
	const char *text = strip(line);
	if (starts_with(text, "E: ") || starts_with(text, "W: "))
		text += 3;
	return xstrdup(text);
}

int lpp_apt_explain(const struct lpp *l, const char *output, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		_cleanup_free_ char *first = line_with(output, meanings[i].needle);
		if (!first)
			continue;
		/* apt's closing "E:" lines name the URI; those above may not. */
		const char *closing = strstr(output, "\nE: ");
		_cleanup_free_ char *last =
			closing ? line_with(closing, meanings[i].needle) : NULL;
		const char *line = last ? last : first;
		err_set(err, meanings[i].kind, "lpp_source %s: %s: %s", l->name,
			meanings[i].cause, line);
		const char *slot = strstr(meanings[i].remedy, "%s");
		err_remedy(err, "%.*s%s%s", (int)(slot - meanings[i].remedy),
			   meanings[i].remedy, l->name, slot + 2);
		return 0;
	}
	return -1;
}
