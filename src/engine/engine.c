/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state machine of a job: lease, resources, phases, end. */
#include "engine/engine.h"

#include "engine/attempt.h"
#include "engine/report.h"
#include "model/object.h"
#include "sys/clock.h"
#include "sys/files.h"

enum stage { STAGE_BEGIN, STAGE_PHASES, STAGE_END, STAGE_OVER };

struct engine {
	struct engine_config cfg;
	struct plan plan;
	char *ref;	    /* how commands name the job */
	enum job_state was; /* the job's state when it was opened */
	enum stage stage;
	int next; /* next phase to look at; an undo counts down */
	double start;
};

static void say_job(struct engine *e, enum event_type type, const char *state,
		    const char *text)
{
	struct event ev = {
		.type = type,
		.state = state,
		.text = text,
		.seconds = clock_mono() - e->start,
	};

	e->cfg.events->phase = -1;
	e->cfg.events->phase_name = NULL;
	events_emit(e->cfg.events, &ev);
}

static void say_error(struct engine *e, const struct err *err)
{
	struct event ev = { .type = EVENT_ERROR,
			    .text = err->msg,
			    .remedy = err->remedy };

	events_emit(e->cfg.events, &ev);
}

/* A machine object shows that it is being migrated; an image is only read, its use shows in alloc_count. */
static int set_client_state(struct engine *e, const char *state, struct err *err)
{
	const char *subject = e->cfg.job->spec.subject;
	_cleanup_object_ struct object o = OBJECT_INIT;

	if (!store_object_exists(e->cfg.store, subject))
		return 0;
	if (store_object_get(e->cfg.store, subject, NULL, &o, err) < 0)
		return -1;
	const char *now = object_get(&o, "Cstate");
	if (!streq(o.type, "standalone") || (now && streq(now, state)))
		return 0;
	return store_state_set(e->cfg.store, subject, "Cstate", state, err);
}

static int give_back(struct engine *e, struct err *err)
{
	if (store_deallocate_all(e->cfg.store, e->cfg.job->id, err) < 0)
		return -1;
	return set_client_state(e, CSTATE_READY, err);
}

/* In one transaction with the look at its state: an update may be about to take it out of use. */
static int allocate(struct engine *e, const char *name, struct err *err)
{
	_cleanup_object_ struct object o = OBJECT_INIT;

	if (store_object_get(e->cfg.store, name, NULL, &o, err) < 0)
		return -1;
	const char *state = object_get(&o, "Rstate");
	if (state && !streq(state, RSTATE_READY)) {
		err_set(err, ERR_OPERATOR, "%s %s is %s", o.type, name, state);
		return err_remedy(err, "nim -o check %s", name);
	}
	return store_allocate(e->cfg.store, e->cfg.job->id, name, err);
}

static int allocate_all(struct engine *e, struct err *err)
{
	const struct strv *resources = &e->cfg.job->spec.resources;

	if (store_begin(e->cfg.store, err) < 0)
		return -1;
	for (size_t i = 0; i < resources->n; i++) {
		if (allocate(e, resources->v[i], err) < 0) {
			store_rollback(e->cfg.store);
			return -1;
		}
	}
	return store_commit(e->cfg.store, err);
}

static int begin(struct engine *e, struct err *err)
{
	const struct engine_config *c = &e->cfg;

	say_job(e, EVENT_JOB_BEGIN, NULL, c->undo ? "taking everything back" : NULL);
	if (c->undo)
		return 0;
	if (store_job_set_state(c->store, c->job->id, JOB_OPEN, NULL, err) < 0 ||
	    allocate_all(e, err) < 0)
		return -1;
	return set_client_state(e, CSTATE_MIGRATING, err);
}

/* --- ends --- */

