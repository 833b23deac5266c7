/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NIM database: objects and attributes, jobs, the phase journal, events, leases. SQLite, WAL, synchronous=FULL,
 * foreign keys, schema version with forward migrations only (a newer database is refused, ERR_OPERATOR).
 * Every call that changes something is one transaction; store_begin/store_commit make several one.
 */
#pragma once

#include "base/err.h"
#include "base/map.h"
#include "base/strv.h"

struct store;

/* Opens or creates <state_dir>/nim.db. */
int store_open(struct store **ret, const char *state_dir, struct err *err) _must_check_;
struct store *store_close(struct store *s); /* returns NULL */
void store_close_p(struct store **s);
#define _cleanup_store_ _cleanup_(store_close_p)
int store_begin(struct store *s, struct err *err) _must_check_;
int store_commit(struct store *s, struct err *err) _must_check_;
void store_rollback(struct store *s);
/* What is read from here to store_rollback is of one moment; writers are not kept waiting. Nothing is to be changed. */
int store_snapshot(struct store *s, struct err *err) _must_check_;

/* --- objects --- */
struct object {
	int64_t id;
	char *name, *type;
	struct object_attr {
		char *name, *value;
	} * attrs; /* order of the attribute table, repeated ones in order of insertion */
	size_t n_attrs;
};
#define OBJECT_INIT                                                                      \
	{                                                                                \
		0                                                                        \
	}
#define _cleanup_object_ _cleanup_(object_done)
void object_done(struct object *o);
const char *object_get(const struct object *o,
		       const char *attr); /* first value or NULL */

/* Name taken: ERR_OPERATOR naming the type of the other. */
int store_object_define(struct store *s, const char *name, const char *type,
			struct err *err) _must_check_;
/* Unknown: ERR_NOTFOUND, with the nearest name and `lsnim -t TYPE` as remedy. `type` NULL: any;
 * else a wrong type is ERR_OPERATOR that names both types. */
int store_object_get(struct store *s, const char *name, const char *type,
		     struct object *ret, struct err *err) _must_check_;
bool store_object_exists(struct store *s, const char *name);
/* Refused (ERR_LOCKED) while alloc_count > 0 or a job of its own is open, naming the user. */
int store_object_remove(struct store *s, const char *name, struct err *err) _must_check_;
/* As the refusals of store_object_remove, for other changes of an object. */
int store_object_idle(struct store *s, const char *name, struct err *err) _must_check_;
/* Sets (replaces all values), adds one more value, or removes (value NULL). */
int store_attr_set(struct store *s, const char *object, const char *attr,
		   const char *value, struct err *err) _must_check_;
int store_attr_add(struct store *s, const char *object, const char *attr,
		   const char *value, struct err *err) _must_check_;
/* Sets Rstate or Cstate and moves the former value to prev_state. */
int store_state_set(struct store *s, const char *object, const char *attr,
		    const char *state, struct err *err) _must_check_;
/* Sorted names; filters may be NULL. `cls` is a class name ("resources"). */
int store_object_list(struct store *s, const char *type, const char *cls,
		      struct strv *ret, struct err *err) _must_check_;

/* --- allocations: which job uses which resource; alloc_count derives from them --- */
int store_allocate(struct store *s, int64_t job, const char *object, struct err *err)
	_must_check_;
int store_deallocate(struct store *s, int64_t job, const char *object, struct err *err)
	_must_check_;
int store_deallocate_all(struct store *s, int64_t job, struct err *err) _must_check_;
int store_alloc_count(struct store *s, const char *object, int *ret, struct err *err)
	_must_check_;
struct alloc_row {
	int64_t job;
	char *subject; /* of the job */
};
int store_alloc_list(struct store *s, const char *object, struct alloc_row **ret,
		     size_t *ret_n, struct err *err) _must_check_;
void alloc_rows_free(struct alloc_row *rows, size_t n);

/* --- jobs --- */
enum job_state {
	JOB_OPEN,
	JOB_DONE,
	JOB_FAILED,
	JOB_INHIBITED,
	JOB_CANCELLED,
	JOB_CLEANED
};
const char *job_state_name(enum job_state st);

