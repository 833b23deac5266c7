/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of all packages that an lpp_source's verified indexes list. */
#include "pkg/lpp.h"

#include "sys/files.h"
#include "sys/proc.h"
#include "sys/root.h"

static void index_line(void *arg, const char *line, bool is_err)
{
	static const char field[] = "Package: ";

	if (!is_err && starts_with(line, field))
		map_set(arg, line + strlen(field), MAP_PRESENT);
}

/* apt's own reader: indexes may be compressed in any way that apt knows. */
static int read_index(const char *path, struct map *names, struct err *err)
{
	const char *const argv[] = { "/usr/lib/apt/apt-helper", "cat-file", path, NULL };
	struct proc_spec spec = { .argv = argv, .on_line = index_line, .arg = names };

	return proc_check(&spec, err);
}

static int read_lists(const char *dir, struct map *names, struct err *err)
{
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_strv_ struct strv files = STRV_INIT;

	if (!files_is_dir(dir))
		return 0;
	if (root_open(&root, dir, err) < 0 || root_list(&root, "/", &files, err) < 0)
		return -1;
	for (size_t i = 0; i < files.n; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, files.v[i]);
		if (strstr(files.v[i], "_Packages") && read_index(path, names, err) < 0)
			return -1;
	}
	return 0;
}

int lpp_package_names(const char *dir, struct map *target, struct map *old,
		      struct err *err)
{
	_cleanup_free_ char *lists = xasprintf("%s/lists", dir);
	_cleanup_free_ char *old_lists = xasprintf("%s/old/lists", dir);

	if (read_lists(lists, target, err) < 0)
		return -1;
	return read_lists(old_lists, old, err);
}