/* Writes state and report. A report that can not be written makes no failure out of a success, but is said. */
static int settle(struct engine *e, enum job_state state, const char *error,
		  const struct journal_row rows[PHASE_COUNT], struct err *err)
{
	const struct engine_config *c = &e->cfg;
	struct err report_err = { 0 };
	struct job_row row = { 0 };

	if (store_job_set_state(c->store, c->job->id, state, error, err) < 0)
		return -1;
	if (store_job_get(c->store, c->job->id, &row, &report_err) < 0 ||
	    report_write(c->job, &row, rows, c->phases, &report_err) < 0)
		events_warning(c->events, "the report can not be written: %s",
			       report_err.msg);
	else
		events_step(c->events, "Report: %s/report.txt", c->job->report_dir);
	job_row_done(&row);
	return 0;
}

static bool only_preflight_begun(const struct journal_row rows[PHASE_COUNT])
{
	for (int p = 1; p < PHASE_COUNT; p++) {
		if (rows[p].state != JOURNAL_NONE)
			return false;
	}
	return true;
}

/* The pre-flight leaves nothing behind where nothing follows it. */
static int drop_preflight(struct engine *e, const struct journal_row rows[PHASE_COUNT],
			  struct err *err)
{
	struct err second = { 0 };
	int rc = rows[0].state == JOURNAL_NONE
			 ? 0
			 : attempt_undo(&e->cfg, e->cfg.phases[0], err);

	/* in any case: what was found wrong with a resource can be mended then */
	return give_back(e, rc < 0 ? &second : err) < 0 ? -1 : rc;
}

static void add_next_commands(struct engine *e, struct err *err)
{
	_cleanup_str_ struct str remedy = STR_INIT;

	/* a preview is asked for again, and so is a job that was refused before it touched anything */
	if (err->kind == ERR_UNFIT || e->cfg.preview || strstr(err->remedy, "--resume"))
		return;
	if (e->cfg.undo) {
		err_remedy(err, "nimadm -C %s", e->ref);
		return;
	}
	if (*err->remedy)
		str_addf(&remedy, "%s; then ", err->remedy);
	str_addf(&remedy, "%s %s to go on, or nimadm -C %s to take everything back",
		 e->cfg.go_on ? e->cfg.go_on : "nimadm --resume", e->ref, e->ref);
	*err->remedy = '\0';
	err_remedy(err, "%s", str_c(&remedy));
}

/* A preview leaves no job behind, but it ended in one of these ways. */
static const char *end_word(const struct engine *e, enum job_state state,
			    const struct err *err)
{
	if (e->cfg.preview)
		state = err->kind == ERR_UNFIT	     ? JOB_INHIBITED
			: err->kind == ERR_CANCELLED ? JOB_CANCELLED
						     : JOB_FAILED;
	return job_state_name(state);
}

/* The job has failed with *err: says so everywhere. Returns -1. */
static int fail(struct engine *e, struct err *err)
{
	const struct engine_config *c = &e->cfg;
	struct journal_row rows[PHASE_COUNT];
	struct err second = { 0 };
	enum job_state state = JOB_FAILED;

	e->stage = STAGE_OVER;
	if (lease_check(c->lease, NULL) < 0)
		return -1;
	if (store_journal_get(c->store, c->job->id, rows, &second) < 0)
		return err_prefix(err, "%s (and the job's state can not be written: %s)",
				  c->job->spec.subject, second.msg);
	if (err->kind == ERR_CANCELLED)
		state = JOB_CANCELLED;
	if (err->kind == ERR_UNFIT && !only_preflight_begun(rows))
		err->kind = ERR_OPERATOR;
	if (err->kind == ERR_UNFIT || c->preview) {
		if (drop_preflight(e, rows, &second) == 0)
			state = c->preview ? JOB_CLEANED : JOB_INHIBITED;
		else
			events_warning(c->events, "%s", second.msg);
	} else if (only_preflight_begun(rows) && !c->undo) {
		/* One that was stopped is not kept waiting by a client that has to be asked once more. */
		int rc = state == JOB_CANCELLED ? give_back(e, &second)
						: drop_preflight(e, rows, &second);

		if (rc < 0)
			events_warning(c->events, "%s", second.msg);
	}
	add_next_commands(e, err);
	say_error(e, err);
	err_clear(&second);
	/* a clean-up that failed leaves the job as it was: -C is asked again */
	if (!c->undo && settle(e, state, err->msg, rows, &second) < 0)
		events_warning(c->events, "the job's state can not be written: %s",
			       second.msg);
	say_job(e, EVENT_JOB_END, end_word(e, state, err), err->msg);
	return -1;
}

