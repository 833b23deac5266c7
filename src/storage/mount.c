/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clone's file systems below one directory. */
#include "sys/mount.h"
#include "storage/tools.h"
#include "sys/files.h"

static int mount_fs(const struct storage *s, const struct layout_fs *fs, const char *at,
		    struct err *err)
{
	_cleanup_free_ char *to =
		xasprintf("%s%s", at, streq(fs->mount_point, "/") ? "" : fs->mount_point);

	if (mount_is_mountpoint(to))
		return 0;
	if (files_mkdirs(to, 0755, err) < 0)
		return -1;
	if (*fs->type)
		return tools_call(s, err, "mount", "-t", fs->type, fs->device, to, NULL);
	return tools_call(s, err, "mount", fs->device, to, NULL);
}

int storage_mount(const struct storage *s, const struct layout *target, const char *at,
		  struct err *err)
{
	_cleanup_strv_ struct strv order = STRV_INIT;

	for (size_t i = 0; i < target->n_fs; i++)
		if (target->fs[i].mount_point[0] == '/')
			strv_add(&order, target->fs[i].mount_point);
	strv_sort(&order);
	if (order.n == 0 || !streq(order.v[0], "/"))
		return err_set(err, ERR_OPERATOR, "the clone has no root file system");
	for (size_t i = 0; i < order.n; i++)
		if (mount_fs(s, layout_find_fs(target, order.v[i]), at, err) < 0)
			return -1;
	return 0;
}

/* Several may lie upon each other after a run that was stopped. */
int storage_umount(const struct storage *s, const char *at, struct err *err)
{
	for (int n = 0; n < 8 && mount_is_mountpoint(at); n++)
		if (tools_call(s, err, "umount", "--recursive", at, NULL) < 0)
			return err_remedy(err, "end what works in %s", at);
	return 0;
}
