/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cache on a volume of LVM of the master: "nimadm_cache" in a group that has room, with a tag of ours. It is made
 * when it is first asked for, and mounted only in the mount namespace of who asks.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* Whether the master has a volume group of this name. False also where it has no LVM. */
bool cache_volume_has_group(const char *vg);
/* It is there, or can be made: ERR_OPERATOR says what is in the way. Changes nothing. */
int cache_volume_check(const char *vg, struct err *err) _must_check_;
/* Makes it where it is missing, mounts it at the directory `at`. Idempotent. The caller has a mount namespace of its own. */
int cache_volume_mount(const char *vg, const char *at, struct err *err) _must_check_;
