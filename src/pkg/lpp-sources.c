/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources of an lpp_source, derived from a base or from what the master itself uses. */
#include "pkg/lpp-sources.h"

#include <ctype.h>

#include "sys/files.h"

static char local_uri[] = "file:/lpp_source/local", flat_suite[] = "./";
const struct lpp_source lpp_sources_local = { .uri = local_uri,
					      .suite = flat_suite,
					      .flat = true };

void lpp_sources_done(struct lpp_sources *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].uri);
		free(s->v[i].suite);
	}
	free(s->v);
	*s = (struct lpp_sources){ 0 };
}

void lpp_sources_add(struct lpp_sources *s, const char *uri, const char *suite,
		     bool optional, bool flat)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 8;
		s->v = xrealloc(s->v, s->cap * sizeof(*s->v));
	}
	s->v[s->n++] = (struct lpp_source){ .uri = xstrdup(uri),
					    .suite = xstrdup(suite),
					    .optional = optional,
					    .flat = flat };
}

void lpp_sources_remove(struct lpp_sources *s, size_t i)
{
	free(s->v[i].uri);
	free(s->v[i].suite);
	memmove(&s->v[i], &s->v[i + 1], (s->n - i - 1) * sizeof(*s->v));
	s->n--;
}

enum suite_kind { SUITE_MAIN, SUITE_UPDATES, SUITE_SECURITY, SUITE_OTHER };

static const char *const symbolic_suites[] = { "stable",  "oldstable", "oldoldstable",
					       "testing", "unstable",  "sid",
					       "forky",	  "duke",      NULL };

static size_t release_prefix(const char *suite)
{
	size_t n = strcspn(suite, "-/");
	_cleanup_free_ char *name = xstrndup(suite, n);

	if (release_find(name))
		return n;
	for (size_t i = 0; symbolic_suites[i]; i++)
		if (streq(symbolic_suites[i], name))
			return n;
	return 0;
}

static enum suite_kind suite_kind(const char *suite)
{
	static const struct {
		const char *rest;
		enum suite_kind kind;
	} kinds[] = {
		{ "", SUITE_MAIN },
		{ "-updates", SUITE_UPDATES },
		{ "-security", SUITE_SECURITY },
		{ "/updates", SUITE_SECURITY },
	};
	size_t n = release_prefix(suite);

	for (size_t i = 0; n && i < ARRAY_SIZE(kinds); i++)
		if (streq(suite + n, kinds[i].rest))
			return kinds[i].kind;
	return SUITE_OTHER;
}

/*
 * A third party may call its suite "bookworm" as well. What tells Debian's archive from it without a look at the
 * network is the key it must be signed with, or else the archive's customary path. A wrong guess is harmless: the
 * signature would not be accepted.
 */
static bool is_debian(const struct lpp_entry *e)
{
	if (suite_kind(e->suite) == SUITE_OTHER)
		return false;
	if (e->signed_by && strstr(e->signed_by, "debian-archive"))
		return true;
	if (e->signed_by && *e->signed_by == '/')
		return false;
	return strstr(e->uri, "debian") || starts_with(e->uri, "mirror+");
}

static const struct lpp_entry *entry_of_kind(const struct lpp_entries *es,
					     enum suite_kind kind)
{
	for (size_t i = 0; i < es->n; i++)
		if (is_debian(&es->v[i]) && suite_kind(es->v[i].suite) == kind)
			return &es->v[i];
	return NULL;
}

static char *without_slashes(const char *uri)
{
	size_t n = strlen(uri);

	while (n && uri[n - 1] == '/')
		n--;
	return xstrndup(uri, n);
}

int lpp_sources_derive(struct lpp_sources *s, const struct lpp_entries *es,
		       const char *suites, struct err *err)
{
	const struct lpp_entry *main_entry = entry_of_kind(es, SUITE_MAIN);
	const struct lpp_entry *security = entry_of_kind(es, SUITE_SECURITY);
	_cleanup_strv_ struct strv words = STRV_INIT;

	if (!main_entry) {
		err_set(err, ERR_OPERATOR,
			"no Debian archive among the master's own package sources");
		return err_remedy(err, "name one: -a source=URI, or set NIM_MIRROR");
	}
	_cleanup_free_ char *base = without_slashes(main_entry->uri);
	_cleanup_free_ char *beside = ends_with(base, "/debian")
					      ? xasprintf("%s-security", base)
					      : NULL;
	strv_split(&words, suites, " ,\t\n");
	for (size_t i = 0; i < words.n; i++) {
		const char *uri = base;
		if (suite_kind(words.v[i]) == SUITE_SECURITY)
			uri = security ? security->uri : beside ? beside : base;
		_cleanup_free_ char *plain = without_slashes(uri);
		lpp_sources_add(s, plain, words.v[i], false, false);
	}
	return 0;
}

char *lpp_sources_copy_uri(const char *path)
{
	struct str s = STR_INIT;

	str_add(&s, "copy:");
	for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
		if (*p > 0x20 && *p < 0x7f && !strchr("%\"\\[]{}|^<>#?", *p))
			str_addc(&s, (char)*p);
		else
			str_addf(&s, "%%%02x", *p);
	}
	return str_take(&s);
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *p = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return p ? (int)(p - digits) : -1;
}

