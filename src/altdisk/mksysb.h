/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by cmd-mksysb.c and mksysb-write.c. */
#pragma once

#include "altdisk/app.h"
#include "archive/mksysb.h"

struct mksysb_options {
	const char *output, *root, *exclude, *image_data, *bosinst_data;
	const char *list, *verify, *extract, *compare, *show, *target;
	struct strv exclude_fs;
	uint64_t level, threads;
	bool json, quiet;
};

/* mksysb -o FILE */
int mksysb_do_write(const struct mksysb_options *o, const struct progress *p,
		    struct err *err) _must_check_;
