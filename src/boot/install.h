/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing what the firmware starts on the clone's disks: GRUB's boot sector and core image (BIOS), files of the clone's
 * own ESP (UEFI). Only the disks that `target` names are opened for writing; the programs that
 * make the images run in the clone, where no other disk's node exists.
 */
#pragma once

#include "boot/boot.h"

struct boot_install {
	const struct root *alt;	     /* the mounted clone, with its /boot and /boot/efi */
	struct runner *run;	     /* runs the clone's tools in the clone */
	const struct layout *target; /* of the clone */
	const struct layout *running; /* for the menu entry of the old system; or NULL */
	const char *efi_id;	      /* directory below EFI: "nimadm-altinst" */
	struct events *events;
};
/* Boot sectors or ESP files on each disk of the clone that can boot it. Idempotent. */
int boot_install_write(const struct boot_install *b, struct err *err) _must_check_;
/* The boot chain read back from the disk itself: boot sector -> core image -> grub.cfg -> kernel -> initramfs -> root. */
int boot_install_verify(const struct boot_install *b, struct findings *fs,
			struct err *err) _must_check_;
/* Shim and GRUB of the clone against the revocation levels (SBAT) that the firmware enforces: an inhibitor where the
 * firmware would refuse them. */
int boot_sbat_check(const struct root *alt, const struct root *running,
		    struct findings *fs, struct err *err) _must_check_;
