/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nimadm migrates, resumes and takes back: which job is meant, and whether it may run. */
#include "cli/nimadm-run.h"
#include "phase/table.h"

/* A new job whose first phase is out of reach would only be in the way. */
static int check_fresh_selection(const struct nimadm_run *r, char mode, struct err *err)
{
	struct journal_row rows[PHASE_COUNT] = { 0 };
	_cleanup_free_ char *ref = xasprintf("%s -O FILE ... -Y", r->o->ref);
	struct plan plan;

	return planner_plan(&plan, phase_table, mode, rows, &r->select, ref, err);
}

/* An object, or a client by its address; anything else is refused with the specification. */
static bool is_known(const struct nimadm_run *r)
{
	const char *subject = r->o->subject;

	return subject && (store_object_exists(r->store, subject) ||
			   (r->o->clients.n > 0 && strchr(subject, '@')));
}

static int admit(struct nimadm_run *r, struct err *err)
{
	_cleanup_(job_row_done) struct job_row row = { 0 };
	int rc = store_job_find_open(r->store, r->o->subject, &row, err);

	if (rc < 0)
		return -1;
	if (rc == 0 && row.mode == 'W' && row.state != JOB_INHIBITED)
		return nimadm_run_refuse_awake(&row, err);
	return engine_admit(r->store, r->o->subject, err);
}

static int start_fresh(struct nimadm_run *r, struct err *err)
{
	_cleanup_(job_spec_done) struct job_spec spec = { 0 };

	/* an unfinished job is what is to be told first: the rest may well be its doing */
	if (is_known(r) &&
	    (nimadm_run_take(r, r->o->subject, err) < 0 || admit(r, err) < 0))
		return -1;
	if (nimadm_spec(r->cli, r->store, r->o, &spec, err) < 0 ||
	    check_fresh_selection(r, spec.mode, err) < 0 ||
	    nimadm_run_create(r, &spec, err) < 0)
		return -1;
	return nimadm_run_engine(r, err);
}

/* Flags that only say how it is gone on with may differ from run to run. */
static void apply_flags(struct nimadm_run *r)
{
	struct job_spec *s = &r->job.spec;

	s->keep |= r->o->debug_shell;
	s->debug |= r->o->debug;
	s->force |= r->o->force;
	s->verbose |= r->o->verbose;
}

/* Under the lease the job is looked at again: another process may just have ended it. */
static int go_on(struct nimadm_run *r, int64_t id, struct err *err)
{
	_cleanup_(job_row_done) struct job_row row = { 0 };

	if (store_job_get(r->store, id, &row, err) < 0 ||
	    nimadm_run_load(r, &row, err) < 0)
		return -1;
	if (row.mode == 'W')
		return nimadm_run_refuse_awake(&row, err);
	if (nimadm_spec_same(r->cli, r->store, r->o, &r->job, err) < 0)
		return -1;
	if (row.state == JOB_DONE || row.state == JOB_CLEANED) {
		if (row.state == JOB_DONE && r->select.all)
			return 1;
		err_set(err, ERR_OPERATOR,
			"job %lld of %s is %s: there is nothing to go on with",
			(long long)row.id, row.subject,
			row.state == JOB_DONE ? "done" : "taken back");
		return err_remedy(err, "start a new one: nimadm %s -O FILE -Y",
				  r->o->ref ? r->o->ref : "-T MKSYSB");
	}
	apply_flags(r);
	return nimadm_run_engine(r, err);
}

static int open_store(struct nimadm_run *r, struct err *err)
{
	r->store = cli_store(r->cli, err);
	return r->store ? 0 : -1;
}

/* --- the three ways in --- */

static int migrate(struct nimadm_run *r, struct err *err)
{
	_cleanup_(job_row_done) struct job_row row = { 0 };
	const char *subject = r->o->subject;

	if (r->o->phases && selection_parse(&r->select, r->o->phases, err) < 0)
		return -1;
	if (open_store(r, err) < 0)
		return -1;
	if (r->o->job || (r->o->phases && subject)) {
		int found = r->o->job ? nimadm_find(r->store, r->o, NIMADM_UNFINISHED,
						    "-P", &row, err)
				      : store_job_find_open(r->store, subject, &row, err);
		if (found < 0)
			return -1;
		if (found == 0 && !r->o->phases) {
			err_set(err, ERR_USAGE,
				"--job %lld wants -P, --resume, -C, --status "
				"or --report",
				(long long)row.id);
			return -1;
		}
		if (found == 0 && row.state != JOB_INHIBITED) {
			if (nimadm_run_take(r, row.subject, err) < 0)
				return -1;
			return go_on(r, row.id, err);
		}
	}
	return start_fresh(r, err);
}

int nimadm_migrate(struct cli *cli, const struct nimadm_options *o)
{
	struct nimadm_run r = { .cli = cli, .o = o, .select = selection_all() };
	struct err err = { 0 };

	return nimadm_run_end(&r, migrate(&r, &err), &err);
}

static int resume(struct nimadm_run *r, struct err *err)
{
	_cleanup_(job_row_done) struct job_row row = { 0 };

	if (r->o->phases && selection_parse(&r->select, r->o->phases, err) < 0)
		return -1;
	if (open_store(r, err) < 0)
		return -1;
	int found = nimadm_find(r->store, r->o, NIMADM_UNFINISHED, "--resume", &row, err);
	if (found < 0)
		return -1;
	if (found == 1) {
		err_set(err, ERR_OPERATOR, "%s has no job to go on with", r->o->subject);
		return err_remedy(err, "start one: nimadm %s -O FILE -Y", r->o->ref);
	}
	if (nimadm_run_take(r, row.subject, err) < 0)
		return -1;
	int rc = go_on(r, row.id, err);
	if (rc == 1 && !r->o->json)
		printf("Job %lld of %s is done already.\n", (long long)row.id,
		       row.subject);
	return rc;
}

int nimadm_resume(struct cli *cli, const struct nimadm_options *o)
{
	struct nimadm_run r = { .cli = cli, .o = o, .select = selection_all() };
	struct err err = { 0 };

	return nimadm_run_end(&r, resume(&r, &err), &err);
}

static int cleanup(struct nimadm_run *r, struct err *err)
{
	_cleanup_(job_row_done) struct job_row row = { 0 };

	if (open_store(r, err) < 0)
		return -1;
	int found = nimadm_find(r->store, r->o, NIMADM_UNFINISHED, "-C", &row, err);
	if (found < 0)
		return -1;
	if (found == 1) {
		if (!r->o->json)
			printf("%s has no job: there is nothing to take back.\n",
			       r->o->subject);
		return 0;
	}
	if (nimadm_run_take(r, row.subject, err) < 0 || nimadm_run_load(r, &row, err) < 0)
		return -1;
	if (row.state == JOB_DONE && !r->o->json)
		printf("Job %lld of %s is done: its result %s stays.\n",
		       (long long)row.id, row.subject, r->job.spec.output);
	return nimadm_run_engine(r, err);
}

int nimadm_cleanup(struct cli *cli, const struct nimadm_options *o)
{
	struct nimadm_run r = { .cli = cli, .o = o, .undo = true };
	struct err err = { 0 };

	return nimadm_run_end(&r, cleanup(&r, &err), &err);
}
