/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Percent, rate and remaining time, by a clock that the test turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ui/meter.h"

/* 0: 10, 3: 30, 6: 60 of 100 */
static const unsigned weights[METER_PHASES] = { [0] = 10, [3] = 30, [6] = 60 };

static void phase(struct meter *m, enum event_type type, int n, double now)
{
	struct event ev = {
		.type = type, .phase = n, .phase_name = "x", .state = "done"
	};

	meter_event(m, &ev, now);
}

static void count(struct meter *m, enum progress_unit unit, uint64_t done, uint64_t total,
		  double now)
{
	struct event ev = {
		.type = EVENT_PROGRESS, .unit = unit, .done = done, .total = total
	};

	meter_event(m, &ev, now);
}

static void test_percent_by_weight(void **state)
{
	struct meter m;

	meter_init(&m, weights);
	assert_int_equal(meter_percent(&m), 0);
	phase(&m, EVENT_PHASE_BEGIN, 0, 0);
	phase(&m, EVENT_PHASE_END, 0, 1);
	assert_int_equal(meter_percent(&m), 10);
	phase(&m, EVENT_PHASE_BEGIN, 3, 1);
	/* half of the first series: 3/8 of 30 */
	count(&m, PROGRESS_BYTES, 500, 1000, 2);
	assert_int_equal(meter_percent(&m), 21);
	count(&m, PROGRESS_BYTES, 1000, 1000, 3);
	assert_int_equal(meter_percent(&m), 32);
	phase(&m, EVENT_PHASE_END, 3, 4);
	assert_int_equal(meter_percent(&m), 40);
	phase(&m, EVENT_PHASE_BEGIN, 6, 4);
	phase(&m, EVENT_PHASE_END, 6, 5);
	assert_int_equal(meter_percent(&m), 100);
}

static void test_a_resumed_job_starts_where_it_is(void **state)
{
	struct meter m;

	meter_init(&m, weights);
	phase(&m, EVENT_PHASE_BEGIN, 6, 0);
	assert_int_equal(meter_percent(&m), 40);
}

static void test_never_back(void **state)
{
	struct meter m;
	int last = 0;

	meter_init(&m, weights);
	phase(&m, EVENT_PHASE_BEGIN, 6, 0);
	for (int series = 0; series < 4; series++) {
		for (uint64_t n = 0; n <= 10; n++) {
			count(&m, PROGRESS_PACKAGES, n, 10 + (uint64_t)series,
			      series * 10 + (double)n);
			assert_true(meter_percent(&m) >= last);
			last = meter_percent(&m);
		}
	}
	assert_in_range(last, 90, 99);
}

static void test_a_failed_phase_does_not_count_as_done(void **state)
{
	struct meter m;
	struct event ev = { .type = EVENT_PHASE_END, .phase = 3, .state = "failed" };

	meter_init(&m, weights);
	phase(&m, EVENT_PHASE_BEGIN, 3, 0);
	meter_event(&m, &ev, 1);
	assert_int_equal(meter_percent(&m), 10);
}

static void test_eta(void **state)
{
	struct meter m;

	meter_init(&m, weights);
	phase(&m, EVENT_PHASE_BEGIN, 0, 0);
	assert_true(meter_eta(&m, 0) < 0);
	phase(&m, EVENT_PHASE_END, 0, 10);
	/* 10 % in 10 s: 90 s are left, and fewer while time passes */
	assert_float_equal(meter_eta(&m, 10), 90, 0.5);
	assert_float_equal(meter_eta(&m, 20), 80, 0.5);
	/* a steady job keeps its promise */
	phase(&m, EVENT_PHASE_BEGIN, 3, 10);
	phase(&m, EVENT_PHASE_END, 3, 40);
	assert_float_equal(meter_eta(&m, 40), 60, 0.5);

	meter_init(&m, weights);
	phase(&m, EVENT_PHASE_BEGIN, 0, 0);
	phase(&m, EVENT_PHASE_END, 0, 50 * 3600);
	assert_true(meter_eta(&m, 50 * 3600) < 0);
}

