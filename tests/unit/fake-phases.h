/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Phases that only make files, for tests of the engine: phase N makes <world>/N in two halves, its proof is that both
 * are there, its inverse removes them. What they did is in <world>/trace, one line each.
 *
 * A fault is one place where something happens to them: an error, a signal, a kill.
 */
#pragma once

#include "engine/engine.h"

enum fake_where {
	FAKE_NOWHERE,
	FAKE_CHECK,
	FAKE_RUN_BEFORE,
	FAKE_RUN_HALF,
	FAKE_RUN_AFTER,
	FAKE_VERIFY,
	FAKE_UNDO_BEFORE,
	FAKE_UNDO_HALF,
	FAKE_UNDO_AFTER,
	FAKE_WHERE_COUNT_
};

struct fake_fault {
	int phase;
	enum fake_where where;
	enum err_kind kind; /* of the error; ERR_NONE: no error but... */
	int signo;	    /* SIGKILL: the process ends; else cancel_request() */
	unsigned times;	    /* how often; 0: always */
};

extern const char *fake_world; /* directory */
extern struct fake_fault fake_fault;
/* A phase counts ten packages, this long each. */
extern unsigned fake_delay_ms;
/* Phase 3 and 9 do nothing in mode D; phase 6 may be tried again; phases 2 and up need phase 1's files;
 * phase 11 writes the output file. */
extern const struct phase *const phase_table[PHASE_COUNT];
