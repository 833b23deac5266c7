/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The block devices of a host. */
#pragma once

#include "model/json.h"

/*
 * In a tree as lsblk(8) shows it: a list of objects with `columns` (which have NAME: without it there is no tree) in lower
 * case, sizes in bytes, "children", and "mountpoints": all that is mounted from a device, "[SWAP]" where it is swap space.
 * lsblk before util-linux 2.37 tells one mount point only; findmnt(8) tells the others. Returns as json_run: 1 where lsblk
 * is missing or fails.
 */
int blocks_read(struct runner *run, const char *columns, json_t **ret, struct err *err)
	_must_check_;
