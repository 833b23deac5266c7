/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disks of a client: what they are and hold, what a clone of the running root on target disks will look like, and the
 * kinds of volumes (storage/table.c) that make, wake, put to sleep and remove it.
 *
 * Roles are derived, never stored in a running system: rootvg is what is mounted at "/"; a clone carries our tags
 * (LVM: tags "nimadm" and "nimadm.altinst" on its VG; partitions: GPT names "nimadm:..."; and a file
 * /etc/nimadm/altinst in the root file system), and is altinst_rootvg until it was booted; what the clone knows as
 * the system it was made from (STORAGE_OLD) is old_rootvg after a boot from the clone.
 */
#pragma once

#include "base/strv.h"
#include "model/event.h"
#include "model/layout.h"
#include "sys/root.h"
#include "sys/runner.h"

struct storage {
	const struct root *root; /* the running system */
	struct runner *run;
	struct events *events;
};

/* Written into a clone, of the system that was cloned, a line each: its volume group ("-": none), its root's UUID, and the UUID
 * and the mount point of what holds its /boot ("UUID /boot"). */
#define STORAGE_OLD "/etc/nimadm/old_rootvg"
/* Of a clone with btrfs: a line each with mount point, mount point of the same file system's first subvolume, options. */
#define STORAGE_SUBVOLUMES "/etc/nimadm/altinst.subvolumes"

enum disk_role { DISK_NONE, DISK_ROOTVG, DISK_ALTINST, DISK_OLD, DISK_OTHER };
/* "rootvg"; "None" for DISK_NONE as lspv prints it */
const char *disk_role_name(enum disk_role r);

struct disk {
	char *path;	      /* "/dev/sdb" */
	char *by_id;	      /* below /dev/disk/by-id, or "" */
	char *serial, *model; /* or "" */
	uint64_t size;
	uint32_t sector;
	char *table; /* "gpt", "dos" or "" */
	enum disk_role role;
	char *vg;   /* the volume group or file system set it belongs to, "" for none */
	bool awake; /* of a set of ours: active or mounted */
	bool ours;  /* carries our tags */
	bool busy;  /* mounted, swap, held by another device, or the running root */
	/* what is on it, for people: "ext4 file system on /dev/sdb1 (label data)" */
	struct strv holds;
};
struct disks {
	struct disk *v;
	size_t n;
	/* what lsblk said of them: for those that look for more there */
	struct json_t *blocks;
};
#define DISKS_INIT                                                                       \
	{                                                                                \
		NULL, 0, NULL                                                            \
	}
#define _cleanup_disks_ _cleanup_(disks_done)
void disks_done(struct disks *d);
int disks_read(struct disks *d, const struct storage *s, const struct layout *running,
	       struct err *err) _must_check_;
/* By any name of it: /dev/sdb, /dev/disk/by-id/..., sdb, a serial number. NULL: none. */
const struct disk *disks_find(const struct disks *d, const char *name);

/* What makes a target acceptable although it is not empty. */
struct target_policy {
	bool force; /* leftovers of our own */
	/* --wipe-disk: these may hold anything but what is busy */
	const struct strv *wipe_serials;
};
/* Each target: exists, is no running disk, not busy, empty or allowed. ERR_UNFIT names the disk and what was found. */
int targets_check(const struct disks *d, const struct strv *targets,
		  const struct target_policy *policy, struct err *err) _must_check_;

struct target_options {
	const struct layout *image_data; /* sizes per file system, SHRINK; or NULL */
	bool uefi, bios;		 /* what the clone must boot with */
	bool unmirror;			 /* mirrored volumes become plain ones */
	bool any_room;	     /* do not ask whether the files fit: some may be left out */
	const char *vg_name; /* "altinst_rootvg" */
};
/*
 * The clone's layout from the running one (pure: no disk is touched): new names and sizes that fit the target disks, new
 * identifiers left empty. ERR_UNFIT: what is not supported, or by how much which file system does not fit.
 */
int target_plan(struct layout *ret, const struct layout *running, const struct disks *d,
		const struct strv *targets, const struct target_options *o,
		struct err *err) _must_check_;

