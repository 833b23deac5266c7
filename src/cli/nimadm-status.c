/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nimadm --status and --report: jobs, their phases, their reports. */
#include <jansson.h>

#include "cli/nimadm.h"
#include "model/json.h"
#include "phase/table.h"
#include "sys/clock.h"
#include "sys/files.h"

/* Older jobs are found with --job and -T. */
#define JOBS_SHOWN 50

struct job_view {
	const struct job_row *row;
	struct journal_row rows[PHASE_COUNT];
	struct lease_row lease;
	bool running;
	int phase; /* the last that began, or -1 */
};

static void view_done(struct job_view *v)
{
	lease_row_done(&v->lease);
}

static int view_load(struct job_view *v, struct store *s, const struct job_row *row,
		     struct err *err)
{
	*v = (struct job_view){ .row = row, .phase = -1 };
	if (store_journal_get(s, row->id, v->rows, err) < 0)
		return -1;
	for (int p = 0; p < PHASE_COUNT; p++) {
		if (v->rows[p].state != JOURNAL_NONE)
			v->phase = p;
	}
	if (row->state != JOB_OPEN)
		return 0;
	int r = store_lease_get(s, row->subject, &v->lease, err);
	if (r < 0)
		return -1;
	v->running = r == 0 && v->lease.alive;
	return 0;
}

/* -W has mounted the clone, and -S was not begun. */
static bool is_awake(const struct job_view *v)
{
	return v->row->mode == 'W' && v->row->state == JOB_OPEN && !v->running &&
	       v->phase == 3 && v->rows[3].state == JOURNAL_DONE;
}

static const char *state_text(const struct job_view *v)
{
	if (is_awake(v))
		return "awake";
	/* open, and nobody works on it: what a crash leaves, or the end of the phases of -P */
	if (v->row->state == JOB_OPEN)
		return v->running ? "running" : "unfinished";
	return job_state_name(v->row->state);
}

static const char *phase_state(const struct job_view *v, int p)
{
	if (!phase_applies(phase_table[p], v->row->mode))
		return "skipped";
	if (v->rows[p].state == JOURNAL_NONE)
		return "pending";
	if (v->rows[p].state == JOURNAL_STARTED && !v->running)
		return "interrupted";
	return journal_state_name(v->rows[p].state);
}

/* --- JSON --- */

static json_t *phases_json(const struct job_view *v)
{
	json_t *phases = json_array();

	for (int p = 0; p < PHASE_COUNT; p++) {
		json_t *o = json_object();
		json_object_set_new(o, "number", json_integer(p));
		json_object_set_new(o, "name", json_string(phase_table[p]->name));
		json_object_set_new(o, "state", json_string(phase_state(v, p)));
		json_object_set_new(o, "seconds", json_real(v->rows[p].seconds));
		json_object_set_new(o, "message", json_text(v->rows[p].message));
		json_array_append_new(phases, o);
	}
	return phases;
}

static void print_json(const struct job_view *v)
{
	const char mode[] = { v->row->mode, '\0' };
	char stamp[CLOCK_STAMP_LEN];
	json_t *o = json_object();

	json_object_set_new(o, "ts", json_string(clock_now(stamp)));
	json_object_set_new(o, "event", json_string("status"));
	json_object_set_new(o, "job", json_integer(v->row->id));
	json_object_set_new(o, "client", json_text(v->row->subject));
	json_object_set_new(o, "phase",
			    v->phase < 0 ? json_null() : json_integer(v->phase));
	json_object_set_new(o, "mode", json_string(mode));
	json_object_set_new(o, "state", json_string(job_state_name(v->row->state)));
	json_object_set_new(o, "running", json_boolean(v->running));
	json_object_set_new(o, "pid",
			    v->running ? json_integer(v->lease.pid) : json_null());
	json_object_set_new(o, "created", json_text(v->row->created));
	json_object_set_new(o, "ended", json_text(v->row->ended));
	json_object_set_new(o, "error", json_text(v->row->error));
	json_object_set_new(o, "phases", phases_json(v));
	_cleanup_free_ char *text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	printf("%s\n", text ? text : "{}");
}

/* --- text --- */

static void print_line(const struct job_view *v)
{
	char phase[48] = "-";

	if (v->phase >= 0)
		snprintf(phase, sizeof(phase), "%d %s", v->phase,
			 phase_table[v->phase]->name);
	printf("%5lld  %-20s %c     %-11s %-16s %s\n", (long long)v->row->id,
	       v->row->subject, v->row->mode, state_text(v), phase, v->row->created);
}

static void print_heading(void)
{
	printf("%5s  %-20s %-5s %-11s %-16s %s\n", "job", "client", "mode", "state",
	       "phase", "since");
}

static void print_phases(const struct job_view *v)
{
	char buf[32];

	printf("\n");
	for (int p = 0; p < PHASE_COUNT; p++) {
		const struct journal_row *row = &v->rows[p];
		bool timed = row->state == JOURNAL_DONE || row->state == JOURNAL_FAILED;
		printf("%5d  %-14s %-12s %9s  %s\n", p, phase_table[p]->name,
		       phase_state(v, p),
		       timed ? fmt_duration(buf, sizeof(buf), row->seconds) : "",
		       row->message);
	}
	if (v->running)
		printf("\nprocess %lld of %s on %s\n", (long long)v->lease.pid,
		       v->lease.user, v->lease.host);
}

