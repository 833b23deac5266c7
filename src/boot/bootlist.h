/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot list: which disk the firmware starts next. On UEFI BootOrder and BootNext, and only our own entries are made
 * or removed; on BIOS the GRUB environment of the disk that the firmware boots, or, where GRUB cannot write that
 * (LVM, RAID, btrfs), another mechanism that is named.
 */
#pragma once

#include "base/strv.h"
#include "model/layout.h"
#include "sys/root.h"
#include "sys/runner.h"

struct bootlist_ctx {
	const struct root *root; /* the running system */
	struct runner *run;
	const struct layout *running;
	const struct layout *clones; /* found by their tags; mounted or not */
	size_t n_clones;
};
struct bootlist_entry {
	char *disk;  /* "/dev/sdb" */
	char *label; /* "altinst_rootvg" */
	char *id;    /* "Boot0003", or the menu entry's id */
	bool ours;
};
struct bootlist {
	struct bootlist_entry *v; /* in the order that will be tried */
	size_t n;
	char *once;	 /* disk of the next boot alone, or NULL */
	char *mechanism; /* "EFI BootOrder", "GRUB environment on /dev/sda2", ... */
};
#define BOOTLIST_INIT                                                                    \
	{                                                                                \
		NULL, 0, NULL, NULL                                                      \
	}
#define _cleanup_bootlist_ _cleanup_(bootlist_done)
void bootlist_done(struct bootlist *b);
int bootlist_read(const struct bootlist_ctx *c, struct bootlist *ret, struct err *err)
	_must_check_;
/* `disks`: the new order, first one first. Reads back what it wrote. */
int bootlist_set(const struct bootlist_ctx *c, const struct strv *disks, struct err *err)
	_must_check_;
/* The next boot alone; the order stays. Reads back. */
int bootlist_set_once(const struct bootlist_ctx *c, const char *disk, struct err *err)
	_must_check_;
/* Removes our own entries of a disk. */
int bootlist_forget(const struct bootlist_ctx *c, const char *disk, struct err *err)
	_must_check_;
