/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changed between two sorted manifests.
 *
 * Both sides of a push hold the same two manifests, so both find the same changes in the same order, and only contents
 * and attributes need to travel.
 */
#pragma once

#include "base/links.h"
#include "model/manifest-file.h"

enum change_kind {
	CHANGE_NONE,
	CHANGE_ATTRIBUTES, /* the content is the same */
	CHANGE_NEW,	   /* new, of another type, or of another content */
	CHANGE_GONE,
};

struct changes {
	struct manifest_walk old, new;
	int old_state, new_state; /* of manifest_walk_next */
	bool step_old, step_new;
	/* files that are new: their other names must be linked anew */
	struct links replaced;
};
#define _cleanup_changes_ _cleanup_(changes_done)
int changes_begin(struct changes *c, const struct manifest_map *old,
		  const struct manifest_map *new_one, struct err *err) _must_check_;
/*
 * 0: the next path of either manifest, in order. *ret is its new entry, or the old one of what is gone; borrowed until
 * the next call. 1: there is none.
 */
int changes_next(struct changes *c, enum change_kind *ret_kind,
		 const struct manifest_entry **ret, struct err *err) _must_check_;
void changes_done(struct changes *c);
