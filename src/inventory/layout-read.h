/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a system's image.data comes from: the files of a root, and on a running host its disks, volumes and mounts. */
#pragma once

#include "model/layout.h"
#include "sys/root.h"
#include "sys/runner.h"

/* From files only: os-release, dpkg's architecture, host name, boot loader, fstab; used space of the whole tree. Sizes stay
 * unknown. A root without fstab gets one file system, "/". */
int layout_read_root(struct layout *l, const struct root *root, struct err *err)
	_must_check_;
/* The same for the host that `run` runs commands on and whose root directory is `root`; then disks, volumes, sizes and
 * identifiers as lsblk, lvs, vgs and findmnt report them. Without LVM's programs there are no volumes. */
int layout_read_host(struct layout *l, const struct root *root, struct runner *run,
		     struct err *err) _must_check_;
/* Mount points of the file systems that belong to the layout, without swap: what an image of the host holds. */
void layout_mounts(const struct layout *l, struct strv *ret);
