/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which phases of a job were asked for (-P): "5", "4-8", "1,2,3", "1,4-6", "all". */
#pragma once

#include "engine/phase.h"

struct selection {
	bool all; /* no -P, or -P all: go on to the end, run nothing twice */
	bool on[PHASE_COUNT];
};

struct selection selection_all(void);
/* ERR_USAGE names the word that is no phase. */
int selection_parse(struct selection *ret, const char *text, struct err *err)
	_must_check_;
