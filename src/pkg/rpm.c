/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RPM images: see rpm.h. */
#include "pkg/rpm.h"

#include <fcntl.h>
#include <unistd.h>

static const char *const databases[] = { "var/lib/rpm", "usr/lib/sysimage/rpm" };
static const char *const database_files[] = { "rpmdb.sqlite", "Packages", "Packages.db" };

#define MAGIC "\xed\xab\xee\xdb"

/* The directory of the root's RPM database; NULL: it has none. The SPOT's rpm may look for it elsewhere. */
static const char *find_database(const struct root *root)
{
	for (size_t i = 0; i < ARRAY_SIZE(databases); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(database_files); k++) {
			_cleanup_free_ char *path = xasprintf("%s/%s", databases[i],
							      database_files[k]);
			if (root_exists(root, path))
				return databases[i];
		}
	}
	return NULL;
}

/* rpm takes any other file for a list of files to install. */
static int check_image(const struct root *lpp, const char *path, struct err *err)
{
	_cleanup_close_ int fd = root_openat(lpp, path, O_RDONLY | O_NONBLOCK, 0);
	char magic[sizeof(MAGIC) - 1];

	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot open %s/%s", lpp->path,
				     path);
	if (read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
	    memcmp(magic, MAGIC, sizeof(magic)) == 0)
		return 0;
	err_set(err, ERR_OPERATOR, "%s/%s is no RPM image", lpp->path, path);
	return err_remedy(err, "take it out, then --resume");
}

static int list_images(const char *lpp_dir, struct strv *ret, struct err *err)
{
	_cleanup_root_ struct root lpp = ROOT_INIT;
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (root_open(&lpp, lpp_dir, err) < 0 || root_list(&lpp, "RPMS", &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = xasprintf("RPMS/%s", names.v[i]);
		if (!ends_with(path, ".rpm"))
			continue;
		if (check_image(&lpp, path, err) < 0)
			return -1;
		strv_addf(ret, "/lpp_source/%s", path);
	}
	return 0;
}

static void on_line(void *arg, const char *line, bool is_err)
{
	events_output(arg, line);
}

/* Of a trial only what is missing is of interest. */
static void on_trial_line(void *arg, const char *line, bool is_err)
{
	if (strstr(line, " is needed by "))
		events_warning(arg, "not in the RPM database: %s",
			       line + strspn(line, " \t"));
}

/* --replacepkgs and --oldpackage make the same images twice no error: the step can be repeated. Plugins want services
 * of a running system. */
static void rpm_argv(struct strv *argv, const char *database, const struct strv *images,
		     const char *how)
{
	strv_add_all(argv, "rpm", "--root=/alt_inst", NULL);
	strv_addf(argv, "--dbpath=/%s", database);
	strv_add_all(argv, "--noplugins", "--upgrade", "--replacepkgs", "--oldpackage",
		     how, NULL);
	strv_add_strv(argv, images);
}

/*
 * What the client's own packages provide, /bin/sh to begin with, rpm cannot know: its database has only RPM packages.
 * So a missing dependency is told and does not stop the installation.
 */
static int install(const struct pkg_ctx *c, const char *database,
		   const struct strv *images, struct err *err)
{
	_cleanup_strv_ struct strv trial = STRV_INIT, argv = STRV_INIT;
	struct proc_result res;

	rpm_argv(&trial, database, images, "--test");
	struct proc_spec spec = {
		.argv = strv_argv(&trial),
		.timeout_s = 3600,
		.on_line = on_trial_line,
		.arg = c->events,
	};
	if (runner_run(c->run, &spec, &res, err) < 0)
		return -1;
	rpm_argv(&argv, database, images, "--nodeps");
	strv_add(&argv, "--verbose");
	spec.argv = strv_argv(&argv);
	spec.on_line = on_line;
	return runner_check(c->run, &spec, err);
}

int rpm_install_images(const struct pkg_ctx *c, struct err *err)
{
	_cleanup_strv_ struct strv images = STRV_INIT;
	const char *database = find_database(c->root);

	if (!database)
		return 0;
	if (list_images(c->lpp_dir, &images, err) < 0)
		return -1;
	if (images.n == 0)
		return 0;
	events_step(c->events, "Installing %zu RPM images", images.n);
	if (install(c, database, &images, err) == 0)
		return 0;
	err_remedy(err,
		   "see the rpm messages above; take the image out of %s/RPMS or add "
		   "what it needs",
		   c->lpp_dir);
	return err_prefix(err, "RPM images");
}
