/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Path lookup below a directory, as chroot(2) would do it. Private to sys/root*.c and its tests. */
#pragma once

#include <sys/types.h>

#include "base/attr.h"

/* A descriptor (O_CLOEXEC), or -1 and errno. Thread-safe. */
int root_lookup(int root_fd, const char *path, int flags, mode_t mode);
/* The same without openat2(2); what root_lookup falls back to. */
int root_lookup_walk(int root_fd, const char *path, int flags, mode_t mode);
