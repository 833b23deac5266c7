/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fetching and verifying indexes with apt-get update. */
#include "pkg/lpp-lists.h"

#include <errno.h>
#include <fcntl.h>

#include "pkg/lpp-apt.h"
#include "pkg/lpp-index.h"
#include "sys/files.h"
#include "sys/root.h"

#define RELEASE_MAX   (16u << 20)
#define UPDATE_TIME_S 3600
#define LISTS_NEW     "lists.new"

/* The text of InRelease, else of Release. 1: neither is there. */
static int read_release(const struct lpp *l, const char *lists,
			const struct lpp_source *src, struct str *out, struct err *err)
{
	static const char *const names[] = { "InRelease", "Release" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *name = lpp_sources_list_name(src, names[i]);
		_cleanup_free_ char *path = xasprintf("%s/%s/%s", l->dir, lists, name);
		if (files_exists(path))
			return files_read(path, RELEASE_MAX, out, err);
	}
	return 1;
}

/* First line "Field: value" of the text; malloc'd. */
static char *field_of(const char *text, const char *field)
{
	size_t n = strlen(field);

	for (const char *p = text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (strncmp(p, field, n) == 0 && p[n] == ':') {
			_cleanup_free_ char *value = xstrndup(p + n + 1,
							      strcspn(p + n + 1, "\n"));
			return xstrdup(strip(value));
		}
	return NULL;
}

char *lpp_lists_release_field(const struct lpp *l, const struct lpp_source *src,
			      const char *field)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (src->flat || read_release(l, "lists", src, &text, NULL) != 0)
		return NULL;
	return field_of(str_c(&text), field);
}

/* apt only warns when an archive serves another suite than asked for; here it is an error. */
static int check_suite(const struct lpp *l, const struct lpp_source *src, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	int rc = read_release(l, LISTS_NEW, src, &text, err);

	if (rc < 0)
		return -1;
	if (rc > 0 && lpp_conf_allows(l, "source"))
		return 0;
	if (rc > 0)
		return err_set(err, ERR_OPERATOR,
			       "lpp_source %s: no signed index of %s %s came", l->name,
			       src->uri, src->suite);
	_cleanup_free_ char *codename = field_of(str_c(&text), "Codename");
	_cleanup_free_ char *suite = field_of(str_c(&text), "Suite");
	size_t base = strlen(l->release->codename);
	bool asked = streq0(codename, src->suite) || streq0(suite, src->suite) ||
		     (ends_with(src->suite, "/updates") && codename &&
		      starts_with(src->suite, codename));
	/* "stable" may be any release: then the code name must be the one that was asked for. */
	bool right = !codename || (starts_with(codename, l->release->codename) &&
				   (codename[base] == '\0' || codename[base] == '-'));
	if (asked && right)
		return 0;
	err_set(err, ERR_OPERATOR,
		"lpp_source %s: %s %s says it is \"%s\" (%s), which is not %s of %s",
		l->name, src->uri, src->suite, codename ? codename : "?",
		suite ? suite : "?", src->suite, l->release->codename);
	return err_remedy(err, "check source=, suites= and release= of lpp_source %s",
			  l->name);
}

struct apt_output {
	struct events *ev;
	struct str text;
};

static void on_line(void *arg, const char *line, bool is_err)
{
	struct apt_output *out = arg;

	str_addf(&out->text, "%s\n", line);
	if (out->ev)
		events_output(out->ev, line);
}

/* The optional source that apt says does not exist. Of an unsigned one apt does not miss the Release file but the rest. */
static ssize_t missing_optional(const struct lpp *l, const char *output)
{
	for (size_t i = 0; i < l->sources.n; i++) {
		const struct lpp_source *src = &l->sources.v[i];
		_cleanup_free_ char *said =
			xasprintf("'%s %s Release' does not have a Release file",
				  src->uri, src->suite);
		_cleanup_free_ char *failed = xasprintf("E: Failed to fetch %s/dists/%s/",
							src->uri, src->suite);
		if (src->optional &&
		    (strstr(output, said) ||
		     (lpp_conf_allows(l, "source") && strstr(output, failed))))
			return (ssize_t)i;
	}
	return -1;
}

/* 0: done; 1: an optional source was dropped, try again. */
static int run_update(struct lpp *l, struct events *ev, struct err *err)
{
	const char *argv[] = { "apt-get", "-q", "update", NULL };
	struct apt_output out = { .ev = ev, .text = STR_INIT };
	const struct proc_spec spec = {
		.argv = argv, .on_line = on_line, .arg = &out, .timeout_s = UPDATE_TIME_S
	};
	struct proc_result res;

	if (lpp_apt_configure(l, LISTS_NEW, err) < 0)
		return -1;
	int rc = lpp_apt_run(l, &spec, &res, err);
	_cleanup_str_ struct str text = out.text;
	if (rc <= 0)
		return rc;
	ssize_t i = missing_optional(l, str_c(&text));
	if (i >= 0) {
		events_warning(ev, "%s has no suite %s: lpp_source %s goes without it",
			       l->sources.v[i].uri, l->sources.v[i].suite, l->name);
		lpp_sources_remove(&l->sources, (size_t)i);
		return 1;
	}
	if (lpp_apt_explain(l, str_c(&text), err) < 0) {
		proc_result_err(&spec, &res, err);
		err_prefix(err, "lpp_source %s", l->name);
		err_remedy(err, "nim -o update %s once the cause is gone", l->name);
	}
	return -1;
}

