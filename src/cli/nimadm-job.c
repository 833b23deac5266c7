/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs, resumes and takes back a job: puts store, lease, sinks, phases and engine together. */
#include "cli/nimadm.h"
#include "engine/record.h"
#include "model/object.h"
#include "phase/table.h"
#include "sys/files.h"
#include "sys/mount.h"
#include "ui/ui.h"

struct run {
	struct cli *cli;
	const struct nimadm_options *o;
	struct store *store;
	struct lease *lease;
	struct job job;
	struct events events;
	struct selection select;
	bool undo;
};

static void run_done(struct run *r)
{
	events_done(&r->events);
	r->lease = lease_release(r->lease);
	job_done(&r->job);
}

/* --- sinks --- */

static void weights_of(char mode, unsigned weights[METER_PHASES])
{
	_Static_assert((int)METER_PHASES == PHASE_COUNT, "the meter knows all phases");
	for (int p = 0; p < PHASE_COUNT; p++)
		weights[p] = phase_applies(phase_table[p], mode) ? phase_table[p]->weight
								 : 0;
}

static int add_logs(struct run *r, const unsigned weights[METER_PHASES], struct err *err)
{
	long long id = r->job.id;
	_cleanup_free_ char *now = nimadm_now_path(r->cli->state_dir, r->job.spec.subject,
						   r->job.id);
	_cleanup_free_ char *text = xasprintf("%s/%lld.log", r->job.log_dir, id);
	_cleanup_free_ char *json = xasprintf("%s/%lld.jsonl", r->job.log_dir, id);
	struct event_sink *sink;

	if (ui_log(&sink, text, err) < 0)
		return -1;
	events_add_sink(&r->events, sink);
	if (ui_json_log(&sink, json, err) < 0)
		return -1;
	events_add_sink(&r->events, sink);
	if (ui_now(&sink, now, weights, err) < 0)
		return -1;
	events_add_sink(&r->events, sink);
	events_add_sink(&r->events, record_sink(r->store));
	return 0;
}

static int add_sinks(struct run *r, struct err *err)
{
	unsigned weights[METER_PHASES];
	bool verbose = r->o->verbose || r->job.spec.verbose;

	weights_of(r->job.spec.mode, weights);
	events_add_sink(&r->events, r->o->json ? ui_json(stdout)
					       : ui_console(stdout, weights, verbose));
	return add_logs(r, weights, err);
}

/* --- the lease --- */

static int take_lease(struct run *r, const char *subject, struct err *err)
{
	/* before the lease's thread exists: it belongs into the same namespace */
	if (mount_private_namespace(err) < 0 ||
	    lease_take(&r->lease, r->store, r->cli->state_dir, subject, r->o->force,
		       err) < 0)
		return -1;
	const char *former = store_lease_former(r->store);
	if (former)
		cli_warn("took over the lease of %s from %s, which is gone", subject,
			 former);
	return 0;
}

/* --- ends --- */

/* What the pre-flight found, in one line. */
static void say_preflight(const struct run *r)
{
	static const char *const names[] = { "PASS", "INFO", "WARN", "INHIBIT" };
	unsigned counts[ARRAY_SIZE(names)] = { 0 };
	size_t i;
	json_t *f;

	json_array_foreach(json_object_get(r->job.facts, "preflight"), i, f)
	{
		const char *severity = json_string_value(json_object_get(f, "severity"));
		for (size_t n = 0; severity && n < ARRAY_SIZE(names); n++)
			counts[n] += streq(severity, names[n]);
	}
	printf("Pre-flight of %s: %u passed, %u for information, %u warning%s, %u that "
	       "inhibit. Nothing else was done.\n",
	       r->job.spec.subject, counts[0], counts[1], counts[2],
	       counts[2] == 1 ? "" : "s", counts[3]);
}

static void say_result(const struct run *r)
{
	const struct job_spec *s = &r->job.spec;

	if (r->o->json)
		return;
	if (r->o->preview)
		say_preflight(r);
	if (!ui_is_live(stdout))
		return;
	if (!r->undo && !r->o->preview && *s->output && files_exists(s->output))
		printf("The migrated image is %s%s%s.\n", s->output,
		       *s->output_name ? ", the object " : "", s->output_name);
	printf("Report: %s/report.txt\n", r->job.report_dir);
}

