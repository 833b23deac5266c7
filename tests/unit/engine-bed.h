/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test bed for the engine: a state directory with three objects, fake phases, and one image "web12" to migrate.
 *
 * Every bed_* call opens and closes the database itself, so that each may run in a process of its own.
 */
#pragma once

#include "fake-phases.h"
#include "test.h"

struct bed {
	char *dir, *state, *cache, *world;
};
void bed_setup(struct bed *b);
void bed_done(struct bed *b);
#define _cleanup_bed_ _cleanup_(bed_done)

enum bed_how { BED_FRESH, BED_RESUME, BED_UNDO, BED_PREVIEW };

/* Runs a job to its end in this process; `select` NULL: all. BED_FRESH and BED_PREVIEW create it. */
int bed_run(struct bed *b, enum bed_how how, const char *select, struct err *err);
/* The same in a child with NIMADM_CRASH_AT=`crash_at` (0: none) and `fault`. The exit status: 0, 1, or 128 + signal. */
int bed_run_child(struct bed *b, enum bed_how how, unsigned crash_at,
		  const struct fake_fault *fault);
/* And of some phases only. */
int bed_run_child_select(struct bed *b, enum bed_how how, const char *select,
			 const struct fake_fault *fault);

/* What the journal says: "DDSF.U" and so on, one letter a phase (planner test). */
const char *bed_journal(struct bed *b);
/* State of the newest job; aborts when there is none. */
enum job_state bed_job_state(struct bed *b);
int bed_alloc_count(struct bed *b, const char *object);
/* The trace since the last call: "run 0;verify 0;..."; malloc'd. */
char *bed_trace(struct bed *b);
/* Number of files that phases have made. */
size_t bed_files(struct bed *b);
/* A file of the newest job's report; malloc'd. */
char *bed_report(struct bed *b, const char *ext);
