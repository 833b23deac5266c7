/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GRUB's boot sector and core image for BIOS, as bytes.
 *
 * The format is that of GRUB 2's i386-pc platform, from 1.99 on; the offsets below are those of its sources:
 *   include/grub/i386/pc/boot.h     the boot sector (boot.img): where it keeps the number of the core image's first
 *                                   sector (0x5c), the BIOS drive (0x64) and the check of it (0x66)
 *   include/grub/offsets.h          the core image's list of the sectors to load (12 bytes an entry, from the end of its
 *                                   first sector downwards) and the segment they are loaded to (0x800)
 *   util/setup.c (grub-bios-setup)  what of the old boot sector stays: the parameter block of a DOS file system (0x3 to
 *                                   0x59), the disk's signature and the partition table (0x1b8 to 0x1fd)
 * Reed-Solomon codes, which grub-bios-setup adds behind the core image, are left out as by its --no-rs-codes.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "boot/install-disk.h"

/* `sector`: what the disk has now, becomes what it shall have. The core image begins at `core_start`. */
int install_core_boot_sector(uint8_t sector[INSTALL_SECTOR], const struct str *boot_img,
			     uint64_t core_start, struct err *err) _must_check_;
/* Fills the list of sectors for a core image that lies in one piece from `core_start`, and pads it to whole sectors. */
int install_core_place(struct str *core, uint64_t core_start, struct err *err)
	_must_check_;
/* First sector of the core image that a boot sector starts. */
uint64_t install_core_start(const uint8_t sector[INSTALL_SECTOR]);
/* Where the two differ in what is GRUB's: its code, not the disk's table. */
bool install_core_same_code(const uint8_t a[INSTALL_SECTOR],
			    const uint8_t b[INSTALL_SECTOR]);
