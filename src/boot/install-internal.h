/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of boot/install.h share. */
#pragma once

#include "boot/boot-internal.h"
#include "boot/device.h"
#include "boot/install.h"

#define GRUB_DIR     "/boot/grub"
#define GRUB_LIB_DIR "/usr/lib/grub"

/* A platform of GRUB that a clone can start with. */
struct install_platform {
	const char *name;    /* grub-mkimage's: "x86_64-efi" */
	const char *package; /* that brings its modules */
	/* what its core image needs beside partitions and file systems */
	const char *modules;
	/* UEFI alone: file names and the removable path's. */
	const char *shim, *mok, *grub, *removable;
};
extern const struct install_platform install_bios;
/* The UEFI platform whose files the root has, of its architecture; NULL: none. */
const struct install_platform *install_efi_platform(const struct root *root);

/* Whether the clone's disks have what the firmware needs and the clone has GRUB for it. */
bool install_wants_bios(const struct boot_install *b);
bool install_wants_efi(const struct boot_install *b);

/* Identifier of the file system that holds /boot/grub; malloc'd, "" where it has none. */
char *install_boot_uuid(const struct layout *l);
/* "(search by UUID)/grub": where a core image or a stub finds the clone's grub.cfg. */
int install_early_config(const struct boot_install *b, struct str *out, struct err *err)
	_must_check_;
/* A core image for the clone, made by its own grub-mkimage. */
int install_make_core(const struct boot_install *b, const struct install_platform *p,
		      struct str *out, struct err *err) _must_check_;
/* GRUB's modules of its package into /boot/grub: core image and modules must be of one build. */
int install_copy_modules(const struct boot_install *b, const struct install_platform *p,
			 struct err *err) _must_check_;
/* "" or what is wrong with them; malloc'd. */
char *install_check_modules(const struct boot_install *b,
			    const struct install_platform *p);

/* Opens a disk of the clone; refuses one that the running system has. Returns a descriptor. */
int install_open_disk(const struct boot_install *b, const char *name, int flags,
		      struct err *err) _must_check_;

/* The old system's entry in the clone's menu. */
int install_write_custom(const struct boot_install *b, struct err *err) _must_check_;
/* Whether a disk of the clone has a place for a core image. */
bool install_bios_has_room(const struct boot_install *b);
int install_bios_write(const struct boot_install *b, struct err *err) _must_check_;
int install_bios_verify(const struct boot_install *b, struct findings *fs,
			struct err *err) _must_check_;
int install_esp_write(const struct boot_install *b, struct err *err) _must_check_;
int install_esp_verify(const struct boot_install *b, struct findings *fs, struct err *err)
	_must_check_;

/* Mount point of the layout's ESP, or NULL. */
const char *install_esp_mount(const struct layout *l);
/* The file that starts a system from its ESP, below it: "EFI/debian/shimx64.efi"; malloc'd, NULL: none. */
char *install_esp_loader(const struct root *root, const struct layout *l);

/* For boot.h's functions on the clone. */
struct boot_ctx install_ctx(const struct boot_install *b);
