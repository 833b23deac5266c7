/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One phase under the journal; part of the engine. */
#pragma once

#include "engine/engine.h"

/*
 * Brings one phase to "done" as `action` says (PLAN_RESUME or PLAN_RUN). On failure the journal says "failed" with the
 * message - where even that can not be written it still says "started", and both lead to the same resume.
 */
int attempt_phase(const struct engine_config *cfg, const struct phase *ph,
		  enum plan_action action, struct engine_happened *ret, struct err *err)
	_must_check_;

/* Takes one phase back. */
int attempt_undo(const struct engine_config *cfg, const struct phase *ph, struct err *err)
	_must_check_;

/* Says it to the sinks: phase begins, ends in `state` after `seconds`. */
void attempt_say_end(const struct engine_config *cfg, const struct phase *ph,
		     const char *state, double seconds, const char *text);
