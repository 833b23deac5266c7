/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What -P accepts, and what is done with each phase of a job in every state of its journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/planner.h"

/* Phases 0, 1, 2, 4 and 5 work in mode D; the others do not. */
#define PHASE(n, m)                                                                      \
	{                                                                                \
		.number = n, .name = "fake-" #n, .title = "Fake", .modes = m             \
	}
static const struct phase fakes[PHASE_COUNT] = {
	PHASE(0, "D"), PHASE(1, "AD"), PHASE(2, "D"), PHASE(3, "A"), PHASE(4, "D"),
	PHASE(5, "D"), PHASE(6, ""),   PHASE(7, ""),  PHASE(8, ""),  PHASE(9, ""),
	PHASE(10, ""), PHASE(11, ""),  PHASE(12, ""),
};
static const struct phase *table[PHASE_COUNT];

static int setup(void **state)
{
	for (int p = 0; p < PHASE_COUNT; p++)
		table[p] = &fakes[p];
	return 0;
}

static void expect_selection(const char *text, const char *want)
{
	struct err err = { 0 };
	struct selection s;
	char got[PHASE_COUNT + 1] = { 0 };

	assert_int_equal(selection_parse(&s, text, &err), 0);
	for (int p = 0; p < PHASE_COUNT; p++)
		got[p] = s.on[p] ? '#' : '.';
	assert_string_equal(got, want);
}

static void test_selection(void **state)
{
	expect_selection("5", ".....#.......");
	expect_selection("4-8", "....#####....");
	expect_selection("1,2,3", ".###.........");
	expect_selection("1,4-6,12", ".#..###.....#");
	expect_selection("0", "#............");
	expect_selection("1 2", ".##..........");
	expect_selection("all", "#############");
}

static void test_selection_bad(void **state)
{
	static const char *const bad[] = { "",	  "13",	  "x",	 "1-", "-1", "4-13",
					   "8-4", "1,,x", "1;2", "+1", "1.5" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = { 0 };
		struct selection s;

		assert_int_equal(selection_parse(&s, bad[i], &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.msg, "-P"));
		assert_true(*err.remedy);
	}
}

/* "D" done, "S" started, "F" failed, "U" undone, "." never run; one letter a phase. */
static void journal_of(const char *text, struct journal_row rows[PHASE_COUNT])
{
	static const char letters[] = ".SDFU";

	for (int p = 0; p < PHASE_COUNT; p++) {
		char c = p < (int)strlen(text) ? text[p] : '.';
		rows[p] = (struct journal_row){
			.phase = p,
			.state = (enum journal_state)(strchr(letters, c) - letters),
		};
	}
}

static int plan(const char *journal, const char *select, char got[PHASE_COUNT + 1],
		struct err *err)
{
	static const char letters[] = {
		[PLAN_LEAVE] = '.',  [PLAN_SKIP] = 's', [PLAN_KEEP] = 'k',
		[PLAN_RESUME] = 'v', [PLAN_RUN] = 'r',
	};
	struct journal_row rows[PHASE_COUNT];
	struct selection s;
	struct plan p;

	journal_of(journal, rows);
	assert_int_equal(selection_parse(&s, select, err), 0);
	if (planner_plan(&p, table, 'D', rows, &s, "-T web12", err) < 0)
		return -1;
	for (int i = 0; i < PHASE_COUNT; i++)
		got[i] = letters[p.action[i]];
	got[PHASE_COUNT] = '\0';
	return 0;
}

static void test_plan(void **state)
{
	static const struct {
		const char *journal, *select, *want;
	} cases[] = {
		{ "", "all", "rrrsrrsssssss" },
		{ "DD", "all", "kkrsrrsssssss" },
		{ "DDD.D", "all", "kkkskrsssssss" },
		/* interrupted and failed phases are verified first */
		{ "DDS", "all", "kkvsrrsssssss" },
		{ "DDF", "all", "kkvsrrsssssss" },
		/* the pre-flight proves itself by running */
		{ "S", "all", "rrrsrrsssssss" },
		{ "F", "all", "rrrsrrsssssss" },
		{ "U", "all", "rrrsrrsssssss" },
		/* the pre-flight comes with every selection */
		{ "", "1", "rr..........." },
		{ "", "0", "r............" },
		{ "D", "1", "kr..........." },
		{ "DD", "2", "k.r.........." },
		{ "DDD", "3-4", "k..sr........" },
		/* asked for by number: again, while nothing later has begun */
		{ "DD", "1", "kr..........." },
		{ "DDF", "2", "k.v.........." },
		{ "DDD.DD", "all", "kkkskksssssss" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = { 0 };
		char got[PHASE_COUNT + 1];

		assert_int_equal(plan(cases[i].journal, cases[i].select, got, &err), 0);
		assert_string_equal(got, cases[i].want);
	}
}

static void test_plan_refused(void **state)
{
	static const struct {
		const char *journal, *select, *says, *remedy;
	} cases[] = {
		{ "", "5", "phase 1 (fake-1) is not done", "nimadm -P 1 -T web12" },
		{ "DD", "4", "phase 2 (fake-2) is not done", "nimadm -P 2 -T web12" },
		{ "DD", "5,4", "phase 2 (fake-2) is not done", "-P 2-4" },
		{ "DDF", "4", "phase 2 (fake-2) is not done", "nimadm -P 2 -T web12" },
		{ "DDD", "1", "phase 2 (fake-2) has begun since", "nimadm -C -T web12" },
		{ "DDS", "1", "phase 2 (fake-2) has begun since",
		  "nimadm --resume -T web12" },
		{ "DDD.D", "2-5", "can not be run again", "nimadm --resume -T web12" },
		{ "DDU", "all", "clean-up of this job has begun", "nimadm -C -T web12" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = { 0 };
		char got[PHASE_COUNT + 1];

		assert_int_equal(plan(cases[i].journal, cases[i].select, got, &err), -1);
		assert_int_equal(err.kind, strchr(cases[i].journal, 'U') ? ERR_OPERATOR
									 : ERR_USAGE);
		if (!strstr(err.msg, cases[i].says))
			fail_msg("case %zu: %s", i, err.msg);
		if (!strstr(err.remedy, cases[i].remedy))
			fail_msg("case %zu: %s", i, err.remedy);
	}
}

static void test_complete(void **state)
{
	struct journal_row rows[PHASE_COUNT];

	journal_of("DDD.DD", rows);
	assert_true(planner_complete(table, 'D', rows));
	journal_of("DDD.DF", rows);
	assert_false(planner_complete(table, 'D', rows));
	journal_of("DDD.D", rows);
	assert_false(planner_complete(table, 'D', rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selection), cmocka_unit_test(test_selection_bad),
		cmocka_unit_test(test_plan),	  cmocka_unit_test(test_plan_refused),
		cmocka_unit_test(test_complete),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
