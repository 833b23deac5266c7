/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One entry of a manifest as a file on disk: what cannot be opened is made, what can gets its attributes.
 *
 * Everything works in an open directory and follows no link. Attributes are set in the one order that keeps them: owner
 * (it clears set-id bits and capabilities), mode, extended attributes, time. Errors name the path.
 */
#pragma once

#include <sys/stat.h>

#include "model/manifest.h"
#include "sys/dirs.h"
#include "sys/xattrs.h"

/* The S_IFMT bits of a manifest's type letter; 0: a hard link. */
mode_t entry_mode(char type);
/* A symbolic link, device or fifo, with its attributes. The name is free. */
int entry_make(int dir, const char *name, const struct manifest_entry *e,
	       const struct xattrs *x, struct err *err) _must_check_;
/* Attributes of an open file or directory. `x` NULL: its extended attributes stay as they are. */
int entry_set(int fd, const struct manifest_entry *e, const struct xattrs *x,
	      struct err *err) _must_check_;
/* Of what cannot be opened. */
int entry_set_at(int dir, const char *name, const struct manifest_entry *e,
		 const struct xattrs *x, struct err *err) _must_check_;
/*
 * What must wait until everything is there: attributes and time of a directory, which its entries coming and going have
 * changed; inode flags, which would have kept them from that. `x`: the directory's extended attributes, or NULL.
 */
int entry_finish(struct dirs *dirs, const struct manifest_entry *e,
		 const struct xattrs *x, struct err *err) _must_check_;
/* Whether type, mode, owner, time, size and device numbers are those of the entry. */
bool entry_matches(const struct manifest_entry *e, const struct stat *st);
/* "/path: what: errno's words"; -1. */
int entry_failed(const char *path, const char *what, struct err *err);