/* A machine that starts again takes minutes in which nothing is counted. */
static void test_eta_after_a_standstill(void **state)
{
	struct event step = { .type = EVENT_STEP };
	struct meter m;

	meter_init(&m, weights);
	phase(&m, EVENT_PHASE_BEGIN, 0, 0);
	phase(&m, EVENT_PHASE_END, 0, 10);
	phase(&m, EVENT_PHASE_BEGIN, 3, 10);
	phase(&m, EVENT_PHASE_END, 3, 40);
	phase(&m, EVENT_PHASE_BEGIN, 6, 40);
	for (int s = 40; s <= 85; s++)
		count(&m, PROGRESS_PACKAGES, (uint64_t)s - 40, 45, s);
	assert_int_equal(meter_percent(&m), 85);
	meter_event(&m, &step, 445);
	/* 85 % in 445 s: at that pace 79 s are left */
	assert_in_range((uintmax_t)meter_eta(&m, 445), 79, 4 * 79);
}

static void test_rate(void **state)
{
	_cleanup_str_ struct str text = STR_INIT;
	struct meter m;

	meter_init(&m, weights);
	phase(&m, EVENT_PHASE_BEGIN, 3, 0);
	for (int s = 0; s <= 5; s++)
		count(&m, PROGRESS_BYTES, (uint64_t)s * 12300000, 123000000, s);
	meter_rate_text(&m, &text);
	assert_string_equal(str_c(&text), "12.3 MB/s");
	str_reset(&text);
	for (int s = 0; s <= 5; s++)
		count(&m, PROGRESS_PACKAGES, (uint64_t)s * 4, 300, 10 + s);
	meter_rate_text(&m, &text);
	assert_string_equal(str_c(&text), "4.0 packages/s");
	str_reset(&text);
	meter_text(&m, "mount", 15, &text);
	assert_non_null(strstr(str_c(&text), "3/6 mount  "));
	assert_non_null(strstr(str_c(&text), "%  4.0 packages/s  ETA "));
}

/* nim's operations have no phases: what is counted is shown, one series after the other. */
/* What the phase before has counted in the same unit is not less than nothing of this one. */
static void test_rate_of_a_new_phase(void **state)
{
	_cleanup_str_ struct str text = STR_INIT;
	struct meter m;

	meter_init(&m, weights);
	phase(&m, EVENT_PHASE_BEGIN, 0, 0);
	count(&m, PROGRESS_BYTES, 0, 0, 0);
	count(&m, PROGRESS_BYTES, 5000000, 0, 1);
	phase(&m, EVENT_PHASE_END, 0, 2);
	phase(&m, EVENT_PHASE_BEGIN, 3, 2);
	count(&m, PROGRESS_BYTES, 1000, 0, 3);
	meter_rate_text(&m, &text);
	assert_string_equal(str_c(&text), "");
	count(&m, PROGRESS_BYTES, 3001000, 0, 4);
	meter_rate_text(&m, &text);
	assert_string_equal(str_c(&text), "3.0 MB/s");
}

static void test_without_phases(void **state)
{
	static const unsigned none[METER_PHASES] = { 0 };
	_cleanup_str_ struct str text = STR_INIT;
	struct meter m;

	meter_init(&m, none);
	meter_text(&m, NULL, 0, &text);
	assert_string_equal(str_c(&text), "");
	for (int s = 0; s <= 10; s++)
		count(&m, PROGRESS_BYTES, (uint64_t)s * 1000000, 40000000, s);
	meter_text(&m, NULL, 10, &text);
	assert_string_equal(str_c(&text), "25%  1.0 MB/s  ETA 30s");
	str_reset(&text);
	count(&m, PROGRESS_PACKAGES, 1, 2, 11);
	meter_text(&m, NULL, 11, &text);
	assert_string_equal(str_c(&text), "50%");
}

/* A clone is counted while it is copied: what was done by then is not the speed of what is left. */
static void test_a_total_that_comes_late(void **state)
{
	static const unsigned none[METER_PHASES] = { 0 };
	struct meter m;

	meter_init(&m, none);
	for (int s = 0; s <= 40; s++)
		count(&m, PROGRESS_BYTES, (uint64_t)s * 1000000, 0, s);
	for (int s = 41; s <= 60; s++)
		count(&m, PROGRESS_BYTES, (uint64_t)s * 1000000, 100000000, s);
	assert_int_equal(meter_percent(&m), 60);
	assert_float_equal(meter_eta(&m, 60), 40, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percent_by_weight),
		cmocka_unit_test(test_a_resumed_job_starts_where_it_is),
		cmocka_unit_test(test_never_back),
		cmocka_unit_test(test_a_failed_phase_does_not_count_as_done),
		cmocka_unit_test(test_eta),
		cmocka_unit_test(test_eta_after_a_standstill),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_rate_of_a_new_phase),
		cmocka_unit_test(test_without_phases),
		cmocka_unit_test(test_a_total_that_comes_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
