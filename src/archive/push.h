/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files on their way between a client's tree and a master's, as streams (archive/stream.h).
 *
 * Pull: the master names what it wants (model/want.h), the client answers. Push: both sides hold the manifest that the
 * tree was pulled with; the stream has its SHA-256 ("base"), the new manifest ("manifest"), then a member for each path
 * that is new or changed, in the order of model/changes.h: with data, or with attributes only. What is gone and what is only
 * linked needs no member.
 */
#pragma once

#include "archive/stream.h"
#include "base/strv.h"
#include "model/progress.h"
#include "model/want.h"
#include "sys/root.h"

#define PUSH_BASE     "base"
#define PUSH_MANIFEST "manifest"

struct push_result {
	uint64_t files, attributes, links, removed; /* paths */
	uint64_t bytes;				    /* of content */
	uint64_t raw_bytes, packed_bytes;	    /* of the stream */
};

/* Answers a list of what is wanted. ERR_TRANSIENT: a file is not what the manifest said any more. */
int push_wanted(const struct root *tree, const char *want, size_t len, int out,
		struct push_result *ret, struct err *err) _must_check_;

/* The attributes of every path in the file `manifest` that has extended ones or inode flags. Errors as above. */
int push_attributes(const struct root *tree, const char *manifest, int out,
		    struct push_result *ret, struct err *err) _must_check_;

/*
 * `tree` is what the manifest in the file `new_one` says; `old` is what the other side has. Progress in bytes of the files whose
 * content is sent, holes included.
 */
int push_changes(const struct root *tree, const char *old, const char *new_one, int out,
		 const struct progress *p, struct push_result *ret, struct err *err)
	_must_check_;

/*
 * Makes `tree`, which is what the file `old` says or something on the way from there, what the stream says. The new manifest
 * is written to the file `new_one`. Contents are checked as they arrive; nothing outside the tree is touched. Can be
 * repeated after it was broken off anywhere.
 */
int push_apply(const struct root *tree, const struct strv *mounts, const char *old,
	       const char *new_one, int in, struct push_result *ret, struct err *err)
	_must_check_;
