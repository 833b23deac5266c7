/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets up and runs jobs of fake phases. */
#include "engine-bed.h"

#include <signal.h>
#include <sys/wait.h>

#include "sys/files.h"

#define SUBJECT "web12"

static struct store *open_store(struct bed *b)
{
	struct store *s = NULL;
	struct err err = { 0 };

	if (store_open(&s, b->state, &err) < 0)
		fail_msg("%s", err.msg);
	return s;
}

static void define(struct store *s, const char *name, const char *type)
{
	struct err err = { 0 };

	assert_ok(store_object_define(s, name, type, &err), &err);
}

/* These tests kill processes, not machines: memory keeps what they wrote, and costs no waiting for a disk. */
static char *fast_scratch(void)
{
	char *path = xstrdup("/dev/shm/nimadm-test-XXXXXX");

	if (mkdtemp(path))
		return path;
	free(path);
	return scratch_new();
}

void bed_setup(struct bed *b)
{
	struct err err = { 0 };

	*b = (struct bed){ .dir = fast_scratch() };
	b->state = xasprintf("%s/state", b->dir);
	b->cache = xasprintf("%s/cache", b->dir);
	b->world = xasprintf("%s/world", b->dir);
	assert_ok(files_mkdirs(b->world, 0755, &err), &err);
	_cleanup_store_ struct store *s = open_store(b);
	define(s, SUBJECT, "mksysb");
	define(s, "lpp13", "lpp_source");
	define(s, "spot13", "spot");
	fake_world = b->world;
	fake_fault = (struct fake_fault){ 0 };
}

void bed_done(struct bed *b)
{
	scratch_free(b->dir);
	free(b->state);
	free(b->cache);
	free(b->world);
}

static char *spec_json(struct bed *b)
{
	struct job_spec spec = {
		.mode = 'D',
		.subject = xstrdup(SUBJECT),
		.mksysb = xstrdup(SUBJECT),
		.output = xasprintf("%s/out.mksysb", b->dir),
		.output_name = xstrdup("web13"),
		.lpp_source = xstrdup("lpp13"),
		.spot = xstrdup("spot13"),
		.release = xstrdup("trixie"),
		.cache = xstrdup(b->cache),
	};

	strv_add_all(&spec.resources, SUBJECT, "lpp13", "spot13", NULL);
	json_t *j = job_spec_to_json(&spec);
	char *text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	job_spec_done(&spec);
	return text;
}

/* As the command does it: under the lease, admit and create, or find. */
static int find_job(struct bed *b, struct store *s, enum bed_how how, struct job *job,
		    struct err *err)
{
	_cleanup_(job_row_done) struct job_row row = { 0 };
	int64_t id = 0;

	if (how == BED_FRESH || how == BED_PREVIEW) {
		_cleanup_free_ char *spec = spec_json(b);
		if (engine_admit(s, SUBJECT, err) < 0 ||
		    store_job_create(s, SUBJECT, 'D', spec, &id, err) < 0 ||
		    store_job_get(s, id, &row, err) < 0)
			return -1;
	} else if (store_job_find_last(s, SUBJECT, &row, err) != 0) {
		return err_set(err, ERR_NOTFOUND, "no job");
	}
	return job_init(job, b->state, row.id, row.spec, row.facts, err);
}

int bed_run(struct bed *b, enum bed_how how, const char *select, struct err *err)
{
	_cleanup_store_ struct store *s = NULL;
	_cleanup_lease_ struct lease *lease = NULL;
	_cleanup_(job_done) struct job job = { 0 };
	_cleanup_(events_done) struct events events = { 0 };
	struct selection selection = selection_all();

	if (store_open(&s, b->state, err) < 0 ||
	    lease_take(&lease, s, b->state, SUBJECT, false, err) < 0 ||
	    find_job(b, s, how, &job, err) < 0 ||
	    (select && selection_parse(&selection, select, err) < 0))
		return -1;
	struct engine_config cfg = {
		.phases = phase_table,
		.store = s,
		.lease = lease,
		.job = &job,
		.events = &events,
		.select = selection,
		.preview = how == BED_PREVIEW,
		.undo = how == BED_UNDO,
		.retry_ms = 1,
	};
	return engine_run(&cfg, err);
}

