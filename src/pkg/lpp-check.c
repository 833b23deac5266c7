/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that an lpp_source holds, verified again from the signature down. */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "pkg/lpp-lists.h"
#include "pkg/lpp-verify.h"
#include "sys/files.h"
#include "sys/proc.h"

#define RELEASE_MAX (16u << 20)

static void bad(const struct lpp *l, struct findings *fs, const char *id,
		const char *title, const char *evidence)
{
	_cleanup_free_ char *remedy = xasprintf("nim -o update %s", l->name);

	findings_add(fs, id, FINDING_INHIBIT, title, evidence, remedy);
}

/* gpgv on a clear-signed file, or on Release with Release.gpg. */
static int check_signature(const struct lpp *l, const struct lpp_source *src,
			   struct findings *fs, struct err *err)
{
	_cleanup_free_ char *inline_name = lpp_sources_list_name(src, "InRelease");
	_cleanup_free_ char *name = lpp_sources_list_name(src, "Release");
	_cleanup_free_ char *in_release = xasprintf("%s/lists/%s", l->dir, inline_name);
	_cleanup_free_ char *release = xasprintf("%s/lists/%s", l->dir, name);
	_cleanup_free_ char *detached = xasprintf("%s.gpg", release);
	_cleanup_free_ char *keyring = xasprintf("%s/etc/keyring.gpg", l->dir);
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct proc_result res;

	strv_add_all(&argv, "gpgv", "--quiet", "--keyring", keyring, NULL);
	if (files_exists(in_release))
		strv_add_all(&argv, "--output", "/dev/null", in_release, NULL);
	else
		strv_add_all(&argv, detached, release, NULL);
	const struct proc_spec spec = { .argv = strv_argv(&argv), .timeout_s = 60 };
	int rc = proc_run(&spec, &res, err);
	if (rc <= 0)
		return rc;
	/* gpgv fails when it lacks any one of several keys; one good signature is what apt asks for, too. */
	if (strstr(res.tail, "Good signature") && !strstr(res.tail, "BAD signature"))
		return 0;
	/* the last line says what is wrong, those before it who signed and when */
	const char *last = strrchr(strip(res.tail), '\n');
	_cleanup_free_ char *evidence = xasprintf("lpp_source %s: %s %s: %s", l->name,
						  src->uri, src->suite,
						  last ? last + 1 : res.tail);
	bad(l, fs, "lpp.signature", "An index's signature does not hold", evidence);
	return 0;
}

/* "Sha256 size main/binary-amd64/Packages" in the section SHA256: of the Release file. */
static bool signed_sum(const char *release, const char *file, struct lpp_record *r)
{
	_cleanup_free_ char *copy = xstrdup(release);
	char *cursor = copy, *line;
	bool inside = false;

	while ((line = next_line(&cursor))) {
		if (*line != ' ') {
			inside = streq(line, "SHA256:");
			continue;
		}
		char *p = line;
		const char *sum = next_field(&p), *size = sum ? next_field(&p) : NULL,
			   *name = size ? next_field(&p) : NULL;
		if (!inside || !name || !streq(name, file) || strlen(sum) != 64)
			continue;
		memcpy(r->sha256, sum, 65);
		r->size = strtoull(size, NULL, 10);
		return true;
	}
	return false;
}

static int check_index(const struct lpp *l, const struct lpp_source *src,
		       const char *release, const char *component, struct findings *fs,
		       struct err *err)
{
	_cleanup_free_ char *file = xasprintf("%s/binary-%s/Packages", component,
					      l->arch);
	_cleanup_free_ char *name = lpp_sources_list_name(src, file);
	_cleanup_free_ char *path = xasprintf("%s/lists/%s", l->dir, name);
	_cleanup_free_ char *why = NULL;
	struct lpp_record r = { 0 };

	if (!files_exists(path))
		return 0;
	int rc = signed_sum(release, file, &r)
			 ? lpp_pool_verify(path, r.sha256, r.size, &why, err)
			 : 1;
	if (rc <= 0)
		return rc;
	_cleanup_free_ char *evidence = xasprintf(
		"%s: %s", path, why ? why : "the signed Release file does not name it");
	bad(l, fs, "lpp.index", "An index is not the one that was signed", evidence);
	return 0;
}

