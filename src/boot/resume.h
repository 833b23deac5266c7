/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which swap space the initramfs of a clone resumes from: BOOT_RESUME_NOTE. */
#pragma once

#include "boot/boot.h"

/* Appends the note's rules as lines of shell that set RESUME. False: there is no note. */
bool resume_rules(const struct root *root, struct str *out);
/* The initramfs in /boot were built by these rules. Does nothing where there is no note. */
int resume_record(const struct root *root, const struct strv *kernels, struct err *err)
	_must_check_;
/* They still are the ones that were recorded, all of them. */
bool resume_is_built(const struct root *root, const struct strv *kernels);
/* Removes note and record, and BOOT_STALE_NOTE. */
int resume_forget(const struct root *root, struct err *err) _must_check_;
