/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sinks write for one job's events: plain lines, JSON lines, the log, the live line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>

#include "ui/text.h"
#include "ui/ui.h"

static const unsigned weights[METER_PHASES] = { [0] = 50, [5] = 50 };

static void emit(struct events *evs, struct event ev)
{
	events_emit(evs, &ev);
}

/* A small job that fails in phase 5. */
static void play(struct events *evs)
{
	_cleanup_(findings_done) struct findings fs = FINDINGS_INIT;
	struct progress p = events_progress(evs);

	findings_add(&fs, "dpkg.held", FINDING_WARN, "1 package is held", "nginx",
		     "apt-mark unhold nginx");
	findings_add(&fs, "arch", FINDING_PASS, "amd64", NULL, NULL);
	evs->job = 7;
	evs->client = "web12";
	emit(evs, (struct event){ .type = EVENT_JOB_BEGIN });
	evs->phase = 5;
	evs->phase_name = "prepare";
	emit(evs, (struct event){ .type = EVENT_PHASE_BEGIN, .text = "Restore bos" });
	events_finding(evs, &fs.v[0]);
	events_finding(evs, &fs.v[1]);
	events_step(evs, "Unpacking \033[31m%s", "libc6");
	progress_report(&p, PROGRESS_PACKAGES, 10, 10, "libc6");
	events_output(evs, "(Reading 5%\r(Reading 100%\r");
	emit(evs, (struct event){ .type = EVENT_PHASE_END,
				  .state = "failed",
				  .seconds = 3,
				  .text = "dpkg: exit status 1" });
	evs->phase_name = NULL;
	emit(evs, (struct event){ .type = EVENT_ERROR,
				  .text = "dpkg: exit status 1",
				  .remedy = "nimadm --resume -T web12" });
	emit(evs,
	     (struct event){ .type = EVENT_JOB_END, .state = "failed", .seconds = 65 });
}

static char *record(struct event_sink *(*make)(FILE *out, const unsigned *w,
					       bool verbose),
		    bool verbose)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct events evs = { 0 };

	events_add_sink(&evs, make(out, weights, verbose));
	play(&evs);
	events_done(&evs);
	/* closing may move the text once more */
	fclose(out);
	return text;
}

static struct event_sink *make_json(FILE *out, const unsigned *w, bool verbose)
{
	return ui_json(out);
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

static void test_plain(void **state)
{
	_cleanup_free_ char *text = record(ui_plain, false);

	has(text, "Z Starting job 7 of web12.\n");
	has(text, "Z Executing nimadm phase 5. Restore bos\n");
	has(text,
	    "Z WARN dpkg.held: 1 package is held\n    seen: nginx\n    to do: apt-mark");
	has(text, "Unpacking ?[31mlibc6\n");
	has(text, "Phase 5 failed after 3s: dpkg: exit status 1\n");
	has(text, "Job 7 of web12: failed after 1m05s\n");
	has_not(text, "\033");
	has_not(text, "PASS");
	has_not(text, "Reading");
	/* the program says the error itself, on standard error */
	has_not(text, "next:");
}

static void test_plain_verbose(void **state)
{
	_cleanup_free_ char *text = record(ui_plain, true);

	has(text, "| (Reading 100%\n");
	has(text, "PASS arch: amd64\n");
}

static void test_json(void **state)
{
	_cleanup_free_ char *text = record(make_json, false);
	static const char *const want[] = { "job-begin", "phase-begin", "finding",
					    "finding",	 "step",	"progress",
					    "output",	 "phase-end",	"error",
					    "job-end" };
	char *cursor = text;
	size_t n = 0;

	for (char *line; (line = next_line(&cursor)) != NULL; n++) {
		json_t *o = json_loads(line, 0, NULL);
		assert_non_null(o);
		assert_true(n < ARRAY_SIZE(want));
		assert_string_equal(json_string_value(json_object_get(o, "event")),
				    want[n]);
		assert_string_equal(json_string_value(json_object_get(o, "client")),
				    "web12");
		assert_int_equal(json_integer_value(json_object_get(o, "job")), 7);
		assert_non_null(json_object_get(o, "ts"));
		assert_non_null(json_object_get(o, "phase"));
		json_decref(o);
	}
	assert_int_equal(n, ARRAY_SIZE(want));
}

static void test_log(void **state)
{
	_cleanup_free_ char *base = xstrdup("/tmp/nimadm-test-XXXXXX");
	assert_non_null(mkdtemp(base));
	_cleanup_free_ char *sub = xasprintf("%s/web12", base);
	_cleanup_free_ char *path = xasprintf("%s/7.log", sub);

	/* twice: a resumed job goes on in its log */
	for (int i = 0; i < 2; i++) {
		struct events evs = { 0 };
		struct event_sink *sink;
		struct err err = { 0 };

		assert_int_equal(ui_log(&sink, path, &err), 0);
		events_add_sink(&evs, sink);
		play(&evs);
		events_done(&evs);
	}
	char text[8192] = { 0 };
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	has(text, "| (Reading 100%\n");
	has(text, "PASS arch: amd64\n");
	has(text, "Error: dpkg: exit status 1\n    next: nimadm --resume -T web12\n");
	char *first = strstr(text, "Starting job 7");
	assert_non_null(first);
	assert_non_null(strstr(first + 1, "Starting job 7"));
	unlink(path);
	rmdir(sub);
	rmdir(base);
}

static void test_terminal(void **state)
{
	setenv("COLUMNS", "60", 1);
	setenv("NO_COLOR", "1", 1);
	_cleanup_free_ char *text = record(ui_terminal, false);

	has(text, "\rweb12  5/5 prepare  50%  Restore bos\033[K");
	/* what stays is written on an erased line */
	has(text, "\r\033[KWARN dpkg.held: 1 package is held\n");
	has(text, "\r\033[KJob 7 of web12: failed after 1m05s\n");
	has_not(text, "\033[31m");
	for (const char *c = text; (c = strchr(c, '\r')) != NULL; c++)
		assert_true(strcspn(c + 1, "\033\r\n") <= 59);
	unsetenv("NO_COLOR");
	_cleanup_free_ char *color = record(ui_terminal, false);
	has(color, "\033[33mWARN dpkg.held");
	unsetenv("COLUMNS");
}

static void test_clean(void **state)
{
	static const struct {
		const char *raw, *clean;
	} cases[] = {
		{ "a\tb", "a b" },
		{ "5%\r10%", "10%" },
		{ "end\r", "end" },
		{ "\033]0;title\007x", "?]0;title?x" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "bad\xff\xc3", "bad??" },
		{ "c1\xc2\x9b", "c1?" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_str_ struct str out = STR_INIT;

		ui_clean(&out, cases[i].raw);
		assert_string_equal(str_c(&out), cases[i].clean);
	}
	_cleanup_str_ struct str cut = STR_INIT;
	ui_clip(&cut,
		"gr\xc3\xbc\xc3\x9f"
		"e",
		4);
	assert_string_equal(str_c(&cut), "gr\xc3\xbc\xc3\x9f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	 cmocka_unit_test(test_plain_verbose),
		cmocka_unit_test(test_json),	 cmocka_unit_test(test_log),
		cmocka_unit_test(test_terminal), cmocka_unit_test(test_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