/* Before there is a job the engine has said nothing yet. */
static void say_error_event(const struct run *r, const struct err *err)
{
	struct events events = { .client = r->o->subject };
	struct event ev = { .type = EVENT_ERROR,
			    .text = err->msg,
			    .remedy = err->remedy };

	if (!r->o->json || r->job.id)
		return;
	events_add_sink(&events, ui_json(stdout));
	events_emit(&events, &ev);
	events_done(&events);
}

static int say_error(const struct run *r, const struct err *err)
{
	say_error_event(r, err);
	cli_print_error(err);
	if (r->job.id && r->job.log_dir && files_is_dir(r->job.log_dir))
		fprintf(stderr, "  log: %s/%lld.log\n", r->job.log_dir,
			(long long)r->job.id);
	return err_exit_status(err->kind);
}

static int end(struct run *r, int rc, const struct err *err)
{
	int status = 0;

	/* the live line goes before the last words */
	events_done(&r->events);
	if (rc < 0)
		status = say_error(r, err);
	else if (r->job.id)
		say_result(r);
	run_done(r);
	return status;
}

/* --- the run --- */

/* -D: every command that is run, one a line (sys/proc.h). */
static void trace_commands(const struct run *r)
{
	_cleanup_free_ char *path = xasprintf("%s/%lld.trace", r->job.log_dir,
					      (long long)r->job.id);

	if (r->job.spec.debug)
		setenv("NIMADM_TRACE", path, 0);
}

/* What lsnim shows of the client; a job that is to be gone on with is still one. */
static int set_cstate(struct run *r, bool begins, bool failed, struct err *err)
{
	const char *name = r->job.spec.client;
	_cleanup_(job_row_done) struct job_row row = { 0 };

	if (!name || !*name || !store_object_exists(r->store, name))
		return 0;
	if (begins)
		return store_state_set(r->store, name, "Cstate", CSTATE_MIGRATING, err);
	if (store_attr_set(r->store, name, "Cstate_result",
			   failed ? "failure" : "success", err) < 0 ||
	    store_job_get(r->store, r->job.id, &row, err) < 0)
		return -1;
	if (row.state == JOB_OPEN || row.state == JOB_FAILED ||
	    row.state == JOB_CANCELLED)
		return 0;
	return store_state_set(r->store, name, "Cstate", CSTATE_READY, err);
}

