/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sinks of a job's events: a live terminal line, timestamped lines, JSON lines, log files.
 *
 * A sink reads events and nothing else. Text of foreign origin (tools' output, file names) is shown without control
 * characters. The streams stay the caller's.
 */
#pragma once

#include <stdio.h>

#include "base/err.h"
#include "model/event.h"
#include "ui/meter.h"

/* Whether `out` can carry a line that is redrawn: a terminal, and no dumb one. */
bool ui_is_live(FILE *out);

/* One line, redrawn in place; findings and warnings scroll by above it. `weights`: the phases' share of the whole. */
struct event_sink *ui_terminal(FILE *out, const unsigned weights[METER_PHASES],
			       bool verbose) _must_check_;
/* One timestamped line an event; tools' output only when `verbose`, progress at most every half minute. */
struct event_sink *ui_plain(FILE *out, const unsigned weights[METER_PHASES], bool verbose)
	_must_check_;
/* The first where `out` is live, else the second. `weights` NULL: no phase has a share, each step counts from 0 to 100. */
struct event_sink *ui_console(FILE *out, const unsigned weights[METER_PHASES],
			      bool verbose) _must_check_;
/* nimadm-events(5): one JSON object a line, all events. */
struct event_sink *ui_json(FILE *out) _must_check_;
/* The job's log: appended to `path`, everything but progress. Directories are made. */
int ui_log(struct event_sink **ret, const char *path, struct err *err) _must_check_;
/* The same events as JSON lines. */
int ui_json_log(struct event_sink **ret, const char *path, struct err *err) _must_check_;
/* Where the job is now, for those who look at it from outside (ui/board.h); the file goes when the sink is freed. */
int ui_now(struct event_sink **ret, const char *path,
	   const unsigned weights[METER_PHASES], struct err *err) _must_check_;
