/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second look at a tree that was read while it was in use. */
#pragma once

#include <time.h>

#include "base/strv.h"
#include "sys/root.h"

/*
 * Tells of each file and directory that was changed at or after `since`, in the file systems `mounts` ("/", "/boot", ...) of
 * the tree. What is gone cannot be seen; its directory is.
 */
int changed_look(const struct root *root, const struct strv *mounts,
		 const struct timespec *since, void (*each)(void *arg, const char *path),
		 void *arg, struct err *err) _must_check_;
