/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine with fake phases and a real database: every transition of a job. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "engine-bed.h"

#include "sys/files.h"

#define RAN(n) "run " #n ";verify " #n ";"
#define ALL_RAN                                                                          \
	RAN(0)                                                                           \
	RAN(1)                                                                           \
	RAN(2) RAN(4) RAN(5) RAN(6) RAN(7) RAN(8) RAN(10) RAN(11) RAN(12)

static void expect_trace(struct bed *b, const char *want)
{
	_cleanup_free_ char *got = bed_trace(b);

	assert_string_equal(got, want);
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("missing '%s' in:\n%s", part, text);
}

static void test_whole_job(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	bed_setup(&b);
	assert_ok(bed_run(&b, BED_FRESH, NULL, &err), &err);
	expect_trace(&b, ALL_RAN);
	assert_string_equal(bed_journal(&b), "DDD.DDDDD.DDD");
	assert_int_equal(bed_job_state(&b), JOB_DONE);
	assert_int_equal(bed_alloc_count(&b, "web12"), 0);
	_cleanup_free_ char *text = bed_report(&b, "txt");
	has(text, "job 1 of web12: done");
	/* resumed although it is done (a kill before the process ended): nothing runs */
	assert_ok(bed_run(&b, BED_RESUME, NULL, &err), &err);
	expect_trace(&b, "");
	assert_int_equal(bed_job_state(&b), JOB_DONE);
}

static void test_failure_and_resume(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	bed_setup(&b);
	fake_fault = (struct fake_fault){ 5, FAKE_RUN_HALF, ERR_OPERATOR, 0, 1 };
	assert_err(bed_run(&b, BED_FRESH, NULL, &err), &err, ERR_OPERATOR,
		   "fake failure of phase 5");
	has(err.remedy, "nimadm --resume -T web12");
	has(err.remedy, "nimadm -C -T web12");
	assert_string_equal(bed_journal(&b), "DDD.DF.......");
	assert_int_equal(bed_job_state(&b), JOB_FAILED);
	/* what it uses stays in use */
	assert_int_equal(bed_alloc_count(&b, "web12"), 1);
	_cleanup_free_ char *report = bed_report(&b, "json");
	has(report, "fake failure of phase 5");
	free(bed_trace(&b));

	/* a fresh one is refused and says why, and what to type */
	assert_err(bed_run(&b, BED_FRESH, NULL, &err), &err, ERR_OPERATOR,
		   "job 1 of web12 is not finished: phase 5 failed: fake failure");
	has(err.remedy, "nimadm --resume -T web12");
	has(err.remedy, "nimadm -C -T web12");

	err_clear(&err);
	assert_ok(bed_run(&b, BED_RESUME, NULL, &err), &err);
	expect_trace(&b, "verify 5;" RAN(5) RAN(6) RAN(7) RAN(8) RAN(10) RAN(11) RAN(12));
	assert_int_equal(bed_job_state(&b), JOB_DONE);
	assert_int_equal(bed_alloc_count(&b, "web12"), 0);
}

static void test_resume_confirms(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	/* everything was there, only the proof went wrong: it is not done again */
	bed_setup(&b);
	fake_fault = (struct fake_fault){ 5, FAKE_VERIFY, ERR_OPERATOR, 0, 1 };
	assert_true(bed_run(&b, BED_FRESH, NULL, &err) < 0);
	free(bed_trace(&b));
	err_clear(&err);
	assert_ok(bed_run(&b, BED_RESUME, NULL, &err), &err);
	expect_trace(&b, "verify 5;" RAN(6) RAN(7) RAN(8) RAN(10) RAN(11) RAN(12));
}

static void test_verify_decides(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	/* run says 0, the proof does not: the phase is not done */
	bed_setup(&b);
	fake_fault = (struct fake_fault){ 4, FAKE_VERIFY, ERR_OPERATOR, 0, 0 };
	assert_true(bed_run(&b, BED_FRESH, NULL, &err) < 0);
	assert_string_equal(bed_journal(&b), "DDD.F........");
}

