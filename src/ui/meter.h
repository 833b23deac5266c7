/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far a job is: derived from what its events count (bytes, packages), never from a timer.
 *
 * Each phase has a share of the whole. Inside a phase each series of progress events (a step that counts something) fills
 * three quarters of what the phase has left, so that the figure only ever grows; the phase's end fills the rest.
 * Where no phase has a share (nim), each series counts from 0 to 100.
 */
#pragma once

#include "model/event.h"

#define METER_PHASES 13

struct meter {
	unsigned weights[METER_PHASES];
	unsigned total;
	int last;      /* the last phase that has a share */
	int phase;     /* the one that runs, or -1 */
	double share;  /* of the running phase: 0..1 */
	bool counting; /* a series has begun in the running phase */
	double series_from;
	enum progress_unit unit;
	uint64_t done, series_total; /* of the running series; series_total 0: none */
	double fraction;	     /* of the whole, grows only */
	/* smoothed speeds; times are the caller's clock */
	double began, base; /* when the first phase began, and the fraction then */
	double speed_at, speed_from, speed; /* fraction per second */
	double rate_at;
	uint64_t rate_from;
	double rate; /* units per second */
};

void meter_init(struct meter *m, const unsigned weights[METER_PHASES]);
void meter_event(struct meter *m, const struct event *ev, double now);
int meter_percent(const struct meter *m); /* 100 only when all phases are done */
/* Seconds left; negative while it is too early to tell. */
double meter_eta(const struct meter *m, double now);
/* "12.3 MB/s", "4.1 packages/s"; empty while nothing is counted. */
void meter_rate_text(const struct meter *m, struct str *out);
/* Of a job whose last phase is the twelfth: "6/12 packages  43%  12.3 MB/s  ETA 2m05s" */
void meter_text(const struct meter *m, const char *phase_name, double now,
		struct str *out);
