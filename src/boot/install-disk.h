/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk's partition table as far as booting needs it: where a core image may lie, and which partition is which.
 * Reads devices and image files alike.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define INSTALL_SECTOR 512u /* what BIOS and GRUB's on-disk format count in */

struct install_part {
	unsigned number;
	uint64_t start, sectors; /* in sectors of the disk */
	char uuid[37];		 /* GPT: of the partition; DOS: "8f3a12cd-01" */
	bool bios_boot;		 /* GPT: a BIOS boot partition */
};
struct install_disk {
	char label[4]; /* "gpt", "dos" or "" */
	unsigned sector;
	struct install_part *parts;
	size_t n_parts;
	/* Where the core image may lie, in units of 512 bytes; 0 sectors: nowhere. The last two are our own. */
	uint64_t area_start, area_sectors;
};
#define INSTALL_DISK_INIT                                                                \
	{                                                                                \
		.parts = NULL                                                            \
	}
#define _cleanup_install_disk_ _cleanup_(install_disk_done)
void install_disk_done(struct install_disk *d);
/* `path` is for messages. A disk without a table is no error: label "". */
int install_disk_read(struct install_disk *d, int fd, const char *path, struct err *err)
	_must_check_;

/* The two sectors at the end of the area: an environment block of ours that GRUB can write whatever file system /boot has. */
#define INSTALL_ENV_SECTORS 2u
/* In units of 512 bytes; 0: the disk has no room for it. */
uint64_t install_env_sector(const struct install_disk *d);

/* Exactly n bytes at an offset. */
int install_pread(int fd, void *data, size_t n, uint64_t offset, const char *path,
		  struct err *err) _must_check_;
int install_pwrite(int fd, const void *data, size_t n, uint64_t offset, const char *path,
		   struct err *err) _must_check_;
