/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices of the device-mapper, by its own system calls: for what no program can be asked for, since it has to happen while
 * file systems stand still. dm_suspend and dm_resume allocate nothing and touch no file system. Devices are named as below
 * /dev/mapper, without that directory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct dm_target {
	char type[16];
	uint64_t sectors;
	char *params;
};
#define DM_TARGET_INIT                                                                   \
	{                                                                                \
		{ 0 }, 0, NULL                                                           \
	}
#define _cleanup_dm_target_ _cleanup_(dm_target_done)
void dm_target_done(struct dm_target *t);

/* The door to all of them: a descriptor. */
int dm_open(struct err *err) _must_check_;
/* The table in use; of several targets the type is "" (and no parameters). */
int dm_table(int dm, const char *name, struct dm_target *ret, struct err *err)
	_must_check_;
/* A table that is used from the next dm_resume on. */
int dm_load(int dm, const char *name, const struct dm_target *t, struct err *err)
	_must_check_;
/* A table that was loaded is not used, after all; nothing happens where there is none. 0 or -1 and errno. */
int dm_clear(int dm, const char *name) _must_check_;
/* Takes a device away that nobody uses. 0 or -1 and errno. */
int dm_remove(int dm, const char *name) _must_check_;
/* To a device's first target; "254:3" is the device. */
int dm_message(int dm, const char *device, const char *message, struct err *err)
	_must_check_;
/* Stops all writes to a device, first of all those of a file system on it. 0 or -1 and errno. */
int dm_suspend(int dm, const char *name) _must_check_;
/* Uses the table that was loaded, if any, and lets writes go on; nothing happens where they do. 0 or -1 and errno. */
int dm_resume(int dm, const char *name) _must_check_;
bool dm_is_suspended(int dm, const char *name);
