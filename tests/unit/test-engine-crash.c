/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SIGKILL at every journal write and in every half of every phase: what comes next converges. */
#include <signal.h>

#include "engine-bed.h"

#include "sys/files.h"

#define KILLED (128 + SIGKILL)
/* A whole job of 11 phases writes "started" and "done" for each. */
#define JOURNAL_WRITES 22
#define ALL_FILES      22

static void expect_done(struct bed *b, const char *when, unsigned n)
{
	if (bed_job_state(b) != JOB_DONE || bed_files(b) != ALL_FILES ||
	    strcmp(bed_journal(b), "DDD.DDDDD.DDD") != 0)
		fail_msg("killed %s %u: %zu files, journal %s", when, n, bed_files(b),
			 bed_journal(b));
	assert_int_equal(bed_alloc_count(b, "web12"), 0);
}

static void expect_clean(struct bed *b, const char *when, unsigned n)
{
	_cleanup_free_ char *dir = xasprintf("%s/nimadm-job-1", b->cache);

	if (bed_job_state(b) != JOB_CLEANED || bed_files(b) != 0 || files_exists(dir))
		fail_msg("killed %s %u: %zu files, journal %s", when, n, bed_files(b),
			 bed_journal(b));
	assert_int_equal(bed_alloc_count(b, "web12"), 0);
}

static void test_resume_after_every_journal_write(void **state)
{
	for (unsigned n = 1; n <= JOURNAL_WRITES; n++) {
		_cleanup_bed_ struct bed b;

		bed_setup(&b);
		assert_int_equal(bed_run_child(&b, BED_FRESH, n, NULL), KILLED);
		assert_int_equal(bed_run_child(&b, BED_RESUME, 0, NULL), 0);
		expect_done(&b, "at journal write", n);
	}
	/* and there is no other */
	_cleanup_bed_ struct bed b;
	bed_setup(&b);
	assert_int_equal(bed_run_child(&b, BED_FRESH, JOURNAL_WRITES + 1, NULL), 0);
}

/* Each resume gets one journal write further and is killed again. */
static void test_killed_again_and_again(void **state)
{
	_cleanup_bed_ struct bed b;
	unsigned kills = 1;

	bed_setup(&b);
	assert_int_equal(bed_run_child(&b, BED_FRESH, 1, NULL), KILLED);
	while (bed_run_child(&b, BED_RESUME, 2, NULL) == KILLED)
		assert_true(++kills < 100);
	assert_true(kills > 8);
	expect_done(&b, "again", kills);
}

static void test_undo_after_every_journal_write(void **state)
{
	for (unsigned n = 1; n <= JOURNAL_WRITES; n++) {
		_cleanup_bed_ struct bed b;

		bed_setup(&b);
		assert_int_equal(bed_run_child(&b, BED_FRESH, n, NULL), KILLED);
		assert_int_equal(bed_run_child(&b, BED_UNDO, 0, NULL), 0);
		expect_clean(&b, "at journal write", n);
		assert_int_equal(bed_run_child(&b, BED_FRESH, 0, NULL), 0);
		expect_done(&b, "and cleaned up at", n);
	}
}

static void test_undo_killed_after_every_journal_write(void **state)
{
	unsigned n = 1;

	for (;; n++) {
		_cleanup_bed_ struct bed b;

		bed_setup(&b);
		/* killed after phase 7 is done, before 8 */
		assert_int_equal(bed_run_child(&b, BED_FRESH, 14, NULL), KILLED);
		int rc = bed_run_child(&b, BED_UNDO, n, NULL);
		if (rc == 0)
			break;
		assert_int_equal(rc, KILLED);
		/* half taken back: to be resumed is refused, to be taken back is not */
		assert_int_equal(bed_run_child(&b, BED_RESUME, 0, NULL), 1);
		assert_int_equal(bed_run_child(&b, BED_UNDO, 0, NULL), 0);
		expect_clean(&b, "in the clean-up at", n);
	}
	assert_int_equal(n, 2 * 7 + 1);
}

/* Not at a journal write, but in the midst of what a phase does. */
static void test_killed_inside_phases(void **state)
{
	static const enum fake_where places[] = { FAKE_CHECK, FAKE_RUN_BEFORE,
						  FAKE_RUN_HALF, FAKE_RUN_AFTER,
						  FAKE_VERIFY };

	for (int p = 0; p < PHASE_COUNT; p++) {
		if (p == 3 || p == 9)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
			struct fake_fault fault = { p, places[i], ERR_NONE, SIGKILL, 1 };
			_cleanup_bed_ struct bed b;

			bed_setup(&b);
			assert_int_equal(bed_run_child(&b, BED_FRESH, 0, &fault), KILLED);
			assert_int_equal(bed_run_child(&b, BED_RESUME, 0, NULL), 0);
			expect_done(&b, "in phase", (unsigned)p);
		}
	}
}

static void test_killed_inside_undo(void **state)
{
	static const enum fake_where places[] = { FAKE_UNDO_BEFORE, FAKE_UNDO_HALF,
						  FAKE_UNDO_AFTER };

	for (int p = 0; p <= 5; p++) {
		if (p == 3)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
			struct fake_fault stop = { 5, FAKE_RUN_HALF, ERR_NONE, SIGKILL,
						   1 };
			struct fake_fault fault = { p, places[i], ERR_NONE, SIGKILL, 1 };
			_cleanup_bed_ struct bed b;

			bed_setup(&b);
			assert_int_equal(bed_run_child(&b, BED_FRESH, 0, &stop), KILLED);
			assert_int_equal(bed_run_child(&b, BED_UNDO, 0, &fault), KILLED);
			/* what is half taken back is not gone on with */
			assert_int_equal(bed_run_child(&b, BED_RESUME, 0, NULL), 1);
			assert_int_equal(bed_run_child(&b, BED_UNDO, 0, NULL), 0);
			expect_clean(&b, "in the clean-up of phase", (unsigned)p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resume_after_every_journal_write),
		cmocka_unit_test(test_killed_again_and_again),
		cmocka_unit_test(test_undo_after_every_journal_write),
		cmocka_unit_test(test_undo_killed_after_every_journal_write),
		cmocka_unit_test(test_killed_inside_phases),
		cmocka_unit_test(test_killed_inside_undo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
