/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by layout-*.c only. */
#pragma once

#include "model/layout.h"
#include "sys/root.h"

/* Everything that files tell; no used space. */
int layout_read_files(struct layout *l, const struct root *root, struct err *err)
	_must_check_;
/* Once, whatever is asked; `mount_point` is where it is mounted, or anything without a leading slash. */
void layout_add_lv(struct layout *l, const char *mount_point, const char *vg,
		   const char *name);
/* The same for "/dev/mapper/rootvg-hd4"; other devices are no volumes. */
void layout_add_mapped(struct layout *l, const char *mount_point, const char *device);
/* The volume group is that of the root file system. */
void layout_find_vg(struct layout *l);
