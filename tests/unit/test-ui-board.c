/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of many jobs: from events that another process told, as lines, in files, in order. */
#include "test.h"

#include <jansson.h>

#include "ui/block.h"
#include "ui/ui.h"

static const unsigned weights[METER_PHASES] = { [0] = 10, [3] = 30, [6] = 60 };

static void tell(struct board_row *r, struct meter *m, const char *text, double now)
{
	json_t *o = json_loads(text, 0, NULL);
	struct event ev;

	assert_non_null(o);
	assert_true(event_from_json(&ev, o));
	board_event(r, m, &ev, now);
	json_decref(o);
}

static void test_events(void **state)
{
	_cleanup_(board_row_done) struct board_row r = { 0 };
	_cleanup_str_ struct str line = STR_INIT;
	struct meter m;

	meter_init(&m, weights);
	board_set(&r.client, "web01");
	tell(&r, &m, "{\"event\":\"job-begin\",\"job\":7,\"client\":\"web01\"}", 0);
	tell(&r, &m,
	     "{\"event\":\"phase-begin\",\"phase\":3,\"phase_name\":\"mount\",\"text\":\"Pull\"}",
	     1);
	tell(&r, &m,
	     "{\"event\":\"progress\",\"phase\":3,\"phase_name\":\"mount\",\"unit\":\"bytes\","
	     "\"done\":50,\"total\":100}",
	     2);
	assert_int_equal(r.percent, meter_percent(&m));
	assert_true(r.percent > 0);
	tell(&r, &m, "{\"event\":\"step\",\"text\":\"Now \\u001b[2Jthis\"}", 3);
	board_line(&r, 8, 79, &line);
	assert_non_null(strstr(line.p, "web01"));
	assert_non_null(strstr(line.p, "3 mount"));
	assert_non_null(strstr(line.p, "this"));
	assert_null(strchr(line.p, '\033'));
	tell(&r, &m,
	     "{\"event\":\"job-end\",\"job\":7,\"state\":\"failed\",\"seconds\":5}", 4);
	assert_string_equal(r.state, "failed");
}

static void test_no_event(void **state)
{
	static const char *const texts[] = { "[]", "{}", "7", "{\"event\":7}",
					     "{\"event\":\"other\"}" };
	struct event ev;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_t *o = json_loads(texts[i], JSON_DECODE_ANY, NULL);
		assert_false(event_from_json(&ev, o));
		json_decref(o);
	}
}

static void test_file(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *path = xasprintf("%s/now", dir);
	_cleanup_(board_row_done) struct board_row back = { 0 };
	struct events events = { .job = 7, .client = "web01" };
	struct event_sink *sink;
	struct err err = { 0 };
	char text[1024];

	assert_ok(ui_now(&sink, path, weights, &err), &err);
	events_add_sink(&events, sink);
	events.phase = 6;
	events.phase_name = "packages";
	struct event begin = { .type = EVENT_PHASE_BEGIN,
			       .text = "a longer text than that" };
	events_emit(&events, &begin);
	events_step(&events, "short");
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	size_t n = fread(text, 1, sizeof(text), f);
	assert_true(board_row_read(&back, text, n));
	assert_string_equal(back.client, "web01");
	assert_string_equal(back.phase, "6 packages");
	assert_string_equal(back.action, "short");
	assert_false(board_row_read(&back, "", 0));
	assert_false(board_row_read(&back, "{\"client\":", 10));
	events_done(&events);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void test_order(void **state)
{
	struct board_row rows[4] = { 0 };
	const struct board b = { rows, 4 };
	static const char *const states[] = { "done", "running", "failed", "waiting" };
	_cleanup_str_ struct str sum = STR_INIT;

	for (size_t i = 0; i < 4; i++) {
		board_set(&rows[i].client, "x");
		board_set(&rows[i].state, states[i]);
	}
	_cleanup_free_ size_t *order = board_order(&b);
	const size_t want[] = { 2, 1, 3, 0 };
	assert_memory_equal(order, want, sizeof(want));
	board_sum(&b, &sum);
	assert_string_equal(sum.p, "1 failed, 1 running, 1 waiting, 1 done");
	for (size_t i = 0; i < 4; i++)
		board_row_done(&rows[i]);
}

/* What is drawn again begins where the last drawing began. */
static void test_block(void **state)
{
	struct board_row rows[2] = { 0 };
	const struct board b = { rows, 2 };
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	struct block k = { .out = out };

	board_set(&rows[0].client, "one");
	board_set(&rows[1].client, "two");
	block_draw(&k, &b);
	assert_int_equal(k.drawn, 3);
	block_print(&k, "stays");
	assert_int_equal(k.drawn, 0);
	block_draw(&k, &b);
	block_draw(&k, &b);
	fclose(out);
	const char *up = strstr(text, "\033[3A");
	assert_non_null(up);
	assert_non_null(strstr(up, "stays"));
	assert_non_null(strstr(up + 1, "\033[3A"));
	free(text);
	for (size_t i = 0; i < 2; i++)
		board_row_done(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events), cmocka_unit_test(test_no_event),
		cmocka_unit_test(test_file),   cmocka_unit_test(test_order),
		cmocka_unit_test(test_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
