/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debian packages: the one solve.
 *
 * The SPOT's apt decides once, with the client's package state and the lpp_source's indexes; everything that follows
 * acts on parts of that plan. (A second solve for the base system alone may drop an application that the full
 * one keeps.)
 */
#include <errno.h>

#include "pkg/deb.h"

#define STATUS_FILE "var/lib/dpkg/status"
#define AUTO_FILE   "var/lib/apt/extended_states"

static int solve(const struct pkg_ctx *c, const char *mode, struct str *out,
		 struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;

	deb_apt_argv(c, "apt-get", &argv);
	strv_add_all(&argv, mode, "full-upgrade", NULL);
	if (c->bundle)
		strv_add_strv(&argv, c->bundle);
	struct proc_spec spec = {
		.argv = strv_argv(&argv),
		.env = deb_env,
		.timeout_s = 1800,
		.out = out,
	};
	struct proc_result res;
	int r = runner_run(c->run, &spec, &res, err);
	if (r == 0)
		return 0;
	if (r < 0 || res.how != PROC_EXITED)
		return r < 0 ? -1 : proc_result_err(&spec, &res, err);
	/* apt explains an unsolvable request on standard output, the last words are on standard error. */
	const char *text = str_c(out);
	const char *unmet = strstr(text,
				   "The following packages have unmet dependencies");
	/* Warnings before it are not why. */
	const char *reason = strstr(res.tail, "E: ");
	err_set(err, ERR_UNFIT, "no upgrade to %s can be found: %.600s%s%.300s",
		c->release ? c->release : "the target release", unmet ? unmet : "",
		unmet ? "\n" : "", reason ? reason : res.tail);
	return err_remedy(err,
			  "see what holds these packages back: held or foreign packages, "
			  "or packages that the lpp_source does not have");
}

static int read_items(struct pkg_plan *plan, char *text, struct err *err)
{
	char *cursor = text;

	for (char *line; (line = next_line(&cursor));)
		if (deb_sim_line(plan, line, err) < 0)
			return -1;
	return 0;
}

/* Archives that the lpp_source does not hold yet; what lies in a file: source of its own is there. */
static int list_missing(const struct pkg_ctx *c, struct pkg_plan *plan, struct strv *ret,
			struct err *err)
{
	_cleanup_str_ struct str out = STR_INIT;

	if (solve(c, "--print-uris", &out, err) < 0)
		return -1;
	_cleanup_free_ char *text = str_take(&out);
	char *cursor = text;
	for (char *line; (line = next_line(&cursor));) {
		struct deb_uri u;
		if (!deb_sim_uri(line, &u))
			continue;
		if (!starts_with(u.uri, "file:" DEB_LPP "/")) {
			strv_addf(ret, "%s %s %llu %s", u.uri, u.name,
				  (unsigned long long)u.size, u.hash);
			plan->download_bytes += u.size;
		}
		for (size_t i = 0; i < plan->n; i++) {
			struct pkg_item *it = &plan->v[i];
			if (starts_with(u.uri, "file:" DEB_LPP "/") &&
			    streq(it->file, u.name)) {
				free(it->file);
				it->file = xstrdup(u.uri + strlen("file:"));
			}
		}
		deb_uri_done(&u);
	}
	return 0;
}

/* `apt-cache show` of index entries; names that the index does not have give no record and no error. */
static int show(const struct pkg_ctx *c, const struct strv *names,
		struct deb_records *ret, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_str_ struct str out = STR_INIT;

	if (names->n == 0)
		return 0;
	deb_apt_argv(c, "apt-cache", &argv);
	strv_add_all(&argv, "-o", "Dir::State::status=/dev/null", "show",
		     "--no-all-versions", NULL);
	strv_add_strv(&argv, names);
	struct proc_spec spec = {
		.argv = strv_argv(&argv),
		.env = deb_env,
		.timeout_s = 600,
		.out = &out,
	};
	struct proc_result res;
	int r = runner_run(c->run, &spec, &res, err);
	/* 100: not one of them was found. */
	if (r > 0 && (res.how != PROC_EXITED || res.status != 100))
		return proc_result_err(&spec, &res, err);
	if (r < 0)
		return -1;
	return deb_records_parse(ret, str_c(&out), out.len, err);
}

