/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What NFS does not carry of a tree - capabilities, ACLs and other attributes, inode flags - kept beside it as a stream
 * (archive/stream.h) while the tree is written to over NFS, and put back afterwards.
 */
#pragma once

#include "base/err.h"
#include "sys/root.h"

/* Writes to the new file `file` what each path of the manifest has. ERR_TRANSIENT: it is not what the manifest says. */
int attributes_save(const struct root *tree, const char *manifest, const char *file,
		    struct err *err) _must_check_;
/* Takes the inode flags away that are in the file: an immutable one could not be written to. Can be repeated. */
int attributes_unlock(const struct root *tree, const char *file, struct err *err)
	_must_check_;

struct attributes_restore {
	/* what was put back, of which path */
	void (*note)(void *arg, const char *path, const char *what);
	void *arg;
	uint64_t paths; /* that got something back */
};
/*
 * Puts back what a path lacks that still is there with the same type. Where a program had a capability, has none any more,
 * and is setuid instead, as maintainer scripts make it that cannot set one, it gets the capability and loses the bit.
 * Can be repeated.
 */
int attributes_restore(const struct root *tree, const char *file,
		       struct attributes_restore *r, struct err *err) _must_check_;
