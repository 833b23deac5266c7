/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs, the phase journal and events. */
#include "store/store-internal.h"
#include "sys/clock.h"

static const char *const job_states[] = {
	[JOB_OPEN] = "open",	       [JOB_DONE] = "done",
	[JOB_FAILED] = "failed",       [JOB_INHIBITED] = "inhibited",
	[JOB_CANCELLED] = "cancelled", [JOB_CLEANED] = "cleaned",
};

static const char *const journal_states[] = {
	[JOURNAL_NONE] = "none",     [JOURNAL_STARTED] = "started",
	[JOURNAL_DONE] = "done",     [JOURNAL_FAILED] = "failed",
	[JOURNAL_UNDONE] = "undone",
};

const char *job_state_name(enum job_state st)
{
	return (size_t)st < ARRAY_SIZE(job_states) ? job_states[st] : "?";
}

const char *journal_state_name(enum journal_state st)
{
	return (size_t)st < ARRAY_SIZE(journal_states) ? journal_states[st] : "?";
}

/* Index of a name in a table, or -1: the database holds what no program of this version wrote. */
static int state_index(struct store *s, const char *const *names, size_t n,
		       const char *name, struct err *err)
{
	int i = name_index(names, n, name);

	if (i >= 0)
		return i;
	return err_set(err, ERR_INTERNAL, "%s: unknown state '%s'", s->path, name);
}

/* --- jobs --- */

#define JOB_COLUMNS "id, subject, mode, spec, facts, state, created, ended, error"

void job_row_done(struct job_row *j)
{
	free(j->subject);
	free(j->spec);
	free(j->facts);
	free(j->created);
	free(j->ended);
	free(j->error);
	*j = (struct job_row){ 0 };
}

static int load_job(struct store *s, sqlite3_stmt *stmt, struct job_row *ret,
		    struct err *err)
{
	int state = state_index(s, job_states, ARRAY_SIZE(job_states),
				store_column(stmt, 5), err);

	if (state < 0)
		return -1;
	*ret = (struct job_row){
		.id = sqlite3_column_int64(stmt, 0),
		.subject = store_column_dup(stmt, 1),
		.mode = store_column(stmt, 2)[0],
		.spec = store_column_dup(stmt, 3),
		.facts = store_column_dup(stmt, 4),
		.state = (enum job_state)state,
		.created = store_column_dup(stmt, 6),
		.ended = store_column_dup(stmt, 7),
		.error = store_column_dup(stmt, 8),
	};
	return 0;
}

int store_job_create(struct store *s, const char *subject, char mode, const char *spec,
		     int64_t *ret_id, struct err *err)
{
	char stamp[CLOCK_STAMP_LEN], mode_text[] = { mode, '\0' };

	if (store_run(s, err,
		      "INSERT INTO job (subject, mode, spec, facts, state, created)"
		      " VALUES (?, ?, ?, '{}', 'open', ?)",
		      "tttt", subject, mode_text, spec, clock_now(stamp)) < 0)
		return -1;
	*ret_id = sqlite3_last_insert_rowid(s->db);
	return 0;
}

/* The one row of a query: 0, 1 when there is none, -1. */
static int one_job(struct store *s, sqlite3_stmt *stmt, struct job_row *ret,
		   struct err *err)
{
	int rc = stmt ? store_step(s, stmt, err) : -1;

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	return load_job(s, stmt, ret, err);
}

static int unknown_job(int64_t id, struct err *err)
{
	err_set(err, ERR_NOTFOUND, "there is no job %lld", (long long)id);
	return err_remedy(err, "nimadm --status lists the jobs");
}

int store_job_get(struct store *s, int64_t id, struct job_row *ret, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = store_query(
		s, err, "SELECT " JOB_COLUMNS " FROM job WHERE id = ?", "i", id);
	int rc = one_job(s, stmt, ret, err);

	return rc == 1 ? unknown_job(id, err) : rc;
}

int store_job_find_open(struct store *s, const char *subject, struct job_row *ret,
			struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = store_query(
		s, err,
		"SELECT " JOB_COLUMNS " FROM job WHERE subject = ?"
		" AND state NOT IN ('done', 'cleaned') ORDER BY id DESC LIMIT 1",
		"t", subject);

	return one_job(s, stmt, ret, err);
}

int store_job_find_last(struct store *s, const char *subject, struct job_row *ret,
			struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = store_query(s, err,
							"SELECT " JOB_COLUMNS
							" FROM job WHERE subject = ?"
							" ORDER BY id DESC LIMIT 1",
							"t", subject);

	return one_job(s, stmt, ret, err);
}

/* For statements that must have hit one job. */
static int changed_job(struct store *s, int rc, int64_t id, struct err *err)
{
	if (rc == 0 && sqlite3_changes(s->db) == 0)
		return unknown_job(id, err);
	return rc;
}

