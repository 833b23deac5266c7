/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout's file systems as grub-probe would describe them on the client: the master has none of its devices, so
 * nothing can be probed.
 */
#pragma once

#include "base/str.h"
#include "model/layout.h"

/* Strings are owned and never NULL; "" where there is nothing to say. */
struct boot_device {
	char *mount_point;
	char *device; /* "/dev/sda2", "/dev/mapper/rootvg-hd4", "/dev/disk/by-uuid/..." */
	char *fs;     /* grub's module: "ext2" for ext4 */
	char *uuid, *label;
	char *partmap;	   /* "gpt", "msdos" */
	char *abstraction; /* "lvm" */
	char *hint;	   /* "hd0,gpt2", "lvm/rootvg-hd4" */
	char *hints;	   /* options of grub's search command */
	char *subvol;	   /* btrfs: "/@rootfs" */
};
struct boot_devices {
	struct boot_device *v;
	size_t n;
};
#define BOOT_DEVICES_INIT                                                                \
	{                                                                                \
		NULL, 0                                                                  \
	}
#define _cleanup_boot_devices_ _cleanup_(boot_devices_done)
void boot_devices_done(struct boot_devices *ds);

/* Every file system of the layout that is mounted somewhere; no swap. */
void boot_devices_from_layout(struct boot_devices *ds, const struct layout *l);
const struct boot_device *boot_devices_find(const struct boot_devices *ds,
					    const char *mount_point);

/* The layout's disk that a partition's device lies on ("/dev/sda" of "/dev/sda2"), malloc'd; NULL: no such. Partition's number too, where
 * the caller wants it. */
char *boot_device_disk(const char *device, const struct layout *l);
unsigned boot_device_number(const char *device);

/* One line a file system, '|' between the fields: what the stand-in of grub-probe reads. */
void boot_devices_write(const struct boot_devices *ds, struct str *out);
