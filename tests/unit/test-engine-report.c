/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report: what it takes from journal and facts, and that foreign text stays text. */
#include "test.h"

#include "fake-phases.h"

#include "engine/report.h"

#define NASTY "<script>alert(\"x\")</script> & 'y'\033[31m"

static const char spec[] =
	"{\"mode\":\"D\",\"subject\":\"web12\",\"mksysb\":\"web12\",\"mksysb-path\":\"/e/web12\","
	"\"output\":\"/e/web13\",\"name\":\"web13\",\"release\":\"trixie\",\"cache\":\"/c\"}";
static const char facts[] =
	"{\"preflight\":[{\"id\":\"dpkg.held\",\"severity\":\"WARN\",\"title\":\"held\","
	"\"evidence\":\"nginx\\nbind9\",\"remedy\":\"unhold\"},"
	"{\"id\":\"arch\",\"severity\":\"PASS\",\"title\":\"amd64\",\"evidence\":\"\",\"remedy\":\"\"}],"
	"\"plan\":{\"upgraded\":[{\"name\":\"libc6\",\"old\":\"2.36\",\"new\":\"2.41\"}],"
	"\"removed\":[{\"name\":\"x\",\"old\":\"1\",\"new\":\"\",\"reason\":\"replaced\",\"by\":\"y\"}],"
	"\"held\":[\"nginx\"],\"download_bytes\":7},"
	"\"merge_before\":{\"findings\":[],\"methods\":{\"fstab\":\"kept\",\"locale\":{\"title\":\"Language\"},\"users\":{\"added\":[1,2]},"
	"\"sysctl\":{\"title\":\"Kernel settings\",\"changes\":[{\"path\":\"/etc/<a>\",\"what\":\"taken\"}]}}},"
	"\"validators\":{\"findings\":[{\"id\":\"validate.sshd\",\"severity\":\"INHIBIT\","
	"\"title\":\"%s\",\"evidence\":\"\",\"remedy\":\"\"}]},"
	"\"output\":{\"path\":\"/e/web13\",\"bytes\":1500000,\"files\":3,\"object\":\"web13\"}}";

static json_t *build(enum job_state state, const char *error)
{
	struct journal_row rows[PHASE_COUNT] = {
		[0] = { 0, JOURNAL_DONE, 1.5, "" },
		[1] = { 1, JOURNAL_DONE, 2, "" },
		[2] = { 2, JOURNAL_FAILED, 0.5, "no space" },
	};
	struct job_row row = { .id = 7,
			       .subject = (char *)(uintptr_t) "web12",
			       .state = state,
			       .created = (char *)(uintptr_t) "2026-01-01T00:00:00Z",
			       .error = (char *)(uintptr_t)error };
	struct job job = { 0 };
	struct err err = { 0 };
	_cleanup_free_ char *text = xasprintf(facts, "sshd says "
						     "PLACE");

	assert_ok(job_init(&job, "/s", 7, spec, text, &err), &err);
	json_t *validators = json_object_get(json_object_get(job.facts, "validators"),
					     "findings");
	json_object_set_new(json_array_get(validators, 0), "title", json_string(NASTY));
	json_t *report = report_build(&job, &row, rows, phase_table);
	job_done(&job);
	return report;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("missing '%s' in:\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("unwanted '%s' in:\n%s", part, text);
}

static const char *state_of(const json_t *report, size_t phase)
{
	const json_t *p = json_array_get(json_object_get(report, "phases"), phase);

	return json_string_value(json_object_get(p, "state"));
}

static void test_json(void **state)
{
	json_t *r = build(JOB_FAILED, "phase 2: no space");
	const json_t *packages = json_object_get(r, "packages");

	assert_int_equal(json_array_size(json_object_get(r, "phases")), 13);
	assert_string_equal(state_of(r, 0), "done");
	assert_string_equal(state_of(r, 2), "failed");
	assert_string_equal(state_of(r, 3), "skipped");
	assert_string_equal(state_of(r, 4), "pending");
	assert_float_equal(json_real_value(json_object_get(r, "seconds")), 4, 0.01);
	assert_int_equal(json_array_size(json_object_get(packages, "upgraded")), 1);
	assert_int_equal(json_array_size(json_object_get(packages, "added")), 0);
	assert_int_equal(json_array_size(json_object_get(packages, "held")), 1);
	assert_int_equal(json_array_size(json_object_get(r, "findings")), 3);
	/* what passed needs nobody */
	assert_int_equal(json_array_size(json_object_get(r, "needs_human")), 2);
	assert_int_equal(json_array_size(json_object_get(r, "validators")), 1);
	json_decref(r);
}

static void test_text(void **state)
{
	_cleanup_str_ struct str text = STR_INIT;
	json_t *r = build(JOB_FAILED, "phase 2: no space");

	report_text(r, &text);
	json_decref(r);
	has(str_c(&text), "nimadm: job 7 of web12: failed");
	has(str_c(&text), "phase 2: no space");
	has(str_c(&text), "/s/log/web12/7.log\n");
	has(str_c(&text), "  2  fake-2       failed");
	has(str_c(&text), "To go on: nimadm --resume -T web12");
	has(str_c(&text), "To take everything back: nimadm -C -T web12");
	has(str_c(&text), "libc6 2.36 -> 2.41");
	has(str_c(&text), "x 1  replaced by y");
	has(str_c(&text), "seen: nginx\n        bind9\n");
	has(str_c(&text), "fstab (fstab)\n      kept\n");
	has(str_c(&text), "Language (locale)\n      nothing to change\n");
	has(str_c(&text), "Kernel settings (sysctl)\n      /etc/<a>: taken\n");
	has(str_c(&text), "users (users)\n      added: 2, listed in report.json\n");
}

static void test_text_when_done(void **state)
{
	_cleanup_str_ struct str text = STR_INIT;
	json_t *r = build(JOB_DONE, NULL);

	report_text(r, &text);
	json_decref(r);
	has(str_c(&text), "1.5 MB");
	has(str_c(&text), "lsnim -l web13");
	has(str_c(&text), "nim -o remove web13; rm /e/web13");
	has_not(str_c(&text), "--resume");
}

static void test_html_is_escaped(void **state)
{
	_cleanup_str_ struct str html = STR_INIT;
	json_t *r = build(JOB_FAILED, NASTY);

	report_html(r, &html);
	json_decref(r);
	has_not(str_c(&html), "<script");
	has_not(str_c(&html), "\033");
	has(str_c(&html),
	    "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;");
	has(str_c(&html), "<div>/etc/&lt;a&gt;: taken</div>");
	has(str_c(&html), "<html lang=\"en\">");
	has(str_c(&html), "<th scope=\"col\">");
	/* self-contained: it names nothing to be loaded */
	has_not(str_c(&html), "http");
	has_not(str_c(&html), "src=");
}

static void test_without_facts(void **state)
{
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_str_ struct str html = STR_INIT;
	struct journal_row rows[PHASE_COUNT] = { 0 };
	struct job_row row = { .id = 1, .subject = (char *)(uintptr_t) "web12" };
	struct job job = { 0 };
	struct err err = { 0 };

	assert_ok(job_init(&job, "/s", 1, "{\"mode\":\"D\"}", NULL, &err), &err);
	json_t *r = report_build(&job, &row, rows, phase_table);
	report_text(r, &text);
	report_html(r, &html);
	has(str_c(&text), "job 1 of web12: open");
	has(str_c(&html), "</html>");
	json_decref(r);
	job_done(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_when_done),
		cmocka_unit_test(test_html_is_escaped),
		cmocka_unit_test(test_without_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