static int run_engine(struct run *r, struct err *err)
{
	bool shell = r->o->debug_shell || r->job.spec.keep;
	struct err release = { 0 };
	struct engine_config cfg = {
		.phases = phase_table,
		.store = r->store,
		.lease = r->lease,
		.job = &r->job,
		.events = &r->events,
		.select = r->select,
		.preview = r->o->preview,
		.undo = r->undo,
	};

	if (shell && !r->o->json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		cfg.on_failed = phase_debug_shell;
	if (add_sinks(r, err) < 0)
		return -1;
	trace_commands(r);
	if (set_cstate(r, true, false, err) < 0)
		return -1;
	int rc = engine_run(&cfg, err);
	if (set_cstate(r, false, rc < 0, &release) < 0)
		events_warning(&r->events, "%s", release.msg);
	err_clear(&release);
	if (phase_release(&r->job, &release) < 0)
		events_warning(&r->events, "%s", release.msg);
	return rc;
}

static int load_job(struct run *r, const struct job_row *row, struct err *err)
{
	if (job_init(&r->job, r->cli->state_dir, row->id, row->spec, row->facts, err) < 0)
		return -1;
	uint64_t limit = config_get_number(&r->cli->config, "script_timeout", 0);
	r->job.script_timeout_s = (unsigned)MIN(limit, 1u << 30);
	return nimadm_cache_attach(r->cli, r->job.spec.cache, err);
}

static int create_job(struct run *r, const struct job_spec *spec, struct err *err)
{
	_cleanup_(job_row_done) struct job_row row = { 0 };
	json_t *j = job_spec_to_json(spec);
	_cleanup_free_ char *text = json_dumps(j, JSON_COMPACT);
	int64_t id;

	json_decref(j);
	if (!text)
		return err_set(err, ERR_INTERNAL, "the specification is no JSON");
	if (nimadm_cache_attach(r->cli, spec->cache, err) < 0 ||
	    files_mkdirs(spec->cache, 0700, err) < 0 ||
	    store_job_create(r->store, spec->subject, spec->mode, text, &id, err) < 0 ||
	    store_job_get(r->store, id, &row, err) < 0)
		return -1;
	return load_job(r, &row, err);
}

/* A new job whose first phase is out of reach would only be in the way. */
static int check_fresh_selection(const struct run *r, char mode, struct err *err)
{
	struct journal_row rows[PHASE_COUNT] = { 0 };
	_cleanup_free_ char *ref = xasprintf("%s -O FILE ... -Y", r->o->ref);
	struct plan plan;

	return planner_plan(&plan, phase_table, mode, rows, &r->select, ref, err);
}

/* An object, or a client by its address; anything else is refused with the specification. */
static bool is_known(const struct run *r)
{
	const char *subject = r->o->subject;

	return subject && (store_object_exists(r->store, subject) ||
			   (r->o->clients.n > 0 && strchr(subject, '@')));
}

static int start_fresh(struct run *r, struct err *err)
{
	_cleanup_(job_spec_done) struct job_spec spec = { 0 };

	/* an unfinished job is what is to be told first: the rest may well be its doing */
	if (is_known(r) && (take_lease(r, r->o->subject, err) < 0 ||
			    engine_admit(r->store, r->o->subject, err) < 0))
		return -1;
	if (nimadm_spec(r->cli, r->store, r->o, &spec, err) < 0 ||
	    check_fresh_selection(r, spec.mode, err) < 0 || create_job(r, &spec, err) < 0)
		return -1;
	return run_engine(r, err);
}

/* Flags that only say how it is gone on with may differ from run to run. */
static void apply_flags(struct run *r)
{
	struct job_spec *s = &r->job.spec;

	s->keep |= r->o->debug_shell;
	s->debug |= r->o->debug;
	s->force |= r->o->force;
	s->verbose |= r->o->verbose;
}

/* Under the lease the job is looked at again: another process may just have ended it. */
static int go_on(struct run *r, int64_t id, struct err *err)
{
	_cleanup_(job_row_done) struct job_row row = { 0 };

	if (store_job_get(r->store, id, &row, err) < 0 || load_job(r, &row, err) < 0)
		return -1;
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
	return run_engine(r, err);
}

static int open_store(struct run *r, struct err *err)
{
	r->store = cli_store(r->cli, err);
	return r->store ? 0 : -1;
}

/* --- the three ways in --- */

static int migrate(struct run *r, struct err *err)
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
			if (take_lease(r, row.subject, err) < 0)
				return -1;
			return go_on(r, row.id, err);
		}
	}
	return start_fresh(r, err);
}

int nimadm_migrate(struct cli *cli, const struct nimadm_options *o)
{
	struct run r = { .cli = cli, .o = o, .select = selection_all() };
	struct err err = { 0 };

	return end(&r, migrate(&r, &err), &err);
}

static int resume(struct run *r, struct err *err)
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
	if (take_lease(r, row.subject, err) < 0)
		return -1;
	int rc = go_on(r, row.id, err);
	if (rc == 1 && !r->o->json)
		printf("Job %lld of %s is done already.\n", (long long)row.id,
		       row.subject);
	return rc;
}

int nimadm_resume(struct cli *cli, const struct nimadm_options *o)
{
	struct run r = { .cli = cli, .o = o, .select = selection_all() };
	struct err err = { 0 };

	return end(&r, resume(&r, &err), &err);
}

static int cleanup(struct run *r, struct err *err)
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
	if (take_lease(r, row.subject, err) < 0 || load_job(r, &row, err) < 0)
		return -1;
	if (row.state == JOB_DONE && !r->o->json)
		printf("Job %lld of %s is done: its result %s stays.\n",
		       (long long)row.id, row.subject, r->job.spec.output);
	return run_engine(r, err);
}

int nimadm_cleanup(struct cli *cli, const struct nimadm_options *o)
{
	struct run r = { .cli = cli, .o = o, .undo = true };
	struct err err = { 0 };

	return end(&r, cleanup(&r, &err), &err);
}
