/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SBAT: revocation by generations. A program for UEFI carries a list of its components and their generations (section
 * ".sbat", CSV); the firmware's variable SbatLevelRT has the lowest generation of each that shim lets start; a shim brings
 * the levels that it will set there (section ".sbatlevel"). See SBAT.md and sbat_var.S of shim's sources.
 */
#pragma once

#include "base/str.h"

/* The bytes of a PE image's section; false: no PE image, or it has none such. */
bool sbat_find_section(const void *image, size_t n, const char *name,
		       const char **ret_data, size_t *ret_len);
/* The levels a shim sets by itself ("automatic") as CSV; malloc'd, "" where it brings none. */
char *sbat_shim_level(const void *image, size_t n);
/*
 * The first component of `have` (a program's ".sbat") that is below what `levels` wants: "grub,2 (5 is wanted)"; malloc'd, NULL: none.
 * A component that the levels do not name is fine.
 */
char *sbat_below(const char *have, size_t n, const char *levels);
