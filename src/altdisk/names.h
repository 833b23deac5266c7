/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that an administrator has given to clones: /var/lib/nimadm/names, a line each: the identifier of a disk's partition
 * table and the name. Nothing depends on them; a clone that is made anew has a new table, and no name.
 */
#pragma once

#include "altdisk/host.h"

#define NAMES_MAX 15 /* as lspv's column, and the original's volume groups */

/* The name of the clone on a disk, malloc'd; NULL: none was given. */
char *names_find(const struct host *h, const char *disk);
/* Gives the clone a name; VG_NAME takes it back. */
int names_give(const struct host *h, const struct layout *clone, const char *name,
	       struct err *err) _must_check_;
/* All names. None there: 0. */
int names_forget(const struct root *root, struct err *err) _must_check_;
