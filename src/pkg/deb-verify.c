/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debian packages: proving that the plan was carried out. */
#include "pkg/deb.h"

#define LISTED 20 /* names in one finding */

/* What a checking command says, or with `errors`, where it says nothing, the end of its errors.
 * 1: something is wrong with packages. */
static int ask(const struct pkg_ctx *c, const struct strv *argv, bool errors,
	       struct str *said, struct err *err)
{
	struct proc_spec spec = {
		.argv = strv_argv(argv),
		.env = deb_env,
		.timeout_s = 600,
		.out = said,
	};
	struct proc_result res;
	int r = runner_run(c->run, &spec, &res, err);

	if (r <= 0)
		return r;
	if (said->len == 0 && errors)
		str_add(said, res.tail);
	return said->len > 0 ? 1 : proc_result_err(&spec, &res, err);
}

static int audit(const struct pkg_ctx *c, struct findings *fs, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_str_ struct str out = STR_INIT;

	deb_dpkg_argv(c, "dpkg", &argv);
	strv_add(&argv, "--audit");
	if (ask(c, &argv, false, &out, err) < 0)
		return -1;
	/* It may say something and end with 0. */
	if (out.len > 0)
		findings_add(fs, "dpkg.audit", FINDING_INHIBIT,
			     "dpkg --audit reports packages in a bad state", str_c(&out),
			     "repair them: with -E nimadm opens a shell in the "
			     "alternate root");
	else
		findings_add(fs, "dpkg.audit", FINDING_PASS, "dpkg --audit is empty",
			     NULL, NULL);
	return 0;
}

static int check_depends(const struct pkg_ctx *c, struct findings *fs, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_str_ struct str out = STR_INIT;

	deb_apt_argv(c, "apt-get", &argv);
	strv_add(&argv, "check");
	int r = ask(c, &argv, true, &out, err);
	if (r < 0)
		return -1;
	if (r > 0)
		findings_add(fs, "packages.depends", FINDING_INHIBIT,
			     "installed packages have unmet dependencies", str_c(&out),
			     "repair them: with -E nimadm opens a shell in the "
			     "alternate root");
	else
		findings_add(fs, "packages.depends", FINDING_PASS,
			     "all dependencies are met", NULL, NULL);
	return 0;
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
