/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report of a job: <state>/report/<job>/report.{json,txt,html}, written whenever the job stops.
 *
 * It is made of the job's row, its journal and these facts (all optional; written by the phases):
 *
 *	preflight	findings (array of {id, severity, title, evidence, remedy})
 *	plan		{upgraded, added, removed: [{name, old, new, reason, by}], held: [{name, old}],
 *			 download_bytes, unpacked_delta}; reason: "replaced" "obsolete" "lost"
 *	merge_before, merge_after, validators
 *			{findings: [...], methods: {<name>: {title, changes: [{path, what}], ...}}}
 *	boot		{loader, kernels: [...], findings: [...]}
 *	output		{path, bytes, files, object}
 */
#pragma once

#include "engine/planner.h"

/* The whole report as one JSON object; new reference. */
json_t *report_build(const struct job *j, const struct job_row *row,
		     const struct journal_row rows[PHASE_COUNT],
		     const struct phase *const *phases);
void report_text(const json_t *report, struct str *out);
/* What a merge method did, as lines; `method` is its part of facts.merge_*.methods. */
void report_method(const char *name, const json_t *method, struct strv *lines);
/* "0.3s", "2m05s"; into buf, returns it. */
const char *report_seconds(char *buf, size_t n, double seconds);
void report_html(const json_t *report, struct str *out);

int report_write(const struct job *j, const struct job_row *row,
		 const struct journal_row rows[PHASE_COUNT],
		 const struct phase *const *phases, struct err *err) _must_check_;
