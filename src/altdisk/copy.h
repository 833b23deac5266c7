/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filling a clone with the running system: snapshot, copy, second pass over what could not be frozen, verification. */
#pragma once

#include "altdisk/alternate.h"

/* For struct alt_source. */
int copy_fill(struct alternate *a, void *arg, struct err *err) _must_check_;