static void test_selection(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	bed_setup(&b);
	assert_ok(bed_run(&b, BED_FRESH, "1", &err), &err);
	expect_trace(&b, RAN(0) RAN(1));
	assert_int_equal(bed_job_state(&b), JOB_OPEN);
	assert_int_equal(bed_alloc_count(&b, "spot13"), 1);
	assert_err(bed_run(&b, BED_RESUME, "4", &err), &err, ERR_USAGE,
		   "phase 2 (fake-2) is not done");
	expect_trace(&b, "");
	assert_int_equal(bed_job_state(&b), JOB_OPEN);
	err_clear(&err);
	/* 1 again, for nothing later has begun; 3 does nothing in this mode */
	assert_ok(bed_run(&b, BED_RESUME, "1-3", &err), &err);
	expect_trace(&b, RAN(1) RAN(2));
	assert_ok(bed_run(&b, BED_RESUME, NULL, &err), &err);
	expect_trace(&b, RAN(4) RAN(5) RAN(6) RAN(7) RAN(8) RAN(10) RAN(11) RAN(12));
	assert_int_equal(bed_job_state(&b), JOB_DONE);
}

/* The proof of the first run says nothing about the second, which may have left half of its work. */
static void test_rerun_is_not_confirmed(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	bed_setup(&b);
	assert_ok(bed_run(&b, BED_FRESH, "1-2", &err), &err);
	fake_fault = (struct fake_fault){ 2, FAKE_RUN_BEFORE, ERR_OPERATOR, 0, 1 };
	assert_true(bed_run(&b, BED_RESUME, "2", &err) < 0);
	assert_string_equal(bed_journal(&b), "DDF..........");
	free(bed_trace(&b));
	err_clear(&err);
	assert_ok(bed_run(&b, BED_RESUME, "2", &err), &err);
	expect_trace(&b, RAN(2));
	/* killed inside: the same */
	const struct fake_fault kill = { 2, FAKE_RUN_HALF, ERR_NONE, SIGKILL, 1 };
	assert_int_equal(bed_run_child_select(&b, BED_RESUME, "2", &kill), 128 + SIGKILL);
	assert_string_equal(bed_journal(&b), "DDS..........");
	free(bed_trace(&b));
	assert_ok(bed_run(&b, BED_RESUME, "2", &err), &err);
	expect_trace(&b, RAN(2));
	assert_string_equal(bed_journal(&b), "DDD..........");
}

static void test_undo(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	bed_setup(&b);
	fake_fault = (struct fake_fault){ 5, FAKE_RUN_HALF, ERR_OPERATOR, 0, 1 };
	assert_true(bed_run(&b, BED_FRESH, NULL, &err) < 0);
	free(bed_trace(&b));
	err_clear(&err);
	assert_ok(bed_run(&b, BED_UNDO, NULL, &err), &err);
	expect_trace(&b, "undo 5;undo 4;undo 2;undo 1;undo 0;");
	assert_int_equal(bed_files(&b), 0);
	assert_int_equal(bed_job_state(&b), JOB_CLEANED);
	assert_int_equal(bed_alloc_count(&b, "web12"), 0);
	/* again, and again without the directory of all jobs */
	assert_ok(bed_run(&b, BED_UNDO, NULL, &err), &err);
	rmdir(b.cache);
	assert_ok(bed_run(&b, BED_UNDO, NULL, &err), &err);
	assert_err(bed_run(&b, BED_RESUME, NULL, &err), &err, ERR_OPERATOR,
		   "clean-up of this job has begun");
	/* and a new one may come */
	err_clear(&err);
	assert_ok(bed_run(&b, BED_FRESH, NULL, &err), &err);
}

static void test_undo_that_fails(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	bed_setup(&b);
	assert_ok(bed_run(&b, BED_FRESH, "1-5", &err), &err);
	fake_fault = (struct fake_fault){ 4, FAKE_UNDO_HALF, ERR_OPERATOR, 0, 1 };
	assert_err(bed_run(&b, BED_UNDO, NULL, &err), &err, ERR_OPERATOR,
		   "taking back phase 4 (fake-4): fake failure");
	has(err.remedy, "nimadm -C -T web12");
	/* half taken back: neither resumed nor started over */
	assert_err(bed_run(&b, BED_RESUME, NULL, &err), &err, ERR_OPERATOR, "clean-up");
	assert_err(bed_run(&b, BED_FRESH, NULL, &err), &err, ERR_OPERATOR,
		   "not finished");
	err_clear(&err);
	assert_ok(bed_run(&b, BED_UNDO, NULL, &err), &err);
	assert_int_equal(bed_files(&b), 0);
	assert_int_equal(bed_job_state(&b), JOB_CLEANED);
}

static void test_undo_keeps_a_result(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	bed_setup(&b);
	assert_ok(bed_run(&b, BED_FRESH, NULL, &err), &err);
	free(bed_trace(&b));
	assert_ok(bed_run(&b, BED_UNDO, NULL, &err), &err);
	expect_trace(&b, "");
	assert_int_equal(bed_job_state(&b), JOB_DONE);
}