int store_job_set_state(struct store *s, int64_t id, enum job_state st, const char *error,
			struct err *err)
{
	char stamp[CLOCK_STAMP_LEN];
	int rc = store_run(s, err,
			   "UPDATE job SET state = ?, ended = ?, error = ? WHERE id = ?",
			   "ttti", job_state_name(st),
			   st == JOB_OPEN ? NULL : clock_now(stamp), error, id);

	return changed_job(s, rc, id, err);
}

int store_job_set_facts(struct store *s, int64_t id, const char *facts, struct err *err)
{
	int rc = store_run(s, err, "UPDATE job SET facts = ? WHERE id = ?", "ti", facts,
			   id);

	return changed_job(s, rc, id, err);
}

/* All rows of a query on jobs. */
static int all_jobs(struct store *s, sqlite3_stmt *stmt, struct job_row **ret,
		    size_t *ret_n, struct err *err)
{
	struct job_row *rows = NULL;
	size_t n = 0;
	int rc = stmt ? 1 : -1;

	while (rc > 0 && (rc = store_step(s, stmt, err)) > 0) {
		rows = xrealloc(rows, (n + 1) * sizeof(*rows));
		rc = load_job(s, stmt, &rows[n], err) < 0 ? -1 : 1;
		n += rc > 0;
	}
	if (rc < 0) {
		for (size_t i = 0; i < n; i++)
			job_row_done(&rows[i]);
		free(rows);
		return -1;
	}
	*ret = rows;
	*ret_n = n;
	return 0;
}

int store_job_list(struct store *s, size_t max, struct job_row **ret, size_t *ret_n,
		   struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = store_query(
		s, err, "SELECT " JOB_COLUMNS " FROM job ORDER BY id DESC LIMIT ?", "i",
		(int64_t)max);

	return all_jobs(s, stmt, ret, ret_n, err);
}

int store_job_list_unfinished(struct store *s, struct job_row **ret, size_t *ret_n,
			      struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt =
		store_query(s, err,
			    "SELECT " JOB_COLUMNS " FROM job WHERE state NOT IN"
			    " ('done', 'cleaned') ORDER BY id DESC",
			    "");

	return all_jobs(s, stmt, ret, ret_n, err);
}

/* --- journal --- */

static int journal_insert(struct store *s, int64_t job, int phase, enum journal_state st,
			  double seconds, const char *message, struct err *err)
{
	char stamp[CLOCK_STAMP_LEN];

	if (store_run(s, err,
		      "INSERT INTO journal (job, phase, state, seconds, message, stamp)"
		      " VALUES (?, ?, ?, ?, ?, ?)",
		      "iitdtt", job, (int64_t)phase, journal_state_name(st), seconds,
		      message ? message : "", clock_now(stamp)) < 0)
		return -1;
	s->journal_pending++;
	return 0;
}

int store_journal_put(struct store *s, int64_t job, int phase, enum journal_state st,
		      double seconds, const char *message, struct err *err)
{
	if (phase < 0 || phase > 12)
		return err_set(err, ERR_INTERNAL, "journal: there is no phase %d", phase);
	if (store_begin(s, err) < 0)
		return -1;
	return store_end(s, journal_insert(s, job, phase, st, seconds, message, err),
			 err);
}

int store_journal_get(struct store *s, int64_t job, struct journal_row rows[13],
		      struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = store_query(
		s, err,
		"SELECT phase, state, seconds, message, EXISTS (SELECT 1 FROM journal d"
		" WHERE d.job = j.job AND d.phase = j.phase AND d.id < j.id"
		" AND d.state = 'done') FROM journal j WHERE id IN"
		" (SELECT max(id) FROM journal WHERE job = ? GROUP BY phase)",
		"i", job);
	int rc = stmt ? 1 : -1;

	for (int i = 0; i < 13; i++)
		rows[i] = (struct journal_row){ .phase = i, .state = JOURNAL_NONE };
	while (rc > 0 && (rc = store_step(s, stmt, err)) > 0) {
		int phase = sqlite3_column_int(stmt, 0);
		int state = state_index(s, journal_states, ARRAY_SIZE(journal_states),
					store_column(stmt, 1), err);

		if (state < 0 || phase < 0 || phase > 12)
			return -1;
		rows[phase].state = (enum journal_state)state;
		rows[phase].seconds = sqlite3_column_double(stmt, 2);
		rows[phase].was_done = sqlite3_column_int(stmt, 4) != 0;
		snprintf(rows[phase].message, sizeof(rows[phase].message), "%s",
			 store_column(stmt, 3));
	}
	return rc;
}

/* --- events --- */

int store_event_add(struct store *s, int64_t job, const char *stamp, const char *json,
		    struct err *err)
{
	/* Not synced one by one: the next journal entry does it, and an event that a power cut takes was not acted on. */
	bool alone = s->depth == 0;
	int rc;

	if (alone)
		sqlite3_exec(s->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	rc = store_run(s, err,
		       "INSERT INTO event (job, stamp, json) VALUES (nullif(?, 0), ?, ?)",
		       "itt", job, stamp, json);
	if (alone)
		sqlite3_exec(s->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
	return rc;
}
