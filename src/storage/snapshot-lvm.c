/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots of the running volumes of LVM. */
#include "storage/tools.h"

#define SNAPSHOT_PREFIX "nimadm_"
#define SNAPSHOT_MIN	(32 * MIB)
#define POOL_MAX	85.0 /* percent of a thin pool: a full one stops the running system */

/* A volume of the running root that is to be frozen. */
static const struct layout_lv *lvm_volume(const struct layout *l, const char *mount_point)
{
	for (size_t i = 0; i < l->n_fs; i++) {
		const struct layout_lv *lv = layout_volume_of(l, i);

		/* A snapshot below btrfs would have the identifier of what is mounted. */
		if (lv && *lv->vg && streq(l->fs[i].mount_point, mount_point) &&
		    !streq(l->fs[i].type, "btrfs"))
			return lv;
	}
	return NULL;
}

static uint64_t free_space(const struct storage *s, const char *vg)
{
	_cleanup_json_ json_t *rows = tools_lvm_rows(s, "vgs", "vg_name,vg_free");
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (streq(json_field(row, "vg_name"), vg))
			return json_number(row, "vg_free");
	}
	return 0;
}

/* Free space is shared by size; a snapshot never needs more than its origin and a little. 0: there is no room. */
static uint64_t snapshot_size(const struct layout *running, const struct strv *mounts,
			      const struct layout_lv *lv, uint64_t room)
{
	uint64_t total = 0, size;

	for (size_t i = 0; i < mounts->n; i++) {
		const struct layout_lv *other = lvm_volume(running, mounts->v[i]);
		if (other && !streq(other->type, "thin"))
			total += other->size;
	}
	if (total == 0)
		return 0;
	size = (uint64_t)((double)room * 0.9 * (double)lv->size / (double)total);
	if (size > lv->size + lv->size / 50 + SNAPSHOT_MIN)
		size = lv->size + lv->size / 50 + SNAPSHOT_MIN;
	size = size / (4 * MIB) * (4 * MIB);
	return size >= SNAPSHOT_MIN ? size : 0;
}

static int make_snapshot(const struct storage *s, const struct layout_lv *lv,
			 uint64_t size, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;

	strv_add_all(&argv, "lvcreate", "-qq", "-y", NO_BACKUP, "-s", "--monitor", "n",
		     "--addtag", TAG_SNAPSHOT, NULL);
	if (streq(lv->type, "thin"))
		strv_add_all(&argv, "-k", "n", "-a", "y", NULL);
	else
		strv_add(&argv, "-L"),
			strv_addf(&argv, "%llub", (unsigned long long)size);
	strv_add(&argv, "-n");
	strv_addf(&argv, SNAPSHOT_PREFIX "%s", lv->name);
	strv_addf(&argv, "%s/%s", lv->vg, lv->name);
	return tools_run(s, &argv, NULL, err);
}

static const json_t *find_volume(const json_t *rows, const char *vg, const char *lv)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (streq(json_field(row, "vg_name"), vg) &&
		    streq(json_field(row, "lv_name"), lv))
			return row;
	}
	return NULL;
}

/* What the pool of a thin volume has left takes what is written during the copy. */
static bool pool_has_room(const struct storage *s, const struct layout_lv *lv)
{
	_cleanup_json_ json_t *rows = tools_lvm_rows(
		s, "lvs", "vg_name,lv_name,pool_lv,data_percent,metadata_percent");
	const json_t *volume = find_volume(rows, lv->vg, lv->name);
	const json_t *pool = find_volume(rows, lv->vg, json_field(volume, "pool_lv"));

	return pool && strtod(json_field(pool, "data_percent"), NULL) < POOL_MAX &&
	       strtod(json_field(pool, "metadata_percent"), NULL) < POOL_MAX;
}

bool snapshot_lvm_has_room(const struct storage *s, const struct layout *running,
			   const struct strv *mounts)
{
	uint64_t room = free_space(s, running->vg_name);

	for (size_t i = 0; i < mounts->n; i++) {
		const struct layout_lv *lv = lvm_volume(running, mounts->v[i]);
		if (lv && (streq(lv->type, "thin")
				   ? !pool_has_room(s, lv)
				   : snapshot_size(running, mounts, lv, room) == 0))
			return false;
	}
	return true;
}

