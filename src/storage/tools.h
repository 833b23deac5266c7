/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the storage layer: running its programs, what they print as JSON, names of devices, growing a layout. */
#pragma once

#include "model/json.h"
#include "storage/storage.h"

#define TAG	     "nimadm"
#define TAG_ALTINST  "nimadm.altinst"
#define TAG_SNAPSHOT "nimadm.snapshot"
#define TAG_MOUNT    "nimadm.mount:" /* of a volume: its mount point, or "swap" */
#define TAG_FS	     "nimadm.fs:"    /* of a volume: its file system's type */
#define TAG_BOOT     "nimadm.boot:"  /* of the group: BOOT_METHOD */
#define PART_PREFIX  "nimadm:"	     /* of a partition's name */
/* A clone's partition tables have an identifier that begins with "NIMADM" in ASCII: so a disk is known as ours although the
 * kernel has not read its partitions yet. */
#define TABLE_ID "4e494d41-444d-"
#define MIB	 ((uint64_t)1 << 20)

/* Runs argv to its end; anything but 0 is an error. */
int tools_run(const struct storage *s, const struct strv *argv, const char *input,
	      struct err *err) _must_check_;
/* The same, arguments in place, NULL at the end. */
int tools_call(const struct storage *s, struct err *err, ...) _must_check_
	__attribute__((sentinel));
/* Standard output of a command that must work. */
int tools_read(const struct storage *s, const struct strv *argv, struct str *out,
	       struct err *err) _must_check_;
/* NULL and no error where the program is missing or ends otherwise than with 0 (a host without LVM). */
json_t *tools_json(const struct storage *s, const struct strv *argv);
/* Rows of LVM's report: lvs, vgs or pvs with these columns; new reference, or NULL. */
json_t *tools_lvm_rows(const struct storage *s, const char *command, const char *columns);

/* The block devices as lsblk shows them, each with its children; what it does not know of one (a host without udev) is
 * probed. Waits for udev: disks_read asks once for all. NULL: lsblk failed. */
json_t *tools_blocks(const struct storage *s, struct err *err);

/* "/dev/sdb", 2 -> "/dev/sdb2"; "/dev/nvme0n1" -> "/dev/nvme0n1p2" */
char *tools_partition(const char *disk, unsigned number);

/* The volume or partition of a file system; NULL: it lies elsewhere. Swaps are found by name, then in order. */
const struct layout_lv *layout_volume_of(const struct layout *l, size_t fs);

/* For each command of LVM: its copies of the metadata lie below /etc, where we write nothing. */
#define NO_BACKUP "--config", "backup { backup = 0 archive = 0 }"

/* Backends. */
extern const struct storage_backend storage_lvm;
extern const struct storage_backend storage_partitions;

int create_volumes(const struct storage *s, struct layout *target, struct err *err)
	_must_check_;
int destroy_volumes(const struct storage *s, const struct layout *target, struct err *err)
	_must_check_;
/* The same for a file system that lies on the volume of one before it: a second subvolume of btrfs. */
bool layout_is_shared(const struct layout *l, size_t fs);

/* lvm: snapshots of the set's volumes. */
bool snapshot_lvm_covers(const struct layout *running, const char *mount_point);
bool snapshot_lvm_has_room(const struct storage *s, const struct layout *running,
			   const struct strv *mounts);
int snapshot_lvm_make(const struct storage *s, const struct layout *running,
		      struct snapshot_set *set, struct err *err) _must_check_;
int snapshot_lvm_mount(const struct storage *s, const struct layout *running,
		       const char *mount_point, const char *to, struct err *err)
	_must_check_;
int snapshot_lvm_check(const struct storage *s, const struct snapshot_set *set,
		       struct err *err) _must_check_;
struct lvm_snapshot {
	const char *mount_point, *vg, *origin, *name;
};
/* Snapshots that LVM made one after the other, of mounted file systems, parents first: made again, all of one moment. A
 * warning where that cannot be done. */
int snapshot_lvm_one_moment(const struct storage *s, const struct lvm_snapshot *made,
			    size_t n, struct err *err) _must_check_;
/* What a killed run may have left so that LVM cannot remove the snapshot: its volume suspended, a table that waits in it. */
void snapshot_lvm_release(const struct lvm_snapshot *left);
/* All that carry our tag: those of this run and what a killed one has left. */
int snapshot_lvm_drop(const struct storage *s, struct err *err) _must_check_;

/* btrfs: snapshots of the set's subvolumes and of those nested in them, which join set->mounts. */
bool snapshot_btrfs_covers(const struct layout *running, const char *mount_point);
int snapshot_btrfs_make(const struct storage *s, const struct layout *running,
			struct snapshot_set *set, struct err *err) _must_check_;
/* Those of this run and what a killed one has left. */
int snapshot_btrfs_drop(const struct storage *s, const struct layout *running,
			struct err *err) _must_check_;

/* btrfs.c: the top of a file system, whatever subvolume is mounted of it elsewhere. */
struct btrfs_top {
	char *path;
};
#define BTRFS_TOP_INIT                                                                   \
	{                                                                                \
		NULL                                                                     \
	}
#define _cleanup_btrfs_top_ _cleanup_(btrfs_top_close)
int btrfs_top_open(struct btrfs_top *t, const struct storage *s, const char *device,
		   struct err *err) _must_check_;
void btrfs_top_close(struct btrfs_top *t);
/* Those that a killed run left mounted. */
int btrfs_tops_umount(const struct storage *s, struct err *err) _must_check_;
/* "@home" of "rw,subvol=/@home"; "" is the top. NULL: the options do not say. */
char *btrfs_subvol(const char *options);
/* What a mount of the clone needs of fstab's options: the subvolume and how data is compressed. */
void btrfs_options(const char *options, struct str *out);
/* Makes the subvolumes that `target` has on `device`; the first of them is what a mount without options shows. */
int btrfs_make_subvolumes(const struct storage *s, const struct layout *target,
			  const char *device, struct err *err) _must_check_;
/* One below an existing directory. */
int btrfs_make_subvolume(const char *path, struct err *err) _must_check_;
/* Adds what STORAGE_SUBVOLUMES in the root mounted at `at` tells to a layout that has the volumes only. */
int subvolumes_read(const struct root *root, const char *at, struct layout *l,
		    struct err *err) _must_check_;
