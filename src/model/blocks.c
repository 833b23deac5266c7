/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lsblk says, of whatever age. */
#include "model/blocks.h"

/* NULL: it failed, or printed something else. */
static json_t *run_json(struct runner *run, const char *const *argv, struct err *err)
{
	_cleanup_str_ struct str out = STR_INIT;
	struct proc_spec spec = { .argv = argv, .out = &out, .timeout_s = 60 };
	json_error_t why;

	if (runner_check(run, &spec, err) < 0)
		return NULL;
	json_t *top = json_loadb(str_c(&out), out.len, 0, &why);
	if (!top)
		err_set(err, ERR_OPERATOR, "%s: not JSON: %s", argv[0], why.text);
	return top;
}

static json_t *lsblk(struct runner *run, const char *columns, const char *more,
		     struct err *err)
{
	_cleanup_free_ char *all = xasprintf("%s,%s", columns, more);
	const char *const argv[] = { "lsblk", "--json", "-b", "-o", all, NULL };
	_cleanup_json_ json_t *top = run_json(run, argv, err);
	json_t *list = json_object_get(top, "blockdevices");

	if (top && !list)
		err_set(err, ERR_OPERATOR, "lsblk tells no block devices");
	return json_incref(list);
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

json_t *blocks_read(struct runner *run, const char *columns, struct err *err)
{
	static const char *const findmnt[] = { "findmnt", "--json",	   "--list",
					       "-o",	  "TARGET,SOURCE", NULL };
	struct err unknown = { 0 };
	json_t *list = lsblk(run, columns, "MOUNTPOINTS", &unknown);

	if (list)
		return list;
	if (unknown.kind == ERR_CANCELLED) {
		*err = unknown;
		return NULL;
	}
	list = lsblk(run, columns, "MOUNTPOINT", err);
	if (!list)
		return NULL;
	_cleanup_json_ json_t *mounts = run_json(run, findmnt, err);
	if (!mounts) {
		json_decref(list);
		return NULL;
	}
	add_mounts(list, json_object_get(mounts, "filesystems"));
	return list;
}
