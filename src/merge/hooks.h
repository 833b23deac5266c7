/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The administrator's own merge methods: executables of /etc/nimadm/merge.d on the master. Private to src/merge. */
#pragma once

#include "merge/merge.h"

/* In the order of their names; names as run-parts(8) takes them. The first that fails stops: ERR_OPERATOR. */
int hooks_run(const struct merge_ctx *c, enum merge_stage stage, struct err *err)
	_must_check_;
