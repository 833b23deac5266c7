/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Roots on LVM: the group of the clone has a name and tags of its own. */
#include "storage/tools.h"

static bool lvm_probe(const struct layout *l)
{
	return l->vg_name && *l->vg_name != '\0';
}

static int lvm_activate(const struct storage *s, const struct layout *target,
			struct err *err)
{
	return tools_call(s, err, "vgchange", "-qq", NO_BACKUP, "-a", "y",
			  target->vg_name, NULL);
}

static bool has_group(const struct storage *s, const char *vg)
{
	_cleanup_json_ json_t *rows = tools_lvm_rows(s, "vgs", "vg_name");
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (streq(json_field(row, "vg_name"), vg))
			return true;
	}
	return false;
}

static int lvm_deactivate(const struct storage *s, const struct layout *target,
			  struct err *err)
{
	if (!has_group(s, target->vg_name))
		return 0;
	return tools_call(s, err, "vgchange", "-qq", NO_BACKUP, "-a", "n",
			  target->vg_name, NULL);
}

const struct storage_backend storage_lvm = {
	.name = "lvm",
	.probe = lvm_probe,
	.create = create_volumes,
	.activate = lvm_activate,
	.deactivate = lvm_deactivate,
	.destroy = destroy_volumes,
};
