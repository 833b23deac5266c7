/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether what a tree has under a path is what an entry of a manifest says: type, mode, owner, time, size, device
 * number, link target, hard link, extended attributes, inode flags, content.
 *
 * No link is followed, and nothing of the tree is changed, access times included where the kernel allows that.
 */
#pragma once

#include "model/digest.h"
#include "model/manifest.h"
#include "sys/dirs.h"
#include "sys/xattrs.h"

/* One thread's means. */
struct entry_check {
	int top; /* borrowed: the tree's top directory */
	bool from_disk; /* read contents from the disk, not from what memory still has of writing them */
	struct dirs dirs;
	struct digest digest;
	struct xattrs xattrs;
	uint8_t *data;
};
#define _cleanup_entry_check_ _cleanup_(entry_check_done)
void entry_check_init(struct entry_check *k, int top);
void entry_check_done(struct entry_check *k);
/* NULL: as the entry says. Else what differs, for a message: "another mode", "missing". */
const char *entry_check(struct entry_check *k, const struct manifest_entry *e);