static int end_undo(struct engine *e, struct err *err)
{
	const struct engine_config *c = &e->cfg;
	struct journal_row rows[PHASE_COUNT];
	enum job_state state = e->was == JOB_DONE ? JOB_DONE : JOB_CLEANED;

	if (files_is_dir(c->job->dir) && files_rmtree(c->job->dir, JOB_MARKER, err) < 0)
		return -1;
	if (give_back(e, err) < 0 ||
	    store_journal_get(c->store, c->job->id, rows, err) < 0)
		return -1;
	/* the report of a job that is done is that of its result */
	if (state == JOB_CLEANED && settle(e, state, NULL, rows, err) < 0)
		return -1;
	say_job(e, EVENT_JOB_END, job_state_name(state), NULL);
	return 0;
}

static int end_run(struct engine *e, struct engine_happened *ret, struct err *err)
{
	const struct engine_config *c = &e->cfg;
	struct journal_row rows[PHASE_COUNT];

	if (store_journal_get(c->store, c->job->id, rows, err) < 0)
		return -1;
	bool complete = planner_complete(c->phases, c->job->spec.mode, rows);
	enum job_state state = complete ? JOB_DONE : JOB_OPEN;
	if (c->preview) {
		state = JOB_CLEANED;
		if (drop_preflight(e, rows, err) < 0)
			return -1;
	} else if (complete && give_back(e, err) < 0) {
		return -1;
	}
	if (settle(e, state, NULL, rows, err) < 0)
		return -1;
	ret->what = complete || c->preview ? ENGINE_ENDED : ENGINE_STOPPED;
	say_job(e, EVENT_JOB_END, c->preview ? "done" : job_state_name(state), NULL);
	return 0;
}

/* --- steps --- */

/* The next phase that there is something to do with, or -1. */
static int next_to_run(struct engine *e)
{
	while (e->next < PHASE_COUNT) {
		int p = e->next++;
		if (e->plan.action[p] != PLAN_LEAVE && e->plan.action[p] != PLAN_KEEP)
			return p;
	}
	return -1;
}

static int step_run(struct engine *e, struct engine_happened *ret, struct err *err)
{
	int p = next_to_run(e);

	if (p < 0) {
		e->stage = STAGE_OVER;
		return end_run(e, ret, err);
	}
	const struct phase *ph = e->cfg.phases[p];
	ret->phase = p;
	if (e->plan.action[p] == PLAN_SKIP) {
		ret->what = ENGINE_SKIPPED;
		attempt_say_end(&e->cfg, ph, "skipped", 0, NULL);
		return 0;
	}
	return attempt_phase(&e->cfg, ph, e->plan.action[p], ret, err);
}

static int step_undo(struct engine *e, struct engine_happened *ret, struct err *err)
{
	while (e->next >= 0) {
		int p = e->next--;
		if (e->plan.action[p] == PLAN_LEAVE)
			continue;
		*ret = (struct engine_happened){ ENGINE_UNDONE, p };
		return attempt_undo(&e->cfg, e->cfg.phases[p], err);
	}
	e->stage = STAGE_OVER;
	ret->what = ENGINE_ENDED;
	return end_undo(e, err);
}

int engine_step(struct engine *e, struct engine_happened *ret, struct err *err)
{
	struct err own = { 0 };
	int r;

	*ret = (struct engine_happened){ ENGINE_BEGUN, -1 };
	switch (e->stage) {
	case STAGE_BEGIN:
		e->stage = STAGE_PHASES;
		r = begin(e, &own);
		break;
	case STAGE_PHASES:
		r = e->cfg.undo ? step_undo(e, ret, &own) : step_run(e, ret, &own);
		break;
	default:
		return 1;
	}
	if (r < 0) {
		fail(e, &own);
		if (err)
			*err = own;
	}
	return r;
}

