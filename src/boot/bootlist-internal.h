/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two kinds of boot list: the firmware's own (UEFI), or GRUB's (BIOS). */
#pragma once

#include "boot/bootlist.h"

struct bootlist_method {
	const char *name;
	bool (*probe)(const struct bootlist_ctx *c);
	int (*read)(const struct bootlist_ctx *c, struct bootlist *ret, struct err *err);
	int (*set)(const struct bootlist_ctx *c, const struct strv *disks,
		   struct err *err);
	int (*set_once)(const struct bootlist_ctx *c, const char *disk, struct err *err);
	int (*forget)(const struct bootlist_ctx *c, const char *disk, struct err *err);
};
extern const struct bootlist_method bootlist_efi;
extern const struct bootlist_method bootlist_bios;

/* Takes over nothing; copies. */
void bootlist_add(struct bootlist *list, const char *disk, const char *label,
		  const char *id, bool ours);
/* The clone that has this disk; NULL: none. */
const struct layout *bootlist_find_clone(const struct bootlist_ctx *c, const char *disk);
/* "altinst_rootvg", or what the layout calls itself. */
const char *bootlist_label(const struct layout *clone);
