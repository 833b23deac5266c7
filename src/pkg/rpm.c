/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RPM images: see rpm.h. */
#include "pkg/rpm.h"

#include <dirent.h>

static const char *const databases[] = { "var/lib/rpm", "usr/lib/sysimage/rpm" };
static const char *const database_files[] = { "rpmdb.sqlite", "Packages", "Packages.db" };

static bool has_database(const struct root *root)
{
	for (size_t i = 0; i < ARRAY_SIZE(databases); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(database_files); k++) {
			_cleanup_free_ char *path = xasprintf("%s/%s", databases[i],
							      database_files[k]);
			if (root_exists(root, path))
				return true;
		}
	}
	return false;
}

static int list_images(const char *lpp_dir, struct strv *ret, struct err *err)
{
	_cleanup_root_ struct root lpp = ROOT_INIT;
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (root_open(&lpp, lpp_dir, err) < 0 || root_list(&lpp, "RPMS", &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (ends_with(names.v[i], ".rpm"))
			strv_addf(ret, "/lpp_source/RPMS/%s", names.v[i]);
	return 0;
}

static void on_line(void *arg, const char *line, bool is_err)
{
	events_output(arg, line);
}

int rpm_install_images(const struct pkg_ctx *c, struct err *err)
{
	_cleanup_strv_ struct strv images = STRV_INIT, argv = STRV_INIT;

	if (!has_database(c->root))
		return 0;
	if (list_images(c->lpp_dir, &images, err) < 0)
		return -1;
	if (images.n == 0)
		return 0;
	events_step(c->events, "Installing %zu RPM images", images.n);
	/* --replacepkgs and --oldpackage make the same images twice no error: the step can be repeated. */
	strv_add_all(&argv, "rpm", "--root=/alt_inst", "--upgrade", "--replacepkgs",
		     "--oldpackage", "--verbose", NULL);
	strv_add_strv(&argv, &images);
	struct proc_spec spec = {
		.argv = strv_argv(&argv),
		.timeout_s = 3600,
		.on_line = on_line,
		.arg = c->events,
	};
	if (runner_check(c->run, &spec, err) == 0)
		return 0;
	err_remedy(err,
		   "see the rpm messages above; take the image out of %s/RPMS or add "
		   "what it needs, then --resume",
		   c->lpp_dir);
	return err_prefix(err, "RPM images");
}