/* Everything that ever began is taken back, also when it was before: undo is idempotent. */
static int plan_undo(struct engine *e, const struct journal_row rows[PHASE_COUNT])
{
	for (int p = 0; p < PHASE_COUNT; p++) {
		if (e->was != JOB_DONE && rows[p].state != JOURNAL_NONE)
			e->plan.action[p] = PLAN_RUN;
	}
	e->next = PHASE_COUNT - 1;
	return 0;
}

int engine_open(struct engine **ret, const struct engine_config *cfg, struct err *err)
{
	_cleanup_engine_ struct engine *e = xcalloc(1, sizeof(*e));
	struct journal_row rows[PHASE_COUNT];
	struct selection select = cfg->select;
	struct job_row row = { 0 };

	e->cfg = *cfg;
	e->ref = job_ref(cfg->job);
	e->start = clock_mono();
	if (store_job_get(cfg->store, cfg->job->id, &row, err) < 0)
		return -1;
	e->was = row.state;
	job_row_done(&row);
	if (store_journal_get(cfg->store, cfg->job->id, rows, err) < 0)
		return -1;
	if (cfg->preview)
		select = (struct selection){ .on = { [0] = true } };
	int r = cfg->undo ? plan_undo(e, rows)
			  : planner_plan(&e->plan, cfg->phases, cfg->job->spec.mode, rows,
					 &select, e->ref, err);
	if (r < 0)
		return -1;
	cfg->events->job = cfg->job->id;
	cfg->events->client = cfg->job->spec.subject;
	cfg->events->phase = -1;
	*ret = TAKE_PTR(e);
	return 0;
}

struct engine *engine_close(struct engine *e)
{
	if (!e)
		return NULL;
	free(e->ref);
	free(e);
	return NULL;
}

void engine_close_p(struct engine **e)
{
	*e = engine_close(*e);
}

int engine_run(const struct engine_config *cfg, struct err *err)
{
	_cleanup_engine_ struct engine *e = NULL;
	struct engine_happened happened;
	int r;

	if (engine_open(&e, cfg, err) < 0)
		return -1;
	do
		r = engine_step(e, &happened, err);
	while (r == 0);
	return r < 0 ? -1 : 0;
}

/* --- admission --- */

static int refuse(const struct job_row *row, const struct journal_row rows[PHASE_COUNT],
		  const char *ref, struct err *err)
{
	int at = -1;

	for (int p = 0; p < PHASE_COUNT; p++) {
		if (rows[p].state != JOURNAL_NONE)
			at = p;
	}
	if (at < 0)
		err_set(err, ERR_OPERATOR,
			"job %lld of %s is not finished: no phase has begun",
			(long long)row->id, row->subject);
	else
		err_set(err, ERR_OPERATOR,
			"job %lld of %s is not finished: phase %d %s%s%s",
			(long long)row->id, row->subject, at,
			rows[at].state == JOURNAL_DONE	   ? "is done"
			: rows[at].state == JOURNAL_FAILED ? "failed"
			: rows[at].state == JOURNAL_UNDONE ? "is taken back"
							   : "was interrupted",
			*rows[at].message ? ": " : "", rows[at].message);
	return err_remedy(
		err,
		"nimadm --resume %s to go on, or nimadm -C %s to take everything back",
		ref, ref);
}

int engine_admit(struct store *store, const char *subject, struct err *err)
{
	_cleanup_(job_row_done) struct job_row row = { 0 };
	_cleanup_(job_done) struct job job = { 0 };
	struct journal_row rows[PHASE_COUNT];

	int r = store_job_find_open(store, subject, &row, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (store_journal_get(store, row.id, rows, err) < 0)
		return -1;
	if (row.state == JOB_INHIBITED ||
	    (row.state == JOB_FAILED && only_preflight_begun(rows) &&
	     (rows[0].state == JOURNAL_NONE || rows[0].state == JOURNAL_UNDONE)))
		return store_job_set_state(store, row.id, JOB_CLEANED, NULL, err);
	if (job_init(&job, "", row.id, row.spec, row.facts, err) < 0)
		return -1;
	_cleanup_free_ char *ref = job_ref(&job);
	return refuse(&row, rows, ref, err);
}
