/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract of a phase. The engine knows phases only by this.
 *
 * Journal rule: write "started" (committed), run, verify, write "done". Resume starts with the first phase that is not done:
 * verify first, then run. No phase calls another; what later phases need goes through the job's facts.
 */
#pragma once

#include "engine/job.h"
#include "model/event.h"
#include "store/store.h"

struct phase_ctx {
	struct job *job; /* spec, facts, directories */
	struct store *store;
	struct events *events;
	const struct phase *phase;
};

enum phase_flags {
	PHASE_RERUN = 1 << 0, /* has no lasting effect: run again on every resume */
	PHASE_RETRY =
		1 << 1, /* ERR_TRANSIENT: run again a few times, with growing pauses */
};

struct phase {
	int number;	  /* 0 pre-flight, 1..12 */
	const char *name; /* "clone" */
	/* what a person reads: "Prepare: base system, device data, merge" */
	const char *title;
	unsigned weight; /* share of the whole, for the job's percentage */
	unsigned flags;
	const char *modes; /* "ABCDE": where it does something; elsewhere it is skipped */
	/* Each 0 or -1. NULL: nothing to do. */
	int (*check)(struct phase_ctx *c,
		     struct err *err); /* read only; ERR_UNFIT refuses */
	int (*run)(struct phase_ctx *c,
		   struct err *err); /* idempotent: safe to repeat after a crash */
	int (*verify)(struct phase_ctx *c,
		      struct err *err); /* proves the post-condition; decides "done" */
	int (*undo)(struct phase_ctx *c, struct err *err); /* idempotent inverse */
};

#define PHASE_COUNT 13
