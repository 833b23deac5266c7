/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be done with each phase, derived from the journal and from what was asked for. Pure: touches nothing. */
#pragma once

#include "engine/selection.h"

enum plan_action {
	PLAN_LEAVE,  /* not asked for */
	PLAN_SKIP,   /* does nothing in this mode */
	PLAN_KEEP,   /* done already */
	PLAN_RESUME, /* begun before: verify first, else run */
	PLAN_RUN,
};

struct plan {
	enum plan_action action[PHASE_COUNT];
};

bool phase_applies(const struct phase *ph, char mode);

/*
 * Refuses a phase out of order, naming the one that is missing, and a phase that is done, when a later one has begun
 * (both ERR_USAGE); and anything on a job whose clean-up has begun (ERR_OPERATOR). `ref` names the job in commands: "-T web12".
 */
int planner_plan(struct plan *ret, const struct phase *const *phases, char mode,
		 const struct journal_row rows[PHASE_COUNT],
		 const struct selection *select, const char *ref, struct err *err)
	_must_check_;

/* Whether every phase of the mode is done. */
bool planner_complete(const struct phase *const *phases, char mode,
		      const struct journal_row rows[PHASE_COUNT]);