static int in_child(struct bed *b, enum bed_how how, const char *select,
		    unsigned crash_at, const struct fake_fault *fault)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err = { 0 };

		if (crash_at) {
			char text[16];
			snprintf(text, sizeof(text), "%u", crash_at);
			setenv("NIMADM_CRASH_AT", text, 1);
		}
		if (fault)
			fake_fault = *fault;
		_exit(bed_run(b, how, select, &err) < 0 ? 1 : 0);
	}
	if (waitpid(pid, &status, 0) != pid)
		fail_msg("waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int bed_run_child(struct bed *b, enum bed_how how, unsigned crash_at,
		  const struct fake_fault *fault)
{
	return in_child(b, how, NULL, crash_at, fault);
}

int bed_run_child_select(struct bed *b, enum bed_how how, const char *select,
			 const struct fake_fault *fault)
{
	return in_child(b, how, select, 0, fault);
}

static void last_job(struct bed *b, struct store *s, struct job_row *row)
{
	struct err err = { 0 };

	if (store_job_find_last(s, SUBJECT, row, &err) != 0)
		fail_msg("there is no job: %s", err.msg);
}

const char *bed_journal(struct bed *b)
{
	static char text[PHASE_COUNT + 1];
	static const char letters[] = {
		[JOURNAL_NONE] = '.',	[JOURNAL_STARTED] = 'S', [JOURNAL_DONE] = 'D',
		[JOURNAL_FAILED] = 'F', [JOURNAL_UNDONE] = 'U',
	};
	_cleanup_store_ struct store *s = open_store(b);
	_cleanup_(job_row_done) struct job_row row = { 0 };
	struct journal_row rows[PHASE_COUNT];
	struct err err = { 0 };

	last_job(b, s, &row);
	assert_ok(store_journal_get(s, row.id, rows, &err), &err);
	for (int p = 0; p < PHASE_COUNT; p++)
		text[p] = letters[rows[p].state];
	return text;
}

enum job_state bed_job_state(struct bed *b)
{
	_cleanup_store_ struct store *s = open_store(b);
	_cleanup_(job_row_done) struct job_row row = { 0 };

	last_job(b, s, &row);
	return row.state;
}

int bed_alloc_count(struct bed *b, const char *object)
{
	_cleanup_store_ struct store *s = open_store(b);
	struct err err = { 0 };
	int n = -1;

	assert_ok(store_alloc_count(s, object, &n, &err), &err);
	return n;
}

char *bed_trace(struct bed *b)
{
	_cleanup_free_ char *path = xasprintf("%s/trace", b->world);
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };

	if (!files_exists(path))
		return xstrdup("");
	assert_ok(files_read(path, 0, &text, &err), &err);
	unlink(path);
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '\n')
			text.p[i] = ';';
	}
	return str_take(&text);
}

size_t bed_files(struct bed *b)
{
	size_t n = 0;

	for (int p = 0; p < PHASE_COUNT; p++) {
		for (int which = 1; which <= 2; which++) {
			_cleanup_free_ char *path = xasprintf("%s/%d.%d", b->world, p,
							      which);
			n += files_exists(path);
		}
	}
	return n;
}

char *bed_report(struct bed *b, const char *ext)
{
	_cleanup_store_ struct store *s = open_store(b);
	_cleanup_(job_row_done) struct job_row row = { 0 };
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };

	last_job(b, s, &row);
	_cleanup_free_ char *path = xasprintf("%s/report/%lld/report.%s", b->state,
					      (long long)row.id, ext);
	assert_ok(files_read(path, 0, &text, &err), &err);
	return str_take(&text);
}
