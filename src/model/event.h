/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: the one stream of what happens in a job. Terminal, plain lines, JSON, log file and database are sinks of it.
 * The field names of the JSON form are stable and described in nimadm-events(5).
 */
#pragma once

#include "model/finding.h"
#include "model/progress.h"

enum event_type {
	EVENT_JOB_BEGIN,
	EVENT_JOB_END,
	EVENT_PHASE_BEGIN,
	EVENT_PHASE_END,
	EVENT_STEP, /* a named action inside a phase: "Merging /etc/ssh/sshd_config" */
	EVENT_PROGRESS, /* numbers of the current step */
	EVENT_OUTPUT,	/* a line some tool printed */
	EVENT_FINDING,
	EVENT_WARNING,
	EVENT_ERROR,
	EVENT_TYPE_COUNT_
};
const char *event_type_name(enum event_type t); /* "job-begin", "phase-end", ... */

struct event {
	enum event_type type;
	int64_t job;	    /* 0: none */
	const char *client; /* the job's subject: machine or image object */
	int phase;	    /* -1: none; 0 pre-flight; 1..12 */
	const char *phase_name;
	const char *text; /* message, step, item or line; may be NULL */
	/* PHASE_END, JOB_END: "done" "failed" "skipped" "inhibited" "cancelled" */
	const char *state;
	const char *remedy; /* ERROR */
	enum progress_unit unit;
	uint64_t done, total;
	double seconds; /* PHASE_END, JOB_END */
	const struct finding *finding;
};

struct event_sink {
	void (*emit)(struct event_sink *sink, const struct event *ev);
	void (*free)(struct event_sink *sink);
};

#define EVENT_SINKS_MAX 8
struct events {
	struct event_sink *sinks[EVENT_SINKS_MAX]; /* owned */
	size_t n;
	/* filled into every event */
	int64_t job;
	const char *client;
	int phase; /* counts only while phase_name is set */
	const char *phase_name;
	double progress_at; /* of events_progress: time and numbers of the last one sent */
	uint64_t progress_done, progress_total;
};
void events_add_sink(struct events *evs, struct event_sink *sink);
void events_done(struct events *evs);
/* All of these accept NULL for `evs` and do nothing then. */
void events_emit(struct events *evs, struct event *ev); /* fills job, client, phase */
void events_step(struct events *evs, const char *fmt, ...) _printf_(2, 3);
void events_warning(struct events *evs, const char *fmt, ...) _printf_(2, 3);
void events_output(struct events *evs, const char *line);
void events_finding(struct events *evs, const struct finding *f);
/* A struct progress that emits EVENT_PROGRESS (at most ten a second, and always the last). */
struct progress events_progress(struct events *evs);

struct json_t;
struct json_t *event_to_json(const struct event *ev,
			     const char *stamp); /* new reference */
/* What another process said; texts are borrowed from `o`, findings are not read. False: it is no event. */
bool event_from_json(struct event *ev, const struct json_t *o);
