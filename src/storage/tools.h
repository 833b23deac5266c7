/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the storage layer: running its programs, what they print as JSON, names of devices, growing a layout. */
#pragma once

#include <jansson.h>

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

static inline void json_unref_p(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ _cleanup_(json_unref_p)

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

/* The tree of block devices as lsblk shows it; what it does not know of one (a host without udev) is probed. NULL: there is
 * no lsblk. */
json_t *tools_blocks(const struct storage *s);

const char *json_field(const json_t *o, const char *key); /* never NULL */
uint64_t json_number(const json_t *o, const char *key);

/* "/dev/sdb", 2 -> "/dev/sdb2"; "/dev/nvme0n1" -> "/dev/nvme0n1p2" */
char *tools_partition(const char *disk, unsigned number);
/* "/dev/mapper/my--vg-root" */
char *tools_mapper(const char *vg, const char *lv);

void layout_put(char **field, const char *value);
struct layout_fs *layout_new_fs(struct layout *l);
struct layout_lv *layout_new_lv(struct layout *l);
struct layout_disk *layout_new_disk(struct layout *l);
void layout_fill_strings(struct layout *l); /* fields that are NULL become "" */
bool layout_has_disk(const struct layout *l, const char *name);

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
/* Shows the running file systems themselves at `at`. */
int snapshot_live(const struct storage *s, const struct layout *running, const char *at,
		  struct snapshot_set *ret, struct err *err) _must_check_;
/* Mount points of the running root set, "/" first. */
void snapshot_mounts(const struct layout *running, struct strv *ret);
