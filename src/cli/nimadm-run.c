/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of one job: its lease, its sinks, the engine, the last words. */
#include "cli/nimadm-run.h"
#include "engine/record.h"
#include "model/object.h"
#include "phase/table.h"
#include "sys/files.h"
#include "sys/mount.h"
#include "ui/ui.h"

static void run_done(struct nimadm_run *r)
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

static int add_logs(struct nimadm_run *r, const unsigned weights[METER_PHASES],
		    struct err *err)
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

int nimadm_run_sinks(struct nimadm_run *r, struct err *err)
{
	unsigned weights[METER_PHASES];
	bool verbose = r->o->verbose || r->job.spec.verbose;

	if (r->events.n > 0)
		return 0;
	r->events.job = r->job.id;
	r->events.client = r->job.spec.subject;
	weights_of(r->job.spec.mode, weights);
	events_add_sink(&r->events, r->o->json ? ui_json(stdout)
					       : ui_console(stdout, weights, verbose));
	return add_logs(r, weights, err);
}

/* --- the lease --- */

int nimadm_run_take(struct nimadm_run *r, const char *subject, struct err *err)
{
	_cleanup_free_ char *places = xasprintf("%s/alt_inst", r->cli->state_dir);

	/* before the lease's thread exists: it belongs into the same namespace. Clones that are awake (-W) are not to be
	 * kept by it. */
	if (mount_private_namespace(err) < 0 || mount_forget_below(places, err) < 0 ||
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
static void say_preflight(const struct nimadm_run *r)
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

static void say_result(const struct nimadm_run *r)
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
static void say_error_event(const struct nimadm_run *r, const struct err *err)
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

static int say_error(const struct nimadm_run *r, const struct err *err)
{
	say_error_event(r, err);
	cli_print_error(err);
	if (r->job.id && r->job.log_dir && files_is_dir(r->job.log_dir))
		fprintf(stderr, "  log: %s/%lld.log\n", r->job.log_dir,
			(long long)r->job.id);
	return err_exit_status(err->kind);
}

int nimadm_run_end(struct nimadm_run *r, int rc, const struct err *err)
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
static void trace_commands(const struct nimadm_run *r)
{
	_cleanup_free_ char *path = xasprintf("%s/%lld.trace", r->job.log_dir,
					      (long long)r->job.id);

	if (r->job.spec.debug)
		setenv("NIMADM_TRACE", path, 0);
}

/* What lsnim shows of the client; a job that is to be gone on with is still one. */
static int set_cstate(struct nimadm_run *r, bool begins, bool failed, struct err *err)
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

int nimadm_run_engine(struct nimadm_run *r, struct err *err)
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
		.go_on = r->go_on,
	};

	if (shell && !r->o->json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		cfg.on_failed = phase_debug_shell;
	if (nimadm_run_sinks(r, err) < 0)
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

int nimadm_run_refuse_awake(const struct job_row *row, struct err *err)
{
	err_set(err, ERR_OPERATOR, "the clone of %s is awake: job %lld", row->subject,
		(long long)row->id);
	return err_remedy(
		err,
		"nimadm -S -c %s brings back what was written to it and puts it "
		"to sleep; nimadm -C -c %s drops that",
		row->subject, row->subject);
}

int nimadm_run_load(struct nimadm_run *r, const struct job_row *row, struct err *err)
{
	if (job_init(&r->job, r->cli->state_dir, row->id, row->spec, row->facts, err) < 0)
		return -1;
	uint64_t limit = config_get_number(&r->cli->config, "script_timeout", 0);
	r->job.script_timeout_s = (unsigned)MIN(limit, 1u << 30);
	return nimadm_cache_attach(r->cli, r->job.spec.cache, err);
}

int nimadm_run_create(struct nimadm_run *r, const struct job_spec *spec, struct err *err)
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
	return nimadm_run_load(r, &row, err);
}
