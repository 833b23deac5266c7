/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by layout-*.c only. */
#pragma once

#include "model/layout.h"
#include "sys/root.h"

void layout_set(char **field, const char *value); /* NULL gives "" */
/* Everything that files tell; no used space. */
int layout_read_files(struct layout *l, const struct root *root, struct err *err)
	_must_check_;
/* Once, whatever is asked; `fs` is what lies on it. */
void layout_add_lv(struct layout *l, const struct layout_fs *fs, const char *vg,
		   const char *name);
