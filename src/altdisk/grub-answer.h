/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What debconf of a mounted clone remembers of grub-pc: the disk whose boot sector the package writes at its next update. A
 * copied answer names the disk of the system that was cloned, and an update in the clone would take away the old system's boot
 * loader.
 */
#pragma once

#include "model/event.h"
#include "sys/root.h"

/*
 * grub-pc installs on `disk`, a name that lasts; on "": nowhere, with a warning. Does nothing where grub-pc has asked nothing,
 * and where it was told to install nowhere. Idempotent. `events` may be NULL.
 */
int grub_answer_apply(const struct root *alt, const char *disk, struct events *events,
		      struct err *err) _must_check_;