static int read_records(const struct pkg_ctx *c, const struct pkg_plan *plan,
			struct deb_records *records, struct strv *in_target,
			struct err *err)
{
	_cleanup_strv_ struct strv come = STRV_INIT, go = STRV_INIT;
	_cleanup_deb_records_ struct deb_records gone = DEB_RECORDS_INIT;

	for (size_t i = 0; i < plan->n; i++) {
		const struct pkg_item *it = &plan->v[i];
		if (it->action == PKG_REMOVE)
			strv_add(&go, it->name);
		else
			strv_addf(&come, "%s=%s", it->name, it->new_version);
	}
	if (show(c, &come, records, err) < 0 || show(c, &go, &gone, err) < 0)
		return err_prefix(err, "reading the package index");
	for (size_t i = 0; i < gone.n; i++)
		strv_add(in_target, gone.v[i].name);
	return 0;
}

/* Names of the packages that apt installed by itself. */
static int read_automatic(const struct root *root, struct strv *ret, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_free_ char *name = NULL;

	if (root_read_opt(root, AUTO_FILE, 0, &text, err) < 0)
		return -1;
	_cleanup_free_ char *copy = str_take(&text);
	char *cursor = copy;
	for (char *line; (line = next_line(&cursor));) {
		if (starts_with(line, "Package: ")) {
			free(name);
			name = xstrdup(strip(line + strlen("Package: ")));
		} else if (name && starts_with(line, "Auto-Installed: 1")) {
			strv_add(ret, name);
		}
	}
	strv_sort(ret);
	return 0;
}

/* apt names the architecture of a package that goes only when it is a foreign one. */
static void fill_arch(struct pkg_plan *plan, const struct dpkg_status *status)
{
	for (size_t i = 0; i < plan->n; i++) {
		struct pkg_item *it = &plan->v[i];
		if (it->arch)
			continue;
		const struct dpkg_package *was = dpkg_status_find(status, it->name, NULL);
		it->arch = xstrdup(was ? was->arch : "all");
	}
}

static int read_status(const struct root *root, struct dpkg_status *ret, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (root_read(root, STATUS_FILE, 0, &text, err) < 0)
		return -1;
	return dpkg_status_parse(ret, "/" STATUS_FILE, str_c(&text), text.len, err);
}

static int refuse_missing(const struct strv *missing, struct err *err)
{
	if (missing->n == 0)
		return 0;
	err_set(err, ERR_OPERATOR,
		"the lpp_source lacks %zu package archives, the first: %s", missing->n,
		missing->v[0]);
	return err_remedy(err, "run the job with its pre-flight, which fetches them");
}

int deb_plan(const struct pkg_ctx *c, struct pkg_plan *ret, struct strv *ret_missing,
	     struct err *err)
{
	_cleanup_dpkg_status_ struct dpkg_status status = DPKG_STATUS_INIT;
	_cleanup_deb_records_ struct deb_records records = DEB_RECORDS_INIT;
	_cleanup_strv_ struct strv in_target = STRV_INIT, automatic = STRV_INIT,
				   missing = STRV_INIT;
	_cleanup_str_ struct str out = STR_INIT;
	_cleanup_(pkg_plan_done) struct pkg_plan plan = PKG_PLAN_INIT;

	if (read_status(c->root, &status, err) < 0 ||
	    read_automatic(c->root, &automatic, err) < 0 || solve(c, "-s", &out, err) < 0)
		return -1;
	_cleanup_free_ char *text = str_take(&out);
	if (read_items(&plan, text, err) < 0)
		return -1;
	fill_arch(&plan, &status);
	deb_sim_join_returns(&plan);
	if (list_missing(c, &plan, ret_missing ? ret_missing : &missing, err) < 0 ||
	    read_records(c, &plan, &records, &in_target, err) < 0)
		return -1;
	const struct deb_facts facts = { &status, &records, &in_target, &automatic };
	deb_classify(&plan, &facts);
	if (deb_classify_refuse(&plan, &facts, err) < 0 ||
	    (!ret_missing && refuse_missing(&missing, err) < 0))
		return -1;
	pkg_plan_done(ret);
	*ret = plan;
	plan = (struct pkg_plan)PKG_PLAN_INIT;
	return 0;
}
