/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lsblk says, of whatever age. */
#include "model/blocks.h"

/* As json_run. */
static int lsblk(struct runner *run, const char *columns, const char *more, json_t **ret,
		 struct err *err)
{
	_cleanup_free_ char *all = xasprintf("%s,%s", columns, more);
	const char *const argv[] = { "lsblk", "--json", "-b", "-o", all, NULL };
	_cleanup_json_ json_t *top = NULL;
	int rc = json_run(run, argv, &top, err);

	if (rc != 0)
		return rc;
	*ret = json_incref(json_object_get(top, "blockdevices"));
	return *ret ? 0 : err_set(err, ERR_OPERATOR, "lsblk tells no block devices");
}

/* As findmnt has it, with the subvolume behind: "/dev/sda2[/@home]". */
static bool is_source(const char *source, const char *path)
{
	size_t n = strlen(path);

	return strncmp(source, path, n) == 0 && (source[n] == '\0' || source[n] == '[');
}

static void add_mounts(json_t *list, const json_t *mounts)
{
	const json_t *row;
	json_t *dev;
	size_t i, k;

	json_array_foreach(list, i, dev)
	{
		const char *path = json_field(dev, "path");
		const char *one = json_field(dev, "mountpoint");
		json_t *all = json_array();

		if (*one)
			json_array_append_new(all, json_text(one));
		json_array_foreach(mounts, k, row)
		{
			const char *target = json_field(row, "target");

			if (is_source(json_field(row, "source"), path) &&
			    !streq(target, one))
				json_array_append_new(all, json_text(target));
		}
		json_object_set_new(dev, "mountpoints", all);
		add_mounts(json_object_get(dev, "children"), mounts);
	}
}

int blocks_read(struct runner *run, const char *columns, json_t **ret, struct err *err)
{
	static const char *const findmnt[] = { "findmnt", "--json",	   "--list",
					       "-o",	  "TARGET,SOURCE", NULL };
	_cleanup_json_ json_t *list = NULL, *mounts = NULL;
	int rc = lsblk(run, columns, "MOUNTPOINTS", ret, err);

	if (rc <= 0)
		return rc;
	err_clear(err);
	rc = lsblk(run, columns, "MOUNTPOINT", &list, err);
	if (rc == 0)
		rc = json_run(run, findmnt, &mounts, err);
	if (rc != 0)
		return rc;
	add_mounts(list, json_object_get(mounts, "filesystems"));
	*ret = TAKE_PTR(list);
	return 0;
}
