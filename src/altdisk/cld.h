/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of readers that the kernel's NFS server wants kept over its restarts (nfsdcld(8)): always empty, since a reader that
 * only reads has nothing to claim back. With somebody who says so, files can be opened at once.
 */
#pragma once

#include "base/err.h"

/* Answers in a thread of its own, to the end of the process. `dir`: where rpc_pipefs is mounted. */
int cld_start(const char *dir, struct err *err) _must_check_;
