/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A view of the running root: snapshots where there can be some, else the running file systems as they are. */
#include "storage/tools.h"
#include "sys/files.h"
#include "sys/mount.h"

void snapshot_set_done(struct snapshot_set *s)
{
	free(s->at);
	s->at = NULL;
	strv_done(&s->mounts);
	strv_done(&s->volumes);
	strv_done(&s->live);
	strv_done(&s->nested);
	strv_done(&s->sources);
}

static void find_mounts(const struct layout *running, struct strv *ret)
{
	for (size_t i = 0; i < running->n_fs; i++)
		if (!streq(running->fs[i].type, "swap") && layout_volume_of(running, i))
			strv_add(ret, running->fs[i].mount_point);
	strv_sort(ret); /* a parent is shorter than what lies below it */
}

static char *place_of(const char *at, const char *mount_point)
{
	return xasprintf("%s%s", at, streq(mount_point, "/") ? "" : mount_point);
}

static int mount_live(const char *mount_point, const char *to, struct snapshot_set *set,
		      struct err *err)
{
	if (mount_bind(mount_point, to, true, err) < 0)
		return -1;
	strv_add(&set->live, mount_point);
	return 0;
}

static int show_live(struct snapshot_set *set, struct err *err)
{
	for (size_t i = 0; i < set->mounts.n; i++) {
		_cleanup_free_ char *to = place_of(set->at, set->mounts.v[i]);

		if (mount_live(set->mounts.v[i], to, set, err) < 0)
			return -1;
	}
	return 0;
}

static const char *source_of(const struct snapshot_set *set, const char *mount_point)
{
	for (size_t i = 0; i + 1 < set->sources.n; i += 2)
		if (streq(set->sources.v[i], mount_point))
			return set->sources.v[i + 1];
	return NULL;
}

static int mount_one(const struct storage *s, const struct layout *running,
		     const char *mount_point, struct snapshot_set *set, struct err *err)
{
	_cleanup_free_ char *to = place_of(set->at, mount_point);
	const char *source = source_of(set, mount_point);

	if (source)
		return mount_bind(source, to, true, err);
	if (snapshot_lvm_covers(running, mount_point))
		return snapshot_lvm_mount(s, running, mount_point, to, err);
	return mount_live(mount_point, to, set, err);
}

static bool can_snapshot(const struct storage *s, const struct layout *running,
			 const struct strv *mounts)
{
	return (snapshot_lvm_covers(running, "/") ||
		snapshot_btrfs_covers(running, "/")) &&
	       snapshot_lvm_has_room(s, running, mounts);
}

/* What is not mounted would be missing in the copy without a word. */
static int check_mounted(const struct snapshot_set *set, struct err *err)
{
	for (size_t i = 0; i < set->mounts.n; i++) {
		_cleanup_free_ char *to = place_of(set->at, set->mounts.v[i]);

		if (!mount_is_mountpoint(to))
			return err_set(
				err, ERR_INTERNAL,
				"%s is not mounted any more: the copy would lack it", to);
	}
	return 0;
}

int snapshot_take(const struct storage *s, const struct layout *running, const char *at,
		  struct snapshot_set *ret, struct err *err)
{
	find_mounts(running, &ret->mounts);
	ret->at = xstrdup(at);
	if (files_mkdirs(at, 0700, err) < 0)
		return -1;
	ret->consistent = can_snapshot(s, running, &ret->mounts);
	if (!ret->consistent)
		return show_live(ret, err) < 0 ? -1 : check_mounted(ret, err);
	if (snapshot_lvm_make(s, running, ret, err) < 0 ||
	    snapshot_btrfs_make(s, running, ret, err) < 0)
		return -1;
	strv_sort(&ret->mounts);
	for (size_t i = 0; i < ret->mounts.n; i++)
		if (mount_one(s, running, ret->mounts.v[i], ret, err) < 0)
			return -1;
	return btrfs_tops_umount(s, err) < 0 ? -1 : check_mounted(ret, err);
}

int snapshot_check(const struct storage *s, const struct snapshot_set *set,
		   struct err *err)
{
	return snapshot_lvm_check(s, set, err);
}

int snapshot_drop(const struct storage *s, const struct layout *running,
		  const struct snapshot_set *set, struct err *err)
{
	if (set->at && storage_umount(s, set->at, err) < 0)
		return -1;
	if (set->at)
		rmdir(set->at);
	if (set->volumes.n > 0 && snapshot_lvm_drop(s, err) < 0)
		return -1;
	return snapshot_btrfs_drop(s, running, err);
}

int storage_drop_leftovers(const struct storage *s, const struct layout *running,
			   struct err *err)
{
	if (storage_umount(s, "/run/nimadm/snapshot", err) < 0 ||
	    snapshot_lvm_drop(s, err) < 0)
		return -1;
	return snapshot_btrfs_drop(s, running, err);
}

int snapshot_make_nested(const struct snapshot_set *set, const char *at, struct err *err)
{
	for (size_t i = 0; i < set->nested.n; i++) {
		_cleanup_free_ char *path = place_of(at, set->nested.v[i]);
		_cleanup_free_ char *above = xstrdup(path);

		*strrchr(above, '/') = '\0';
		if (files_mkdirs(above, 0700, err) < 0 ||
		    btrfs_make_subvolume(path, err) < 0)
			return -1;
	}
	return 0;
}
