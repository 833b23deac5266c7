/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the GRUB of one disk starts the other disk: text for /boot/grub/custom.cfg, which the distribution's grub.cfg reads
 * at its end (/etc/grub.d/41_custom), whatever grub-mkconfig writes later. Nothing else of GRUB's configuration is changed.
 *
 * BIOS: the other disk's boot sector is started, so each disk's GRUB uses its own modules and its own grub.cfg. Its state
 * lies in two places:
 *   the GRUB environment of the disk that starts   next_entry (one boot), saved_entry (from now on)
 *   an environment block of ours on the clone's disk (install-env.h), which both systems can write without mounting the
 *   other one's file systems, and GRUB too where the disk has a GPT:
 *     nimadm_turn=clone   the next boot alone is the clone's (where the GRUB environment cannot be written)
 *     nimadm_turn=other   the next boot alone is the old system's; =pass: the same, on its way through the clone's GRUB
 *     nimadm_stay=other   the old system from now on, whatever its saved_entry says
 * A disk that is gone, or a state that names it, lets each GRUB start its own system.
 *
 * UEFI: the other system's loader is started from its ESP; the boot list is the firmware's.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "boot/install-env.h"
#include "model/layout.h"

#define CHAIN_FILE  "/boot/grub/custom.cfg"
#define CHAIN_OLD   "nimadm-old" /* the old system's entry in the clone's menu */
#define CHAIN_TURN  "nimadm_turn"
#define CHAIN_STAY  "nimadm_stay"
#define CHAIN_SAVED "nimadm_saved" /* what saved_entry was before it was ours */

/* Names of our blocks in CHAIN_FILE. */
#define CHAIN_BLOCK_LIST "boot list"
#define CHAIN_BLOCK_OLD	 "old system"

/* A disk as GRUB can find it, by what lies on it and never by its number. */
struct chain_disk {
	char *name;	 /* "/dev/sdb" */
	char *fs_uuid;	 /* of a file system on a partition of it, or "" */
	char *part_uuid; /* of a partition of it */
	char part[16];	 /* "gpt2" */
	struct install_env env;
};
#define CHAIN_DISK_INIT                                                                  \
	{                                                                                \
		NULL, NULL, NULL, { 0 },                                                 \
		{                                                                        \
			0                                                                \
		}                                                                        \
	}
#define _cleanup_chain_disk_ _cleanup_(chain_disk_done)
void chain_disk_done(struct chain_disk *d);
/* The disk of a layout that starts its system, read only. */
int chain_disk_find(struct chain_disk *d, const struct layout *l, struct err *err)
	_must_check_;
/* Identifier of a clone's entry in the menu: "nimadm-1a2b3c4d". */
char *chain_entry_id(const struct layout *clone);

/* Block for the running system's GRUB: starts one clone. */
void chain_write_list(struct str *out, const struct chain_disk *clone, const char *id,
		      const char *title);
/* Block for a clone's GRUB: starts the old system. */
void chain_write_old(struct str *out, const struct chain_disk *old,
		     const struct chain_disk *self, const char *title);
/* The same on UEFI: a loader below the ESP with this identifier. */
void chain_write_old_efi(struct str *out, const char *esp_uuid, const char *loader,
			 const char *title);

/* The text with our block of that name set to `block`, or without it where that is NULL. */
void chain_put_block(struct str *out, const char *text, const char *name,
		     const char *block);
bool chain_has_block(const char *text, const char *name);