/* A job that waits for somebody: why, the next command, and where to read more. */
static int print_next(const struct job_view *v, const char *state_dir, struct err *err)
{
	_cleanup_(job_done) struct job job = { 0 };
	const struct job_row *row = v->row;

	if (v->running || row->state == JOB_DONE || row->state == JOB_CLEANED)
		return 0;
	if (job_init(&job, state_dir, row->id, row->spec, row->facts, err) < 0)
		return -1;
	_cleanup_free_ char *ref = job_ref(&job);
	if (row->error && *row->error)
		printf("       error: %s\n", row->error);
	if (row->state == JOB_INHIBITED)
		printf("       next: mend what %s/report.txt marks INHIBIT, then start "
		       "again\n",
		       job.report_dir);
	else if (row->mode == 'W')
		printf("       next: nimadm -S %s to bring back what was written there, or "
		       "nimadm -C %s to drop it\n",
		       ref, ref);
	else
		printf("       next: nimadm --resume %s to go on, or nimadm -C %s to take "
		       "everything back\n",
		       ref, ref);
	printf("       log: %s/%lld.log\n", job.log_dir, (long long)row->id);
	return 0;
}

static int show(struct cli *cli, const struct job_row *row, bool json, bool phases,
		struct err *err)
{
	_cleanup_(view_done) struct job_view v = { 0 };

	if (view_load(&v, cli_store(cli, err), row, err) < 0)
		return -1;
	if (json) {
		print_json(&v);
		return 0;
	}
	print_line(&v);
	if (phases) {
		print_phases(&v);
		printf("\n");
	}
	return print_next(&v, cli->state_dir, err);
}

static int show_one(struct cli *cli, const struct nimadm_options *o, struct err *err)
{
	_cleanup_(job_row_done) struct job_row row = { 0 };

	int found = nimadm_find(cli_store(cli, err), o, NIMADM_UNFINISHED, "--status",
				&row, err);
	if (found < 0)
		return -1;
	if (found == 1) {
		if (!o->json)
			printf("%s has no job.\n", o->subject);
		return 0;
	}
	if (!o->json)
		print_heading();
	return show(cli, &row, o->json, true, err);
}

/* Of these rows, those before job `before` (0: all); all are freed. */
static int show_rows(struct cli *cli, struct job_row *rows, size_t n, int64_t before,
		     bool json, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		/* the phases of what somebody may have to act on */
		bool unfinished = rows[i].state != JOB_DONE &&
				  rows[i].state != JOB_CLEANED;
		if (r == 0 && (before == 0 || rows[i].id < before))
			r = show(cli, &rows[i], json, unfinished && n == 1 && !before,
				 err);
		job_row_done(&rows[i]);
	}
	free(rows);
	return r;
}

/* The newest, and all that are not finished, however old. */
static int show_all(struct cli *cli, struct store *s, bool json, struct err *err)
{
	struct job_row *rows = NULL;
	size_t n = 0;

	if (store_job_list(s, JOBS_SHOWN, &rows, &n, err) < 0)
		return -1;
	if (!json)
		print_heading();
	int64_t oldest = n > 0 ? rows[n - 1].id : 0;
	if (show_rows(cli, rows, n, 0, json, err) < 0)
		return -1;
	if (n < JOBS_SHOWN)
		return 0;
	if (store_job_list_unfinished(s, &rows, &n, err) < 0)
		return -1;
	return show_rows(cli, rows, n, oldest, json, err);
}

int nimadm_status(struct cli *cli, const struct nimadm_options *o, struct err *err)
{
	struct nimadm_options one = *o;
	struct store *s = cli_store(cli, err);
	int r = 0;

	if (!s)
		return -1;
	if (store_snapshot(s, err) < 0)
		return -1;
	if (o->clients.n < 2)
		r = o->job || o->subject ? show_one(cli, o, err)
					 : show_all(cli, s, o->json, err);
	for (size_t i = 0; o->clients.n > 1 && r == 0 && i < o->clients.n; i++) {
		one.subject = o->clients.v[i];
		r = show_one(cli, &one, err);
	}
	store_rollback(s);
	return r;
}

int nimadm_report(struct cli *cli, const struct nimadm_options *o, struct err *err)
{
	_cleanup_(job_row_done) struct job_row row = { 0 };
	static const char *const forms[] = { "txt", "html", "json" };
	struct store *s = cli_store(cli, err);

	if (!s)
		return -1;
	int found = nimadm_find(s, o, NIMADM_NEWEST, "--report", &row, err);
	if (found != 0)
		return found < 0
			       ? -1
			       : err_set(err, ERR_OPERATOR, "%s has no job", o->subject);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		_cleanup_free_ char *path = xasprintf("%s/report/%lld/report.%s",
						      cli->state_dir, (long long)row.id,
						      forms[i]);
		if (!files_exists(path)) {
			err_set(err, ERR_OPERATOR, "job %lld has no report yet",
				(long long)row.id);
			return err_remedy(err,
					  "it is written when the job stops: nimadm "
					  "--status --job %lld",
					  (long long)row.id);
		}
		printf("%s\n", path);
	}
	return 0;
}