static int check_source(const struct lpp *l, const struct lpp_source *src,
			struct findings *fs, struct err *err)
{
	static const char *const names[] = { "InRelease", "Release" };
	_cleanup_str_ struct str release = STR_INIT;
	_cleanup_strv_ struct strv components = STRV_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(names) && !release.len; i++) {
		_cleanup_free_ char *name = lpp_sources_list_name(src, names[i]);
		_cleanup_free_ char *path = xasprintf("%s/lists/%s", l->dir, name);
		if (files_exists(path) &&
		    files_read(path, RELEASE_MAX, &release, err) < 0)
			return -1;
	}
	bool trusted = lpp_conf_allows(l, "source");
	if (!release.len && trusted)
		return 0;
	if (!release.len) {
		_cleanup_free_ char *evidence = xasprintf("%s %s", src->uri, src->suite);
		bad(l, fs, "lpp.index", "A suite has no index", evidence);
		return 0;
	}
	if (!trusted && check_signature(l, src, fs, err) < 0)
		return -1;
	strv_split(&components, l->components, " ");
	for (size_t i = 0; i < components.n; i++)
		if (check_index(l, src, str_c(&release), components.v[i], fs, err) < 0)
			return -1;
	return 0;
}

/* What is past its Valid-Until was in order when it came, but may lack security updates by now. */
static void check_age(const struct lpp *l, const struct lpp_source *src,
		      struct findings *fs)
{
	_cleanup_free_ char *until = lpp_lists_release_field(l, src, "Valid-Until");
	_cleanup_free_ char *remedy = xasprintf("nim -o update %s", l->name);
	struct tm tm = { 0 };

	if (!until || lpp_conf_allows(l, "expired") ||
	    !strptime(until, "%a, %d %b %Y %H:%M:%S", &tm) || timegm(&tm) >= time(NULL))
		return;
	_cleanup_free_ char *evidence = xasprintf("lpp_source %s: %s %s, Valid-Until %s",
						  l->name, src->uri, src->suite, until);
	findings_add(fs, "lpp.expired", FINDING_WARN, "A signed index is past its time",
		     evidence, remedy);
}

int lpp_check_indexes(const char *dir, struct findings *fs, struct err *err)
{
	_cleanup_lpp_ struct lpp l = LPP_INIT;

	if (lpp_conf_load(&l, dir, err) < 0 || lpp_lists_check(&l, fs, err) < 0)
		return -1;
	for (size_t i = 0; i < l.sources.n; i++)
		check_age(&l, &l.sources.v[i], fs);
	return 0;
}

int lpp_lists_check(const struct lpp *l, struct findings *fs, struct err *err)
{
	for (size_t i = 0; i < l->sources.n; i++)
		if (!l->sources.v[i].flat &&
		    check_source(l, &l->sources.v[i], fs, err) < 0)
			return -1;
	return 0;
}

static int check_shelf(const struct lpp *l, enum lpp_shelf shelf, struct events *ev,
		       struct findings *fs, struct err *err)
{
	_cleanup_map_ struct map *records = lpp_pool_records(l, shelf, err);
	_cleanup_lpp_verify_ struct lpp_verify_list list = { 0 };

	if (!records || lpp_verify_shelf(l, shelf, records, ev, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		if (!list.v[i].why)
			continue;
		_cleanup_free_ char *evidence = xasprintf("%s: %s", list.v[i].path,
							  list.v[i].why);
		bad(l, fs, "lpp.archive", "An archive is not what was verified",
		    evidence);
	}
	return 0;
}

/* What is re-encoded must come from an archive whose own record still stands. */
static int check_origins(const struct lpp *l, struct findings *fs, struct err *err)
{
	_cleanup_map_ struct map *pool = lpp_pool_records(l, LPP_POOL, err);
	_cleanup_map_ struct map *unpack = pool ? lpp_pool_records(l, LPP_UNPACK, err)
						: NULL;
	const char *name;
	void *value;

	if (!pool || !unpack)
		return -1;
	for (size_t it = 0; map_next(unpack, &it, &name, &value);) {
		const struct lpp_record *u = value, *p = map_get(pool, name);
		if (p && streq(p->sha256, u->origin))
			continue;
		_cleanup_free_ char *evidence =
			xasprintf("unpack/%s was made from %s, pool/%s is recorded as %s",
				  name, u->origin, name, p ? p->sha256 : "absent");
		bad(l, fs, "lpp.archive", "An archive is not what was verified",
		    evidence);
	}
	return 0;
}

int lpp_check(const char *dir, struct events *ev, struct findings *fs, struct err *err)
{
	_cleanup_lpp_ struct lpp l = LPP_INIT;

	if (lpp_conf_load(&l, dir, err) < 0 || lpp_lists_check(&l, fs, err) < 0 ||
	    check_shelf(&l, LPP_POOL, ev, fs, err) < 0 ||
	    check_shelf(&l, LPP_UNPACK, ev, fs, err) < 0)
		return -1;
	return check_origins(&l, fs, err);
}