/* apt takes what is there for good where the signed file above it has not changed. */
static bool in_order(const struct lpp *l)
{
	_cleanup_(findings_done) struct findings fs = FINDINGS_INIT;

	return lpp_lists_check(l, &fs, NULL) == 0 &&
	       findings_count(&fs, FINDING_INHIBIT) == 0;
}

/* Hard links of the present indexes, so that apt asks for what has changed only. */
static int seed_lists(const struct lpp *l, struct err *err)
{
	_cleanup_free_ char *from = xasprintf("%s/lists", l->dir);
	_cleanup_free_ char *to = xasprintf("%s/" LISTS_NEW, l->dir);
	_cleanup_free_ char *partial = xasprintf("%s/partial", to);
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (files_rmtree(to, NULL, err) < 0 || files_mkdirs(partial, 0755, err) < 0)
		return -1;
	if (!in_order(l))
		return 0;
	if (root_open(&root, l->dir, err) < 0 ||
	    root_list(&root, "lists", &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *a = xasprintf("%s/%s", from, names.v[i]);
		_cleanup_free_ char *b = xasprintf("%s/%s", to, names.v[i]);
		if (!strstr(names.v[i], "Release") && !ends_with(names.v[i], "_Packages"))
			continue;
		if (link(a, b) < 0)
			return err_set_errno(err, ERR_OPERATOR, "cannot link %s to %s", a,
					     b);
	}
	return 0;
}

/* Our own indexes: of what lies in local/, and of a flat source directory. */
static int add_own_indexes(struct lpp *l, struct events *ev, struct err *err)
{
	_cleanup_free_ char *local = xasprintf("%s/local", l->dir);
	for (size_t i = 0; i < l->sources.n; i++) {
		if (!l->sources.v[i].flat)
			continue;
		_cleanup_free_ char *dir = lpp_sources_local_dir(l->sources.v[i].uri);
		_cleanup_free_ char *name = lpp_sources_list_name(&l->sources.v[i],
								  "Packages");
		_cleanup_free_ char *path = xasprintf("%s/" LISTS_NEW "/%s", l->dir,
						      name);
		if (lpp_index_build(dir, path, err) < 0)
			return -1;
	}
	if (!lpp_conf_allows(l, "local")) {
		_cleanup_strv_ struct strv debs = STRV_INIT;
		if (lpp_index_debs(local, &debs, err) < 0)
			return -1;
		if (debs.n)
			events_warning(
				ev,
				"lpp_source %s: the %zu packages in local/ are not used without allow_unsigned=local: "
				"nim -o change -a allow_unsigned=local %s, then nim -o update %s",
				l->name, debs.n, l->name, l->name);
		return 0;
	}
	_cleanup_free_ char *name = lpp_sources_list_name(&lpp_sources_local, "Packages");
	_cleanup_free_ char *path = xasprintf("%s/" LISTS_NEW "/%s", l->dir, name);
	_cleanup_free_ char *own = xasprintf("%s/Packages", local);
	_cleanup_str_ struct str text = STR_INIT;
	if (lpp_index_build(local, path, err) < 0 || files_read(path, 0, &text, err) < 0)
		return -1;
	return files_write_atomic(own, str_c(&text), text.len, 0644, err);
}

/* What apt leaves besides the indexes. */
static int tidy(const struct lpp *l, struct err *err)
{
	static const char *const leftovers[] = { "lock", "partial", "auxfiles" };
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_free_ char *dir = xasprintf("%s/" LISTS_NEW, l->dir);

	if (root_open(&root, dir, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(leftovers); i++)
		if (root_exists(&root, leftovers[i]) &&
		    root_rmtree(&root, leftovers[i], err) < 0)
			return -1;
	return 0;
}

static int publish(const struct lpp *l, struct err *err)
{
	_cleanup_free_ char *old = xasprintf("%s/lists", l->dir);
	_cleanup_free_ char *new = xasprintf("%s/" LISTS_NEW, l->dir);

	if (files_mkdirs(old, 0755, err) < 0)
		return -1;
	if (renameat2(AT_FDCWD, new, AT_FDCWD, old, RENAME_EXCHANGE) < 0) {
		if (errno != EINVAL || files_rmtree(old, NULL, err) < 0 ||
		    rename(new, old) < 0)
			return err_set_errno(err, ERR_OPERATOR,
					     "cannot put %s in the place of %s", new,
					     old);
		return 0;
	}
	return files_rmtree(new, NULL, err);
}

int lpp_lists_update(struct lpp *l, struct events *ev, struct err *err)
{
	int rc;

	events_step(ev, "Fetching the indexes of lpp_source %s", l->name);
	if (seed_lists(l, err) < 0)
		return -1;
	while ((rc = run_update(l, ev, err)) > 0)
		continue;
	for (size_t i = 0; rc == 0 && i < l->sources.n; i++)
		if (!l->sources.v[i].flat)
			rc = check_suite(l, &l->sources.v[i], err);
	if (rc == 0)
		rc = add_own_indexes(l, ev, err);
	if (rc == 0)
		rc = tidy(l, err);
	if (rc == 0)
		rc = publish(l, err);
	/* From now on apt on the master reads the published directory. */
	if (rc == 0)
		return lpp_apt_configure(l, "lists", err);
	_cleanup_free_ char *left = xasprintf("%s/" LISTS_NEW, l->dir);
	if (files_rmtree(left, NULL, NULL) < 0)
		events_warning(ev, "cannot remove %s", left);
	return -1;
}
