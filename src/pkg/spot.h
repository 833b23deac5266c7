/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SPOT on disk: a root tree of the target release (mmdebstrap), read-only in use. */
#pragma once

#include "base/err.h"
#include "base/strv.h"
#include "model/event.h"

/* Builds <dir>/root from the lpp_source (its closure is fetched into it first); atomic: a half-made tree is never left under
 * the name. Adds the mount points the sandbox needs and <dir>/spot.json (release, level, packages). */
int spot_create(const char *dir, const char *lpp_dir, struct events *ev, struct err *err)
	_must_check_;
/* Release, dpkg --audit empty, tools present and running, package files unchanged (md5sums). */
int spot_check(const char *dir, struct events *ev, struct findings *fs, struct err *err)
	_must_check_;
/* The tree made anew at the lpp_source's level; the old one stays until the new one is whole. */
int spot_update(const char *dir, const char *lpp_dir, struct events *ev, struct err *err)
	_must_check_;
/*
 * What spot_update would change, as lines "package old-version new-version" ("-" for one that there is not); empty: the
 * SPOT is at the lpp_source's level. Reads only what the lpp_source holds now: lpp_update before makes it today's level
 * (`nimadm -M` is lpp_update, then spot_update where this says that something changes).
 */
int spot_preview(const char *dir, const char *lpp_dir, struct strv *ret, struct err *err)
	_must_check_;
/* Codename of the tree ("trixie"), malloc'd. */
int spot_release(const char *dir, char **ret, struct err *err) _must_check_;
