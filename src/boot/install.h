/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a clone start by itself: its configuration, then what the firmware starts on its disks: GRUB's boot sector and
 * core image (BIOS), files of the clone's own ESP (UEFI). Only the disks that `target` names are opened for writing; the
 * programs that make the images run in the clone, where no other disk's node exists.
 *
 * In order: boot_install_config, boot_install_write, boot_install_verify. All are idempotent.
 */
#pragma once

#include "boot/boot.h"

struct boot_install {
	const struct root *alt; /* the mounted clone, with its /boot and /boot/efi */
	struct runner *run;	/* runs the clone's tools in the clone (runner_chroot) */
	/* A directory of the caller's that `run` shows at /run/nimadm ("DIR:/run/nimadm" of its binds). */
	const char *run_dir;
	const struct layout *target; /* of the clone */
	/* The system that is cloned, for the menu entry that leads back to it; both NULL where there is none. */
	const struct layout *running;
	const struct root *old;
	struct events *events;
};
/* Our directory below EFI. */
#define BOOT_EFI_ID "nimadm-altinst"

/*
 * grub.cfg of the clone out of its own grub-mkconfig, a fresh GRUB environment. The initramfs of each kernel is built anew only where the old one names what the clone does not have, or `running` is NULL.
 */
int boot_install_config(const struct boot_install *b, struct err *err) _must_check_;
/* GRUB's modules into the clone's /boot; boot sectors or ESP files on each disk of the clone that can boot it; an entry for the
 * old system in its menu (custom.cfg). */
int boot_install_write(const struct boot_install *b, struct err *err) _must_check_;
/* The boot chain read back from the disk itself: boot sector -> core image -> grub.cfg -> kernel -> initramfs -> root.
 * Adds what it saw; -1 also where the clone would not start. */
int boot_install_verify(const struct boot_install *b, struct findings *fs,
			struct err *err) _must_check_;
/*
 * Secure Boot's revocation levels (SBAT): those of the clone's shim and GRUB against what the firmware enforces now, those
 * of the running system against what the clone's shim will make the firmware enforce. An inhibitor where the firmware would refuse
 * the clone, or the way back; no more than a warning while Secure Boot is off.
 */
int boot_sbat_check(const struct root *alt, const struct root *running,
		    struct findings *fs, struct err *err) _must_check_;
