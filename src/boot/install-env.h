/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A place of ours on a clone's disk that GRUB can write, whatever /boot lies on.
 *
 * GRUB's save_env writes into the blocks of a file, in a file system on a plain partition; it does not write to a list of
 * blocks (GRUB 2.06 and 2.12: grub_fs_blocklist_read calls no read hook). So a BIOS boot partition begins with a file
 * system of 64 KiB (ext2, revision 1: no journal, no checksums) that holds one file, an environment block, and the core image
 * comes behind it. grub-install, run later in that system (an update of grub-pc does it), writes over it: then a single boot
 * cannot be had any more, and the permanent boot list goes by a second environment block, which GRUB can only read and which
 * lies at the end of that partition, or of the gap of a disk with an MBR.
 */
#pragma once

#include "boot/bootlist-env.h"
#include "boot/install-disk.h"

#define INSTALL_ENV_FILE "/nimadm.env"
#define INSTALL_ENV_SIZE 65536u
#define INSTALL_ENV_UUID 37u

struct install_env {
	/* of the environment block, in units of 512 bytes; 0: there is none */
	uint64_t sector;
	uint64_t
		spare; /* of the second one, where `sector` is the first; 0: there is none */
	char uuid[INSTALL_ENV_UUID]; /* of the file system that holds it; "": none */
};
/* Bytes of the file system, with an empty environment block. The identifier follows from `seed`. */
void install_env_make(char fs[INSTALL_ENV_SIZE], const char *seed);
/* What is on the disk now. */
int install_env_find(struct install_env *e, const struct install_disk *d, int fd,
		     const char *path, struct err *err) _must_check_;
