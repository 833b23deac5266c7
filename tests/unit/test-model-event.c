/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events reach every sink, progress is limited, the JSON form is stable; findings survive JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/event.h"
#include "model/json.h"

struct count_sink {
	struct event_sink sink;
	unsigned n, progress;
	uint64_t last_done;
	char text[64];
	int phase;
};

static void count_emit(struct event_sink *sink, const struct event *ev)
{
	struct count_sink *c = (struct count_sink *)sink;

	c->n++;
	c->phase = ev->phase;
	c->progress += ev->type == EVENT_PROGRESS;
	c->last_done = ev->done;
	if (ev->text)
		snprintf(c->text, sizeof(c->text), "%s", ev->text);
}

static void test_sinks(void **state)
{
	struct count_sink a = { .sink.emit = count_emit }, b = a;
	struct events evs = { 0 };

	events_add_sink(&evs, &a.sink);
	events_add_sink(&evs, &b.sink);
	events_step(&evs, "Merging %s", "/etc/hosts");
	assert_int_equal(a.n, 1);
	assert_int_equal(b.n, 1);
	assert_string_equal(a.text, "Merging /etc/hosts");
	assert_int_equal(a.phase, -1);
	evs.phase = 5;
	evs.phase_name = "prepare";
	events_warning(&evs, "odd");
	assert_int_equal(b.phase, 5);
	events_done(&evs);
	events_step(NULL, "nothing happens");
	assert_int_equal(a.n, 2);
}

static void test_progress_limit(void **state)
{
	struct count_sink a = { .sink.emit = count_emit };
	struct events evs = { 0 };
	struct progress p;

	events_add_sink(&evs, &a.sink);
	p = events_progress(&evs);
	for (uint64_t i = 1; i <= 100000; i++)
		progress_report(&p, PROGRESS_BYTES, i, 100000, NULL);
	/* The first, the last, and one each tenth of a second between them. */
	assert_true(a.progress >= 2);
	assert_true(a.progress < 100);
	assert_int_equal(a.last_done, 100000);
	a.progress = 0;
	progress_report(&p, PROGRESS_BYTES, 100000, 100000, NULL);
	assert_int_equal(a.progress, 0);
	progress_report(&p, PROGRESS_FILES, 3, 3, NULL);
	assert_int_equal(a.last_done, 3);
	events_done(&evs);
}

static void test_json(void **state)
{
	struct event ev = { .type = EVENT_PHASE_END,
			    .job = 7,
			    .client = "web01",
			    .phase = 6,
			    .phase_name = "packages",
			    .state = "done",
			    .seconds = 1.5 };
	json_t *j = event_to_json(&ev, "2026-01-02T03:04:05.678Z");

	assert_string_equal(json_string_value(json_object_get(j, "event")), "phase-end");
	assert_string_equal(json_string_value(json_object_get(j, "ts")),
			    "2026-01-02T03:04:05.678Z");
	assert_int_equal(json_integer_value(json_object_get(j, "job")), 7);
	assert_int_equal(json_integer_value(json_object_get(j, "phase")), 6);
	assert_string_equal(json_string_value(json_object_get(j, "client")), "web01");
	assert_true(json_is_real(json_object_get(j, "seconds")));
	json_decref(j);

	/* The five fields that every event has are there, and a broken byte loses no event. */
	ev = (struct event){ .type = EVENT_OUTPUT,
			     .phase = -1,
			     .text = "caf\xe9 \xe2\x82\xac" };
	j = event_to_json(&ev, "x");
	assert_true(json_is_null(json_object_get(j, "job")));
	assert_true(json_is_null(json_object_get(j, "client")));
	assert_true(json_is_null(json_object_get(j, "phase")));
	assert_string_equal(json_string_value(json_object_get(j, "text")),
			    "caf\xef\xbf\xbd \xe2\x82\xac");
	json_decref(j);
}

static void test_names(void **state)
{
	for (int i = 0; i < EVENT_TYPE_COUNT_; i++)
		assert_true(strlen(event_type_name((enum event_type)i)) > 3);
	assert_string_equal(progress_unit_name(PROGRESS_STEPS), "steps");
}

static void test_findings(void **state)
{
	struct findings fs = FINDINGS_INIT, back = FINDINGS_INIT;
	json_t *j;

	findings_add(&fs, "dpkg.held", FINDING_WARN, "Held packages", "foo\nbar",
		     "apt-mark unhold foo bar");
	findings_add(&fs, "arch", FINDING_PASS, "Architecture", NULL, NULL);
	assert_int_equal(findings_count(&fs, FINDING_WARN), 1);
	assert_int_equal(findings_count(&fs, FINDING_INHIBIT), 0);
	j = findings_to_json(&fs);
	assert_int_equal(findings_from_json(&back, j), 0);
	assert_int_equal(back.n, 2);
	assert_string_equal(back.v[0].evidence, "foo\nbar");
	assert_int_equal(back.v[0].severity, FINDING_WARN);
	assert_string_equal(back.v[1].remedy, "");
	json_object_set_new(json_array_get(j, 0), "severity", json_string("BAD"));
	assert_int_equal(findings_from_json(&back, j), -1);
	assert_int_equal(findings_from_json(&back, NULL), -1);
	json_decref(j);
	findings_done(&fs);
	findings_done(&back);
}

static void test_members(void **state)
{
	_cleanup_json_ json_t *o = json_loads(
		"{\"text\": \"words\", \"n\": 12, \"as_text\": \"4096\", \"below\": -1,"
		" \"list\": [\"a\", 3, \"b\"]}",
		0, NULL);
	_cleanup_strv_ struct strv list = STRV_INIT;

	assert_string_equal(json_field(o, "text"), "words");
	assert_string_equal(json_field(o, "n"), "");
	assert_string_equal(json_field(o, "absent"), "");
	assert_string_equal(json_field(NULL, "text"), "");
	assert_true(json_number(o, "n") == 12);
	assert_true(json_number(o, "as_text") == 4096);
	assert_true(json_number(o, "below") == 0);
	assert_true(json_number(o, "text") == 0);
	assert_true(json_number(o, "absent") == 0);
	json_to_strv(json_object_get(o, "list"), &list);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[1], "b");
	_cleanup_json_ json_t *back = json_from_strv(&list);
	_cleanup_free_ char *text = json_dumps(back, JSON_COMPACT);
	assert_string_equal(text, "[\"a\",\"b\"]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sinks),	 cmocka_unit_test(test_progress_limit),
		cmocka_unit_test(test_json),	 cmocka_unit_test(test_names),
		cmocka_unit_test(test_findings), cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