static void test_undo_of_an_empty_job_directory(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	/* killed between the making of the directory and of its marker */
	bed_setup(&b);
	fake_fault = (struct fake_fault){ 1, FAKE_RUN_BEFORE, ERR_OPERATOR, 0, 1 };
	assert_true(bed_run(&b, BED_FRESH, NULL, &err) < 0);
	_cleanup_free_ char *marker = xasprintf("%s/nimadm-job-1/%s", b.cache,
						JOB_MARKER);
	assert_int_equal(unlink(marker), 0);
	err_clear(&err);
	assert_ok(bed_run(&b, BED_UNDO, NULL, &err), &err);
	_cleanup_free_ char *dir = xasprintf("%s/nimadm-job-1", b.cache);
	assert_false(files_exists(dir));
}

static void test_inhibited(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	bed_setup(&b);
	fake_fault = (struct fake_fault){ 0, FAKE_RUN_HALF, ERR_UNFIT, 0, 1 };
	assert_err(bed_run(&b, BED_FRESH, NULL, &err), &err, ERR_UNFIT, "fake failure");
	assert_int_equal(err_exit_status(err.kind), 3);
	assert_int_equal(bed_job_state(&b), JOB_INHIBITED);
	assert_int_equal(bed_files(&b), 0);
	assert_int_equal(bed_alloc_count(&b, "web12"), 0);
	_cleanup_free_ char *report = bed_report(&b, "json");
	has(report, "\"state\": \"inhibited\"");
	/* mended: resumed or started again, both go */
	err_clear(&err);
	free(bed_trace(&b));
	assert_ok(bed_run(&b, BED_RESUME, "0", &err), &err);
	expect_trace(&b, RAN(0));
	assert_ok(bed_run(&b, BED_UNDO, NULL, &err), &err);

	fake_fault = (struct fake_fault){ 0, FAKE_RUN_HALF, ERR_UNFIT, 0, 1 };
	assert_true(bed_run(&b, BED_FRESH, NULL, &err) < 0);
	err_clear(&err);
	assert_ok(bed_run(&b, BED_FRESH, NULL, &err), &err);
	assert_int_equal(bed_job_state(&b), JOB_DONE);
}

static void test_a_later_phase_does_not_inhibit(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	bed_setup(&b);
	fake_fault = (struct fake_fault){ 2, FAKE_CHECK, ERR_UNFIT, 0, 1 };
	assert_err(bed_run(&b, BED_FRESH, NULL, &err), &err, ERR_OPERATOR,
		   "fake failure");
	assert_int_equal(bed_job_state(&b), JOB_FAILED);
	err_clear(&err);
	assert_ok(bed_run(&b, BED_RESUME, NULL, &err), &err);
}

static void test_preview(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	bed_setup(&b);
	assert_ok(bed_run(&b, BED_PREVIEW, NULL, &err), &err);
	expect_trace(&b, RAN(0) "undo 0;");
	assert_int_equal(bed_job_state(&b), JOB_CLEANED);
	assert_int_equal(bed_files(&b), 0);
	assert_int_equal(bed_alloc_count(&b, "web12"), 0);
	/* one that fails or inhibits leaves as little */
	for (int i = 0; i < 2; i++) {
		enum err_kind kind = i ? ERR_OPERATOR : ERR_UNFIT;

		free(bed_trace(&b));
		fake_fault = (struct fake_fault){ 0, FAKE_RUN_HALF, kind, 0, 1 };
		assert_err(bed_run(&b, BED_PREVIEW, NULL, &err), &err, kind, "fake");
		assert_null(strstr(err.remedy, "--resume"));
		expect_trace(&b, "run 0;undo 0;");
		assert_int_equal(bed_job_state(&b), JOB_CLEANED);
		_cleanup_free_ char *report = bed_report(&b, "txt");
		has(report, "fake failure");
		err_clear(&err);
	}
	/* a preview is in nobody's way */
	assert_ok(bed_run(&b, BED_FRESH, NULL, &err), &err);
}

