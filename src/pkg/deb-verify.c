/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debian packages: proving that the plan was carried out. */
#include "pkg/deb.h"

#define LISTED 20 /* names in one finding */

/* A command that looks packages over, and how its verdict is told. */
struct check {
	const char *id, *good, *bad;
	bool errors; /* what it found stands in its errors */
};

/* What the command says is what is wrong, also where it ends with 0. */
static int ask(const struct pkg_ctx *c, const struct check *k, const struct strv *argv,
	       struct findings *fs, struct err *err)
{
	_cleanup_str_ struct str said = STR_INIT;
	struct proc_spec spec = {
		.argv = strv_argv(argv),
		.env = deb_env,
		.timeout_s = 600,
		.out = &said,
	};
	struct proc_result res;
	int r = runner_run(c->run, &spec, &res, err);

	if (r < 0)
		return -1;
	if (r == 0 && k->errors)
		str_reset(&said); /* only its errors are a verdict */
	if (r > 0 && said.len == 0 && k->errors)
		str_add(&said, res.tail);
	if (r > 0 && said.len == 0)
		return proc_result_err(&spec, &res, err);
	if (said.len > 0)
		findings_add(fs, k->id, FINDING_INHIBIT, k->bad, str_c(&said),
			     "repair them: with -E nimadm opens a shell in the "
			     "alternate root");
	else
		findings_add(fs, k->id, FINDING_PASS, k->good, NULL, NULL);
	return 0;
}

static int audit(const struct pkg_ctx *c, struct findings *fs, struct err *err)
{
	static const struct check check = {
		.id = "dpkg.audit",
		.good = "dpkg --audit is empty",
		.bad = "dpkg --audit reports packages in a bad state",
	};
	_cleanup_strv_ struct strv argv = STRV_INIT;

	deb_dpkg_argv(c, "dpkg", &argv);
	strv_add(&argv, "--audit");
	return ask(c, &check, &argv, fs, err);
}

static int check_depends(const struct pkg_ctx *c, struct findings *fs, struct err *err)
{
	static const struct check check = {
		.id = "packages.depends",
		.good = "all dependencies are met",
		.bad = "installed packages have unmet dependencies",
		.errors = true,
	};
	_cleanup_strv_ struct strv argv = STRV_INIT;

	deb_apt_argv(c, "apt-get", &argv);
	strv_add(&argv, "check");
	return ask(c, &check, &argv, fs, err);
}

static void level(const struct pkg_plan *p, const struct deb_state *st, bool bos_only,
		  struct findings *fs)
{
	_cleanup_str_ struct str list = STR_INIT;
	size_t wrong = 0, n = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct pkg_item *it = &p->v[i];
		if (bos_only && !it->bos)
			continue;
		n++;
		if (deb_state_need(st, it, bos_only) == DEB_DONE)
			continue;
		const struct deb_installed *in = deb_state_find(st, it->name, it->arch);
		if (wrong++ < LISTED)
			str_addf(&list, "%s: is %s, should be %s\n", it->name,
				 in ? in->version : "not installed",
				 it->action == PKG_REMOVE ? "removed" : it->new_version);
	}
	_cleanup_free_ char *title =
		wrong ? xasprintf("%zu of %zu packages are not at their new level", wrong,
				  n)
		      : xasprintf("%zu packages are at their new level", n);
	findings_add(fs, "packages.level", wrong ? FINDING_INHIBIT : FINDING_PASS, title,
		     str_c(&list),
		     wrong ? "running the phase again carries out what is left of the "
			     "plan"
			   : NULL);
}

int deb_verify(const struct pkg_ctx *c, const struct pkg_plan *p, bool bos_only,
	       struct findings *fs, struct err *err)
{
	_cleanup_deb_state_ struct deb_state st = DEB_STATE_INIT;

	if (deb_state_read(c, &st, err) < 0)
		return -1;
	level(p, &st, bos_only, fs);
	if (bos_only)
		return 0;
	return audit(c, fs, err) < 0 || check_depends(c, fs, err) < 0 ? -1 : 0;
}
