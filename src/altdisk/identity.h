/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ties a system to its disks, made to name the clone's: fstab, resume device, the kernel's command line, LVM's list of
 * devices. Pairs of file systems are found by mount point, swaps by their order. Idempotent.
 */
#pragma once

#include "model/event.h"
#include "model/layout.h"
#include "sys/root.h"

/* The fstab of the clone: each line of a file system that `target` has names it by its new UUID; a swap that the clone
 * does not have is commented out; all else stays as it is. */
void identity_fstab(const char *text, const struct layout *running,
		    const struct layout *target, struct str *out);
/* Old UUIDs, labels and device names in any other file. Returns whether there were some. */
bool identity_text(const char *text, const struct layout *running,
		   const struct layout *target, struct str *out);
/* BOOT_RESUME_NOTE of the clone: what its configuration may call a swap space, as identity_text knows them. */
void identity_resume(const struct layout *running, const struct layout *target,
		     struct str *out);
int identity_note_resume(const struct root *alt, const struct layout *running,
			 const struct layout *target, struct err *err) _must_check_;
/* All of it in a mounted clone. */
int identity_apply(const struct root *alt, const struct layout *running,
		   const struct layout *target, struct events *events, struct err *err)
	_must_check_;