static void test_retry(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	/* phase 6 may be tried again: twice is not too often, thrice is */
	bed_setup(&b);
	fake_fault = (struct fake_fault){ 6, FAKE_RUN_BEFORE, ERR_TRANSIENT, 0, 2 };
	assert_ok(bed_run(&b, BED_FRESH, "1-6", &err), &err);
	expect_trace(&b, RAN(0) RAN(1) RAN(2) RAN(4) RAN(5) "run 6;run 6;" RAN(6));
	assert_ok(bed_run(&b, BED_UNDO, NULL, &err), &err);
	free(bed_trace(&b));
	fake_fault = (struct fake_fault){ 6, FAKE_RUN_BEFORE, ERR_TRANSIENT, 0, 3 };
	assert_err(bed_run(&b, BED_FRESH, "1-6", &err), &err, ERR_TRANSIENT, "fake");
	expect_trace(&b, RAN(0) RAN(1) RAN(2) RAN(4) RAN(5) "run 6;run 6;run 6;");
	err_clear(&err);
	assert_ok(bed_run(&b, BED_UNDO, NULL, &err), &err);
	/* other phases say nothing of it, and other errors do not go away */
	free(bed_trace(&b));
	fake_fault = (struct fake_fault){ 5, FAKE_RUN_BEFORE, ERR_TRANSIENT, 0, 1 };
	assert_true(bed_run(&b, BED_FRESH, NULL, &err) < 0);
	expect_trace(&b, RAN(0) RAN(1) RAN(2) RAN(4) "run 5;");
	err_clear(&err);
	fake_fault = (struct fake_fault){ 6, FAKE_RUN_BEFORE, ERR_OPERATOR, 0, 1 };
	assert_true(bed_run(&b, BED_RESUME, NULL, &err) < 0);
	expect_trace(&b, "verify 5;" RAN(5) "run 6;");
}

static void test_cancel(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };
	const struct fake_fault term = { 5, FAKE_RUN_HALF, ERR_NONE, SIGTERM, 1 };

	bed_setup(&b);
	assert_int_equal(bed_run_child(&b, BED_FRESH, 0, &term), 1);
	assert_string_equal(bed_journal(&b), "DDD.DF.......");
	assert_int_equal(bed_job_state(&b), JOB_CANCELLED);
	_cleanup_free_ char *report = bed_report(&b, "txt");
	has(report, "interrupted by SIGTERM");
	has(report, "nimadm --resume -T web12");
	has(report, "nimadm -C -T web12");
	free(bed_trace(&b));
	assert_ok(bed_run(&b, BED_RESUME, NULL, &err), &err);
	expect_trace(&b, "verify 5;" RAN(5) RAN(6) RAN(7) RAN(8) RAN(10) RAN(11) RAN(12));
}

