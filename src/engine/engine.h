/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state machine of a job: runs its phases under the journal, resumes it, takes it back.
 *
 * It knows phases by engine/phase.h only; the table is an argument. The caller holds the subject's lease, has found or
 * created the job, and calls engine_step() until it does not return 0:
 *
 *	journal "started" (committed) -> run -> verify -> journal "done"
 *
 * A process may end at any point between two instructions: the next run of the same job converges.
 * Whenever it stops - done, failed, inhibited, cancelled, cleaned up - the job's state and its report are written.
 */
#pragma once

#include "engine/lease.h"
#include "engine/planner.h"

struct engine_config {
	const struct phase *const *phases; /* PHASE_COUNT of them, by number */
	struct store *store;
	struct lease *lease; /* of the job's subject, held by the caller */
	struct job *job;
	struct events *events;
	struct selection select; /* ignored by an undo */
	bool preview;		 /* the pre-flight alone, and nothing stays behind */
	bool undo;		 /* -C */
	/* the command that goes on after a failure; NULL: nimadm --resume */
	const char *go_on;
	/* first pause before a PHASE_RETRY phase runs again; 0: 2000 */
	unsigned retry_ms;
	/* Called once when a phase has failed (not when cancelled), after the journal knows: -E's shell. May be NULL. */
	void (*on_failed)(void *arg, struct phase_ctx *c, const struct err *cause);
	void *arg;
};

enum engine_what {
	ENGINE_BEGUN,	  /* resources are allocated, the job is open */
	ENGINE_SKIPPED,	  /* the phase does nothing in this mode */
	ENGINE_DONE,	  /* the phase ran and is proven */
	ENGINE_CONFIRMED, /* the phase was begun before, and its proof says it is done */
	ENGINE_UNDONE,	  /* the phase is taken back */
	ENGINE_ENDED,	  /* the job is at its end */
	ENGINE_STOPPED,	  /* the phases asked for are done; the job is not */
};

struct engine_happened {
	enum engine_what what;
	int phase; /* -1: none */
};

struct engine;
/* Plans only; refusals (planner.h) leave the job as it was. */
int engine_open(struct engine **ret, const struct engine_config *cfg, struct err *err)
	_must_check_;
/* 0: one thing happened, *ret says which; 1: at the end, nothing happened; -1: failed, and the job's state says how. */
int engine_step(struct engine *e, struct engine_happened *ret, struct err *err)
	_must_check_;
struct engine *engine_close(struct engine *e); /* returns NULL */
void engine_close_p(struct engine **e);
#define _cleanup_engine_ _cleanup_(engine_close_p)

/* Steps to the end. */
int engine_run(const struct engine_config *cfg, struct err *err) _must_check_;

/*
 * A new job may start on the subject: no job of it is unfinished. One that came no further than its pre-flight has
 * left nothing behind and makes way. The caller holds the lease.
 */
int engine_admit(struct store *store, const char *subject, struct err *err) _must_check_;
