/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image.data and bosinst.data: the layout of a system's disks as stanzas in the original's form (image.data(5)),
 * parsed into records. Sizes in bytes here, in MiB in the file where the original has MB.
 */
#pragma once

#include "base/err.h"
#include "base/stanza.h"

struct layout_disk {
	char *name;   /* "/dev/sda" */
	char *serial; /* or "" */
	uint64_t size;
	char *label; /* "gpt", "dos" or "" */
};
struct layout_lv {
	char *vg, *name,
		*type; /* type: "linear", "raid1", "thin", "thin-pool", "partition", "swap" */
	char *disks; /* blank-separated names */
	uint64_t size;
	uint64_t copies;   /* on different disks; 0: not said */
	char *mount_point; /* "" for none */
};
struct layout_fs {
	char *mount_point; /* "/", "/boot", "swap" */
	char *device; /* as in fstab: "/dev/mapper/rootvg-hd4", "UUID=...", "/dev/sda1" */
	char *type;   /* "ext4", "vfat", "swap" */
	char *uuid, *label;
	char *options;	     /* fstab's */
	uint64_t size, used; /* 0: unknown */
};
struct layout {
	bool shrink, exact_fit;
	char *os_level; /* "debian 12 bookworm" */
	char *arch;	/* "amd64" */
	char *host;
	char *date;
	char *vg_name; /* "" without LVM */
	uint64_t vg_extent;
	struct layout_disk *disks;
	size_t n_disks;
	struct layout_lv *lvs;
	size_t n_lvs;
	struct layout_fs *fs;
	size_t n_fs;
	char *boot_method; /* "grub-pc", "grub-efi", "none" */
	char *boot_disk;   /* or "" */
};
#define LAYOUT_INIT                                                                      \
	{                                                                                \
		0                                                                        \
	}
#define _cleanup_layout_ _cleanup_(layout_done)
void layout_done(struct layout *l);
/* Unknown stanzas and keys, bad numbers, missing keys: "image.data: line 12: FS_SIZE= wants a number of MB, has 'x'". */
int layout_parse(struct layout *l, const char *text, size_t len, struct err *err)
	_must_check_;
void layout_write(const struct layout *l, struct str *out);
const struct layout_fs *layout_find_fs(const struct layout *l, const char *mount_point);
/* Of a volume: "/dev/mapper/my--vg-root". */
char *layout_mapper(const char *vg, const char *lv) _must_check_;
bool layout_has_disk(const struct layout *l, const char *name);
/* A record more, all its texts ""; the array moves. */
struct layout_disk *layout_new_disk(struct layout *l);
struct layout_lv *layout_new_lv(struct layout *l);
struct layout_fs *layout_new_fs(struct layout *l);
void layout_fill_strings(struct layout *l); /* fields that are NULL become "" */
int bosinst_validate(const char *text, size_t len, struct err *err) _must_check_;
void bosinst_default(const struct layout *l, struct str *out);
