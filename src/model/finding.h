/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A finding: what the pre-flight, a merge method or a validator has to tell the administrator. */
#pragma once

#include "base/str.h"

enum finding_severity { FINDING_PASS, FINDING_INFO, FINDING_WARN, FINDING_INHIBIT };

struct finding {
	char *id; /* stable: "dpkg.held", "trap.sysctl-conf" */
	enum finding_severity severity;
	char *title;	/* one line */
	char *evidence; /* what was seen: may have several lines; never NULL */
	char *remedy;	/* what to do; "" for PASS */
};

struct findings {
	struct finding *v;
	size_t n, cap;
};
#define FINDINGS_INIT                                                                    \
	{                                                                                \
		NULL, 0, 0                                                               \
	}

/* Copies everything. `evidence` and `remedy` may be NULL. */
void findings_add(struct findings *fs, const char *id, enum finding_severity severity,
		  const char *title, const char *evidence, const char *remedy);
void findings_done(struct findings *fs);
size_t findings_count(const struct findings *fs, enum finding_severity severity);
/* "PASS" "INFO" "WARN" "INHIBIT" */
const char *finding_severity_name(enum finding_severity s);

struct json_t;
struct json_t *finding_to_json(const struct finding *f); /* new reference */
/* As jansson arrays of {id, severity, title, evidence, remedy}; new reference. */
struct json_t *findings_to_json(const struct findings *fs);
int findings_from_json(struct findings *fs,
		       const struct json_t *array); /* -1: malformed */