static void test_lease(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };
	int ready[2], stop[2], status;
	char c;

	bed_setup(&b);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(stop), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct store *s = NULL;
		struct lease *l = NULL;
		close(stop[1]);
		if (store_open(&s, b.state, &err) < 0 ||
		    lease_take(&l, s, b.state, "web12", false, &err) < 0)
			_exit(2);
		if (write(ready[1], "x", 1) != 1)
			_exit(3);
		/* until the parent closes its end */
		_exit(read(stop[0], &c, 1) == 0 ? 0 : 4);
	}
	close(ready[1]);
	close(stop[0]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	_cleanup_free_ char *owner = xasprintf("process %d", (int)pid);
	assert_err(bed_run(&b, BED_FRESH, NULL, &err), &err, ERR_LOCKED, owner);
	assert_int_equal(err_exit_status(err.kind), 4);
	close(stop[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ready[0]);
	/* it ended without releasing: a dead owner is no owner */
	err_clear(&err);
	assert_ok(bed_run(&b, BED_FRESH, NULL, &err), &err);
}

static void set_state(struct bed *b, const char *object, const char *text)
{
	_cleanup_store_ struct store *s = NULL;
	struct err err = { 0 };

	assert_ok(store_open(&s, b->state, &err), &err);
	assert_ok(store_state_set(s, object, "Rstate", text, &err), &err);
}

/* An update of the spot may have begun after the command looked at it. */
static void test_resource_not_ready(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	bed_setup(&b);
	set_state(&b, "spot13", "unavailable for use");
	assert_err(bed_run(&b, BED_FRESH, NULL, &err), &err, ERR_OPERATOR,
		   "spot spot13 is unavailable for use");
	has(err.remedy, "nim -o check spot13; then nimadm --resume -T web12");
	expect_trace(&b, "");
	assert_int_equal(bed_alloc_count(&b, "lpp13"), 0);
	set_state(&b, "spot13", "ready for use");
	err_clear(&err);
	assert_ok(bed_run(&b, BED_RESUME, NULL, &err), &err);
	assert_int_equal(bed_job_state(&b), JOB_DONE);
}

/* What failed before anything was done is no job that another one has to wait for. */
static void test_a_failed_preflight_makes_way(void **state)
{
	_cleanup_bed_ struct bed b;
	struct err err = { 0 };

	bed_setup(&b);
	fake_fault = (struct fake_fault){ 0, FAKE_RUN_HALF, ERR_OPERATOR, 0, 1 };
	assert_err(bed_run(&b, BED_FRESH, NULL, &err), &err, ERR_OPERATOR,
		   "fake failure");
	assert_int_equal(bed_job_state(&b), JOB_FAILED);
	assert_int_equal(bed_files(&b), 0);
	assert_int_equal(bed_alloc_count(&b, "web12"), 0);
	err_clear(&err);
	assert_ok(bed_run(&b, BED_FRESH, "0-1", &err), &err);
	assert_int_equal(bed_job_state(&b), JOB_OPEN);
	/* one that has done something does not */
	assert_err(bed_run(&b, BED_FRESH, NULL, &err), &err, ERR_OPERATOR,
		   "is not finished");
	err_clear(&err);
	assert_ok(bed_run(&b, BED_RESUME, NULL, &err), &err);

	/* where nothing has begun yet */
	set_state(&b, "spot13", "unavailable for use");
	assert_true(bed_run(&b, BED_FRESH, NULL, &err) < 0);
	set_state(&b, "spot13", "ready for use");
	err_clear(&err);
	assert_ok(bed_run(&b, BED_FRESH, NULL, &err), &err);
	assert_int_equal(bed_job_state(&b), JOB_DONE);
}

static void test_spec_round_trip(void **state)
{
	struct job_spec spec = { .mode = 'D',
				 .subject = xstrdup("a\"b"),
				 .update = true };
	struct job_spec back;
	struct err err = { 0 };

	strv_add_all(&spec.resources, "x", "y", NULL);
	json_t *j = job_spec_to_json(&spec);
	assert_ok(job_spec_from_json(&back, j, &err), &err);
	json_decref(j);
	assert_int_equal(back.mode, 'D');
	assert_string_equal(back.subject, "a\"b");
	assert_string_equal(back.bundle_file, "");
	assert_true(back.update);
	assert_false(back.force);
	assert_int_equal(back.resources.n, 2);
	assert_string_equal(back.resources.v[1], "y");
	job_spec_done(&back);
	job_spec_done(&spec);
	j = json_object();
	assert_err(job_spec_from_json(&back, j, &err), &err, ERR_INTERNAL, "mode");
	json_decref(j);
}

static void sleep_ms(unsigned ms)
{
	const struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

/* The heartbeat notices that another process has broken the lease: the job must not go on. */
static void test_a_lost_lease_is_noticed(void **state)
{
	_cleanup_bed_ struct bed b;
	_cleanup_store_ struct store *s = NULL;
	_cleanup_lease_ struct lease *l = NULL;
	struct err err = { 0 };
	int tries = 0;

	bed_setup(&b);
	assert_ok(store_open(&s, b.state, &err), &err);
	lease_set_interval(20);
	assert_ok(lease_take(&l, s, b.state, "web12", false, &err), &err);
	sleep_ms(100);
	assert_ok(lease_check(l, &err), &err);
	/* as if it were gone */
	assert_ok(store_lease_release(s, "web12", &err), &err);
	while (lease_check(l, &err) == 0 && tries++ < 200)
		sleep_ms(20);
	assert_int_equal(err.kind, ERR_LOCKED);
	has(err.msg, "web12");
	lease_set_interval(15000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_job),
		cmocka_unit_test(test_failure_and_resume),
		cmocka_unit_test(test_resume_confirms),
		cmocka_unit_test(test_verify_decides),
		cmocka_unit_test(test_selection),
		cmocka_unit_test(test_rerun_is_not_confirmed),
		cmocka_unit_test(test_undo),
		cmocka_unit_test(test_undo_that_fails),
		cmocka_unit_test(test_undo_keeps_a_result),
		cmocka_unit_test(test_undo_of_an_empty_job_directory),
		cmocka_unit_test(test_inhibited),
		cmocka_unit_test(test_a_later_phase_does_not_inhibit),
		cmocka_unit_test(test_preview),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_resource_not_ready),
		cmocka_unit_test(test_a_failed_preflight_makes_way),
		cmocka_unit_test(test_spec_round_trip),
		cmocka_unit_test(test_lease),
		cmocka_unit_test(test_a_lost_lease_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
