/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading single files out of a Debian archive without unpacking it. Thread-safe. */
#pragma once

#include "base/err.h"
#include "base/str.h"

/*
 * Appends the content of the regular file `member` ("/etc/login.defs", with or without the leading '/') of the archive
 * at `path`. 0: done; 1: the archive has no such member, or it is no regular file; -1: the archive cannot be read.
 */
int deb_read_member(const char *path, const char *member, struct str *out,
		    struct err *err) _must_check_;