char *lpp_sources_local_dir(const char *uri)
{
	struct str s = STR_INIT;
	const char *p = uri;

	if (starts_with(p, "file:") || starts_with(p, "copy:"))
		p += 5;
	else if (*p != '/')
		return NULL;
	if (starts_with(p, "//"))
		p += 2;
	for (; *p; p++) {
		if (*p == '%' && p != uri && hex_digit(p[1]) >= 0 &&
		    hex_digit(p[2]) >= 0) {
			str_addc(&s, (char)(16 * hex_digit(p[1]) + hex_digit(p[2])));
			p += 2;
		} else {
			str_addc(&s, *p);
		}
	}
	return str_take(&s);
}

static const char *const schemes[] = { "http://", "https://",	  "mirror+http://",
				       "ftp://",  "mirror+https", "mirror+file:",
				       "tor+http" };

static int check_uri(const char *uri, struct err *err)
{
	for (const unsigned char *p = (const unsigned char *)uri; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f || strchr("\"\\<>", *p)) {
			err_set(err, ERR_USAGE,
				"source \"%s\": a URI holds no such character as at offset %zu",
				uri, (size_t)((const char *)p - uri));
			return err_remedy(err, "write it as %%%02x", *p);
		}
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (starts_with(uri, schemes[i]))
			return 0;
	err_set(err, ERR_USAGE, "source \"%s\": neither a URI nor file:DIR", uri);
	return err_remedy(err, "give http://..., https://... or file:/DIR");
}

static int from_directory(struct lpp_sources *s, const struct lpp_base *b,
			  const char *given, struct err *err)
{
	_cleanup_free_ char *abs = files_absolute(given);
	_cleanup_free_ char *dir = without_slashes(abs);
	_cleanup_free_ char *dists = xasprintf("%s/dists", dir);
	_cleanup_free_ char *security = xasprintf("%s-security", dir);
	_cleanup_free_ char *uri = lpp_sources_copy_uri(dir);
	_cleanup_free_ char *security_uri = lpp_sources_copy_uri(security);
	_cleanup_strv_ struct strv words = STRV_INIT;

	if (!files_is_dir(dir)) {
		err_set(err, ERR_OPERATOR, "source %s: no such directory", dir);
		return err_remedy(err, "give the directory that holds dists/");
	}
	if (!files_is_dir(dists)) {
		lpp_sources_add(s, uri, "./", false, true);
		return 0;
	}
	strv_split(&words, b->suites, " ,\t\n");
	for (size_t i = 0; i < words.n; i++) {
		enum suite_kind kind = suite_kind(words.v[i]);
		bool apart = kind == SUITE_SECURITY && files_is_dir(security);
		lpp_sources_add(s, apart ? security_uri : uri, words.v[i],
				!b->strict && kind != SUITE_MAIN, false);
	}
	return 0;
}

int lpp_sources_from_base(struct lpp_sources *s, const struct lpp_base *b,
			  struct err *err)
{
	_cleanup_free_ char *dir = lpp_sources_local_dir(b->base);
	_cleanup_free_ char *base = without_slashes(b->base);
	_cleanup_strv_ struct strv words = STRV_INIT;

	if (dir)
		return from_directory(s, b, dir, err);
	if (check_uri(base, err) < 0)
		return -1;
	_cleanup_free_ char *security = xasprintf("%s-security", base);
	const char *host = strstr(base, "://");
	/* "http://host:8080" has no path that something could be put behind. */
	bool has_path = host && strchr(host + 3, '/');
	bool apart = (b->split_security && has_path) || ends_with(base, "/debian");
	strv_split(&words, b->suites, " ,\t\n");
	for (size_t i = 0; i < words.n; i++) {
		enum suite_kind kind = suite_kind(words.v[i]);
		lpp_sources_add(s, apart && kind == SUITE_SECURITY ? security : base,
				words.v[i], !b->strict && kind != SUITE_MAIN, false);
	}
	return 0;
}

/* As apt's URItoFileName: the scheme and credentials go, some characters are written as %xx, '/' becomes '_'. */
char *lpp_sources_list_name(const struct lpp_source *src, const char *file)
{
	_cleanup_free_ char *full = src->flat ? xasprintf("%s/./%s", src->uri, file)
					      : xasprintf("%s/dists/%s/%s", src->uri,
							  src->suite, file);
	const char *p = strchr(full, ':');
	struct str s = STR_INIT;

	p = p ? p + 1 : full;
	if (starts_with(p, "//")) {
		p += 2;
		size_t host = strcspn(p, "/");
		const char *at = memrchr(p, '@', host);
		if (at)
			p = at + 1;
	}
	for (; *p; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == '/')
			str_addc(&s, '_');
		else if (c <= 0x20 || c >= 0x7f || strchr("\\|{}[]<>\"^~_=!@#$%&*", c))
			str_addf(&s, "%%%02x", c);
		else
			str_addc(&s, (char)c);
	}
	return str_take(&s);
}
