/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the running root lies on, as the kernel stacks it: what cannot be cloned yet is refused by its name. */
#include "storage/tools.h"

struct refused {
	const char *type, *name; /* the beginning of lsblk's type */
};
static const struct refused refused[] = {
	{ "crypt", "LUKS" },	       { "raid", "software RAID" },
	{ "linear", "software RAID" }, { "md", "software RAID" },
	{ "mpath", "multipath" },      { "dmraid", "firmware RAID" },
};

static const char *refused_name(const json_t *dev)
{
	const char *type = json_field(dev, "type");

	if (streq(json_field(dev, "fstype"), "zfs_member"))
		return "ZFS";
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (starts_with(type, refused[i].type))
			return refused[i].name;
	return NULL;
}

/* The mount point of the set that the device or what lies on it has; NULL: it is none of ours. */
static const char *used_for(const struct layout *l, const json_t *dev)
{
	const json_t *item;
	const char *found;
	size_t i;

	json_array_foreach(json_object_get(dev, "mountpoints"), i, item)
	{
		const char *path = json_string_value(item);
		if (path && layout_find_fs(l, path))
			return path;
	}
	json_array_foreach(json_object_get(dev, "children"), i, item)
	{
		if ((found = used_for(l, item)) != NULL)
			return found;
	}
	return NULL;
}

static int check_tree(const struct layout *l, const json_t *list, struct err *err)
{
	const json_t *dev;
	size_t i;

	json_array_foreach(list, i, dev)
	{
		const char *name = refused_name(dev);
		const char *path = name ? used_for(l, dev) : NULL;

		if (path) {
			err_set(err, ERR_UNFIT, "%s lies on %s, which is %s", path,
				json_field(dev, "path"), name);
			return err_remedy(err, "%s is not supported yet", name);
		}
		if (check_tree(l, json_object_get(dev, "children"), err) < 0)
			return -1;
	}
	return 0;
}

static int check_btrfs(const struct storage *s, const struct layout_fs *fs,
		       struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("/sys/fs/btrfs/%s/devices", fs->uuid);
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (!streq(fs->type, "btrfs") || *fs->uuid == '\0')
		return 0;
	if (root_list(s->root, dir, &names, err) < 0)
		return -1;
	if (names.n <= 1)
		return 0;
	_cleanup_free_ char *all = strv_join(&names, ", ");
	err_set(err, ERR_UNFIT, "%s: btrfs lies on several devices: %s", fs->mount_point,
		all);
	return err_remedy(err, "btrfs on several devices is not supported yet");
}

int storage_check_source(const struct storage *s, const struct disks *d,
			 const struct layout *running, struct err *err)
{
	for (size_t i = 0; i < running->n_fs; i++)
		if (check_btrfs(s, &running->fs[i], err) < 0)
			return -1;
	return check_tree(running, d->blocks, err);
}
