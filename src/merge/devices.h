/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fstab's entries, and what image.data knows about the devices they name. Private to src/merge. */
#pragma once

#include "merge/merge.h"

struct fstab_entry {
	char *spec, *file, *type, *options;
	int line;
};
struct fstab {
	struct fstab_entry *v;
	size_t n;
};
#define FSTAB_INIT                                                                       \
	{                                                                                \
		NULL, 0                                                                  \
	}
#define _cleanup_fstab_ _cleanup_(fstab_done)

/* Lines with fewer than two fields are left out; octal escapes are decoded. */
void fstab_parse(struct fstab *t, const char *text);
void fstab_done(struct fstab *t);
bool fstab_has_option(const struct fstab_entry *e, const char *option);

/* "/dev/sda1", "/dev/nvme0n1p2": a name that the kernel gives in the order of finding. */
bool device_is_kernel_name(const char *spec);
/* The image tells anything about file systems, so that "not there" means something. */
bool layout_knows_fs(const struct layout *l);
/* A file system or swap space of the layout that `spec` names: UUID=, LABEL=, a device name; NULL: none. */
const struct layout_fs *layout_by_spec(const struct layout *l, const char *spec);