int snapshot_lvm_make(const struct storage *s, const struct layout *running,
		      struct snapshot_set *set, struct err *err)
{
	uint64_t room = free_space(s, running->vg_name);
	_cleanup_free_ struct lvm_snapshot *made = xcalloc(set->mounts.n, sizeof(*made));
	size_t n = 0;

	for (size_t i = 0; i < set->mounts.n; i++) {
		const struct layout_lv *lv = lvm_volume(running, set->mounts.v[i]);

		if (!lv)
			continue;
		strv_addf(&set->volumes, "%s/" SNAPSHOT_PREFIX "%s", lv->vg, lv->name);
		const char *volume = set->volumes.v[set->volumes.n - 1];
		if (make_snapshot(s, lv, snapshot_size(running, &set->mounts, lv, room),
				  err) < 0)
			return -1;
		made[n++] = (struct lvm_snapshot){ set->mounts.v[i], lv->vg, lv->name,
						   strchr(volume, '/') + 1 };
	}
	return snapshot_lvm_one_moment(s, made, n, err);
}

bool snapshot_lvm_covers(const struct layout *running, const char *mount_point)
{
	return lvm_volume(running, mount_point) != NULL;
}

int snapshot_lvm_mount(const struct storage *s, const struct layout *running,
		       const char *mount_point, const char *to, struct err *err)
{
	const struct layout_lv *lv = lvm_volume(running, mount_point);
	const struct layout_fs *fs = layout_find_fs(running, mount_point);
	_cleanup_free_ char *name = xasprintf(SNAPSHOT_PREFIX "%s", lv->name);
	_cleanup_free_ char *device = layout_mapper(lv->vg, name);

	return tools_call(s, err, "mount", "-o",
			  fs && streq(fs->type, "xfs") ? "ro,nouuid" : "ro", device, to,
			  NULL);
}

int snapshot_lvm_check(const struct storage *s, const struct snapshot_set *set,
		       struct err *err)
{
	_cleanup_json_ json_t *rows = NULL;
	const json_t *row;
	size_t i, seen = 0;

	if (set->volumes.n == 0)
		return 0;
	rows = tools_lvm_rows(s, "lvs", "vg_name,lv_name,lv_snapshot_invalid");
	json_array_foreach(rows, i, row)
	{
		_cleanup_free_ char *name = xasprintf("%s/%s", json_field(row, "vg_name"),
						      json_field(row, "lv_name"));
		const char *invalid = json_field(row, "lv_snapshot_invalid");

		if (!strv_has(&set->volumes, name))
			continue;
		seen++;
		if (*invalid && !streq(invalid, "unknown")) {
			err_set(err, ERR_OPERATOR,
				"the snapshot %s overflowed: the copy is worthless",
				name);
			return err_remedy(err,
					  "leave more free space in the volume group, "
					  "or copy when less is written");
		}
	}
	if (seen < set->volumes.n)
		return err_set(err, ERR_OPERATOR, "a snapshot is gone during the copy");
	return 0;
}

/* Whether the row is a snapshot of ours. */
static bool is_ours(const json_t *row, struct lvm_snapshot *ret)
{
	_cleanup_strv_ struct strv tags = STRV_INIT;

	strv_split(&tags, json_field(row, "lv_tags"), ",");
	*ret = (struct lvm_snapshot){ NULL, json_field(row, "vg_name"),
				      json_field(row, "origin"),
				      json_field(row, "lv_name") };
	return strv_has(&tags, TAG_SNAPSHOT);
}

#define LEFT_COLUMNS "vg_name,lv_name,lv_tags,origin"

void storage_release_leftovers(const struct storage *s)
{
	_cleanup_json_ json_t *rows = tools_lvm_rows(s, "lvs", LEFT_COLUMNS);
	struct lvm_snapshot left;
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (is_ours(row, &left))
			snapshot_lvm_release(&left);
	}
}

int snapshot_lvm_drop(const struct storage *s, struct err *err)
{
	_cleanup_json_ json_t *rows = tools_lvm_rows(s, "lvs", LEFT_COLUMNS);
	struct lvm_snapshot left;
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (!is_ours(row, &left))
			continue;
		_cleanup_free_ char *name = xasprintf("%s/%s", left.vg, left.name);
		snapshot_lvm_release(&left);
		if (tools_call(s, err, "lvremove", "-qq", "-y", NO_BACKUP, "-f", name,
			       NULL) < 0)
			return -1;
	}
	return 0;
}
