/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stand-ins for the programs that grub-mkconfig asks about devices, and its own text made to use them.
 * They lie in run_dir; the package's files are not touched.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct grub_script {
	const char *name, *text;
};
/* Ends with a NULL name. */
extern const struct grub_script grub_scripts[];

/* A copy of the distribution's grub-mkconfig that uses and exports the stand-ins. */
int grub_mkconfig_rewrite(const char *text, struct str *out, struct err *err)
	_must_check_;