/* A consistent view of the running root: file systems of one moment, mounted read-only below `at`. */
struct snapshot_set {
	bool consistent; /* false: no room; `at` shows the live file systems, and a second pass is due */
	char *at;
	struct strv mounts;  /* mount points of the set: "/", "/boot", ... */
	struct strv volumes; /* what was made: to be dropped */
	struct strv live; /* mount points that could not be snapshotted (a plain /boot) */
	/* of `mounts`: btrfs subvolumes that no mount of their own leads to */
	struct strv nested;
	/* mount point and its snapshot's directory, in turn (btrfs) */
	struct strv sources;
};
void snapshot_set_done(struct snapshot_set *s);
/*
 * Snapshots of the running root, mounted at `at`: of volumes of LVM, and of btrfs subvolumes, all of those of one file
 * system of one moment. To be dropped also after a failure.
 */
int snapshot_take(const struct storage *s, const struct layout *running, const char *at,
		  struct snapshot_set *ret, struct err *err) _must_check_;
/* 0: still valid; ERR_OPERATOR: one overflowed, the copy is worthless. */
int snapshot_check(const struct storage *s, const struct snapshot_set *set,
		   struct err *err) _must_check_;
int snapshot_drop(const struct storage *s, const struct layout *running,
		  const struct snapshot_set *set, struct err *err) _must_check_;
/* Makes the subvolumes that the set found nested in others, in the clone mounted at `at`. */
int snapshot_make_nested(const struct snapshot_set *set, const char *at, struct err *err)
	_must_check_;

/* Where the file systems of a root lie: in volumes of LVM or on plain partitions. Const objects in storage/table.c. */
struct storage_backend {
	const char *name; /* "lvm", "partitions" */
	bool (*probe)(const struct layout *l);
	/* Partitions, volumes, file systems, swap as `target` says; fills in its devices and new identifiers. */
	int (*create)(const struct storage *s, struct layout *target, struct err *err);
	/* Makes the devices of an existing clone available; mounts nothing. Idempotent. */
	int (*activate)(const struct storage *s, const struct layout *target,
			struct err *err);
	int (*deactivate)(const struct storage *s, const struct layout *target,
			  struct err *err);
	/* Wipes our volumes and partition tables on the disks of `target`. Idempotent. */
	int (*destroy)(const struct storage *s, const struct layout *target,
		       struct err *err);
};
const struct storage_backend *storage_backend_for(const struct layout *l);

/* Clones found by our tags alone: the layout of each (devices, mount points, identifiers). For wake-up, boot, and for clean-up without a
 * state file. *ret: array of *n layouts, the caller's. */
int storage_find_clones(const struct storage *s, const struct disks *d,
			struct layout **ret, size_t *n, struct err *err) _must_check_;
/* Volumes that a killed run left suspended go on: before anything is read from the disks. */
void storage_release_leftovers(const struct storage *s);
/*
 * The system that the running one was cloned from, as far as its disks tell without being mounted: what a boot list needs.
 * 1: there is none. It is no clone: nothing may be taken away from it.
 */
int storage_find_old(const struct storage *s, const struct disks *d, struct layout *ret)
	_must_check_;
/* Snapshots of ours left behind by a crash: dropped. */
int storage_drop_leftovers(const struct storage *s, const struct layout *running,
			   struct err *err) _must_check_;

/* Mounts the clone's file systems below `at`, root first. Idempotent. */
int storage_mount(const struct storage *s, const struct layout *target, const char *at,
		  struct err *err) _must_check_;
int storage_umount(const struct storage *s, const char *at, struct err *err) _must_check_;
/* Which subvolumes of btrfs are mounted where, into the clone's own file STORAGE_SUBVOLUMES: what its tags cannot tell. */
int storage_note_subvolumes(const struct root *alt, const struct layout *target,
			    struct err *err) _must_check_;

/* ERR_UNFIT: the running root lies on something that cannot be cloned yet (LUKS, software RAID, ...), by its name. */
int storage_check_source(const struct storage *s, const struct disks *d,
			 const struct layout *running, struct err *err) _must_check_;

/*
 * SHA-256 over partition tables, boot sectors and gaps, ESP contents and VG metadata of the running disks: equal before
 * and after every operation. The text has one line an item, so that a difference can be named.
 */
int fingerprint_read(const struct storage *s, const struct layout *running,
		     const struct disks *d, struct str *ret, struct err *err)
	_must_check_;
/* 0: equal; ERR_INTERNAL names the items that differ. */
int fingerprint_compare(const char *before, const char *after, struct err *err)
	_must_check_;
