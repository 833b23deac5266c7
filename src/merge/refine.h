/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finer look at the conflicts of a three-way merge. Private to src/merge.
 *
 * Merge tools call it a conflict when both sides changed neighbouring lines. In configuration files, where a line is a
 * setting, that is the usual case: the comment above a setting was rewritten, the setting was edited. A conflict is
 * solved here when one side only replaced lines, one by one, and the other side left exactly these lines as they were;
 * or when one side only added lines at the border of what the other side changed.
 */
#pragma once

#include "base/str.h"

/* `merged` has diff3-style conflicts ("<<<<<<<", "|||||||", "=======", ">>>>>>>"). True: *out is the text without any;
 * false: at least one conflict is a real one (or the text is not understood), *out is empty. */
bool refine_conflicts(const struct str *merged, struct str *out);