struct job_row {
	int64_t id;
	char *subject; /* the client or image the job is about: the leased name */
	char mode;     /* 'A'..'E' */
	char *spec;    /* JSON, written once (engine/job.h) */
	char *facts; /* JSON, updated by phases: what later phases and the report need */
	enum job_state state;
	char *created, *ended; /* stamps; ended NULL while open */
	char *error;	       /* last error message, or NULL */
};
void job_row_done(struct job_row *j);
int store_job_create(struct store *s, const char *subject, char mode, const char *spec,
		     int64_t *ret_id, struct err *err) _must_check_;
int store_job_get(struct store *s, int64_t id, struct job_row *ret, struct err *err)
	_must_check_;
/* Newest job of the subject that is neither done nor cleaned; 1: none. */
int store_job_find_open(struct store *s, const char *subject, struct job_row *ret,
			struct err *err) _must_check_;
/* Newest job of the subject in any state; 1: none. */
int store_job_find_last(struct store *s, const char *subject, struct job_row *ret,
			struct err *err) _must_check_;
int store_job_set_state(struct store *s, int64_t id, enum job_state st, const char *error,
			struct err *err) _must_check_;
int store_job_set_facts(struct store *s, int64_t id, const char *facts, struct err *err)
	_must_check_;
/* All jobs, newest first, limited. */
int store_job_list(struct store *s, size_t max, struct job_row **ret, size_t *ret_n,
		   struct err *err) _must_check_;
/* Those that are neither done nor cleaned, newest first. */
int store_job_list_unfinished(struct store *s, struct job_row **ret, size_t *ret_n,
			      struct err *err) _must_check_;

/* --- the phase journal --- */
enum journal_state {
	JOURNAL_NONE,
	JOURNAL_STARTED,
	JOURNAL_DONE,
	JOURNAL_FAILED,
	JOURNAL_UNDONE
};
const char *journal_state_name(enum journal_state st);

struct journal_row {
	int phase;
	enum journal_state state;
	double seconds;
	char message[512];
	bool was_done; /* an earlier entry says "done": this one is of a second run */
};
int store_journal_put(struct store *s, int64_t job, int phase, enum journal_state st,
		      double seconds, const char *message, struct err *err) _must_check_;
/* Latest state of each phase 0..12 of the job (JOURNAL_NONE where never run). */
int store_journal_get(struct store *s, int64_t job, struct journal_row rows[13],
		      struct err *err) _must_check_;
/* Number of journal writes made by this process: crash points (NIMADM_CRASH_AT=<n> ends the process hard right after
 * the n-th commit; tests only). */
unsigned store_journal_writes(const struct store *s);

/* --- events --- */
/* Committed, but synced only with the next other change. `job` 0: none. */
int store_event_add(struct store *s, int64_t job, const char *stamp, const char *json,
		    struct err *err) _must_check_;

/* --- leases: one owner per subject --- */
/*
 * Takes or renews. Held by another live owner: ERR_LOCKED naming host, pid, user and since when. A lease whose owner is
 * dead (same host: no process of that pid and start time; another host: silent for 60 s) is taken over. `force` also
 * takes it from a live owner of this host that has been silent for 60 s.
 * The owner is the calling process, not its children.
 */
int store_lease_take(struct store *s, const char *subject, bool force, struct err *err)
	_must_check_;
/* Whose lease the last store_lease_take took over, in words; NULL: nobody's. */
const char *store_lease_former(const struct store *s);
/* ERR_LOCKED when the lease is not ours any more. */
int store_lease_heartbeat(struct store *s, const char *subject, struct err *err)
	_must_check_;
int store_lease_release(struct store *s, const char *subject, struct err *err)
	_must_check_;

struct lease_row {
	char *host, *user, *since;
	int64_t pid;
	int64_t silent_s; /* since the last heartbeat */
	bool same_host, own;
	bool alive; /* the owner runs, as far as can be told from here */
	bool stale; /* silent for 60 s */
};
void lease_row_done(struct lease_row *l);
/* 1: there is none. */
int store_lease_get(struct store *s, const char *subject, struct lease_row *ret,
		    struct err *err) _must_check_;
