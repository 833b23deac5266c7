/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the database says of an image: nim writes it when a mksysb is defined, a migration for the one it has made. */
#pragma once

#include "store/store.h"

/* Sets os_level, host, arch, creation_date and size of the mksysb object from the image at `path`. */
int image_describe(struct store *s, const char *object, const char *path, struct err *err)
	_must_check_;
