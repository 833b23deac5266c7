/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines: every form of an option, mistakes by name, help within 80 columns; the configuration file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/common.h"

struct target {
	bool force, yes;
	const char *name;
	uint64_t jobs;
	struct strv attrs, disks;
};

static const struct opt options[] = {
	{ "force", 'F', OPT_FLAG, offsetof(struct target, force), NULL, "Force it." },
	{ "yes", 'Y', OPT_FLAG, offsetof(struct target, yes), NULL, "Accept licences." },
	{ "name", 'n', OPT_STRING, offsetof(struct target, name), "NAME",
	  "A name, with a help text that is long enough to be wrapped at the edge of the "
	  "terminal, twice if need be, and never passes it." },
	{ "jobs", 'j', OPT_NUMBER, offsetof(struct target, jobs), "N", "How many." },
	{ "attr", 'a', OPT_LIST, offsetof(struct target, attrs), "A=V", "An attribute." },
	{ "an-option-with-a-very-long-name", 0, OPT_WORDS, offsetof(struct target, disks),
	  "DISK,...", "Disks." },
};

static struct err err;

static int parse(struct target *t, struct strv *args, const char *line)
{
	struct strv words = STRV_INIT;
	const struct opt_set set = { "Options:", options, ARRAY_SIZE(options), t };
	int rc;

	strv_add(&words, "program");
	strv_split(&words, line, " ");
	err_clear(&err);
	rc = opt_parse(&set, 1, (int)words.n, words.v, args, &err);
	/* OPT_STRING borrows from the command line. */
	if (t->name)
		t->name = streq(t->name, "web01") ? "web01" : "other";
	strv_done(&words);
	return rc;
}

static void test_forms(void **state)
{
	static const char *const lines[] = {
		"-FYn web01 -j 4 a b",
		"-F -Y -nweb01 -j4 a b",
		"a -FYnweb01 b --jobs 4",
		"--force --yes --name=web01 --jobs=4 a b",
		"--yes --name web01 -Fj4 -- a b",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct target t = { 0 };
		_cleanup_strv_ struct strv args = STRV_INIT;

		if (parse(&t, &args, lines[i]) != 0)
			fail_msg("%s: %s", lines[i], err.msg);
		assert_true(t.force && t.yes);
		assert_string_equal(t.name, "web01");
		assert_int_equal(t.jobs, 4);
		assert_int_equal(args.n, 2);
		assert_string_equal(args.v[0], "a");
		assert_string_equal(args.v[1], "b");
	}
}

static void test_lists(void **state)
{
	struct target t = { 0 };
	_cleanup_strv_ struct strv args = STRV_INIT;

	assert_int_equal(parse(&t, &args,
			       "-a x=1,2 --attr=y --an-option-with-a-very-long-name=a,b "
			       "--an-option-with-a-very-long-name c -- -F --"),
			 0);
	assert_int_equal(t.attrs.n, 2);
	assert_string_equal(t.attrs.v[0], "x=1,2");
	assert_int_equal(t.disks.n, 3);
	assert_false(t.force);
	assert_int_equal(args.n, 2);
	assert_string_equal(args.v[0], "-F");
	strv_done(&t.attrs);
	strv_done(&t.disks);
}

static void test_mistakes(void **state)
{
	static const char *const cases[][3] = {
		{ "--forse", "--forse", "--force" },
		{ "--atr=x", "--atr", "--attr" },
		{ "--zzzzzzz", "--zzzzzzz", "--help" },
		{ "-Fx", "-x", "--help" },
		{ "--name", "NAME", NULL },
		{ "-Fn", "NAME", NULL },
		{ "--force=yes", "--force", NULL },
		{ "-j x", "--jobs", NULL },
		{ "-j -1", "--jobs", NULL },
		{ "-n web01 -n web02", "web02", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct target t = { 0 };
		_cleanup_strv_ struct strv args = STRV_INIT;

		if (parse(&t, &args, cases[i][0]) != -1)
			fail_msg("%s is accepted", cases[i][0]);
		assert_int_equal(err.kind, ERR_USAGE);
		if (!strstr(err.msg, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], err.msg);
		if (cases[i][2] && !strstr(err.remedy, cases[i][2]))
			fail_msg("%s: next: %s", cases[i][0], err.remedy);
	}
}

static void test_help(void **state)
{
	static const char *const synopsis[] = {
		"-n NAME [-F] [-Y] [-j N] [-a ATTRIBUTE=VALUE ...] "
		"[--an-option-with-a-very-long-name=DISK,...] MORE AND MORE",
		"-F", NULL
	};
	static const struct opt_program program = { .name = "program",
						    .synopsis = synopsis,
						    .about = "Does it." };
	struct target t = { 0 };
	const struct opt_set set = { "Options:", options, ARRAY_SIZE(options), &t };
	_cleanup_str_ struct str out = STR_INIT;

	opt_help(&program, &set, 1, &out);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		assert_non_null(strstr(str_c(&out), options[i].name));
	for (char *rest = out.p, *line; (line = next_line(&rest));)
		if (strlen(line) > 79)
			fail_msg("%zu columns: %s", strlen(line), line);
}

static int config(const char *text, struct config *c)
{
	_cleanup_free_ char *copy = xstrdup(text);

	err_clear(&err);
	return config_parse(c, "nimadm.conf", copy, &err);
}

static void test_config(void **state)
{
	struct config c = CONFIG_INIT;

	assert_int_equal(config("# comment\n\n[nimadm]\nstate = /srv/nim\n"
				"jobs=3\n accept_licenses = yes ; not a comment",
				&c),
			 -1);
	config_done(&c);
	assert_int_equal(config("# comment\n\n[nimadm]\nstate = /srv/nim\n"
				"jobs=3\n accept_licenses = yes\n; comment",
				&c),
			 0);
	assert_string_equal(config_get(&c, "state"), "/srv/nim");
	assert_int_equal(config_get_number(&c, "jobs", 1), 3);
	assert_true(config_get_bool(&c, "accept_licenses", false));
	assert_null(config_get(&c, "cache"));
	config_done(&c);
	assert_int_equal(config_get_number(&c, "jobs", 7), 7);
}

static void test_config_errors(void **state)
{
	static const char *const cases[][2] = {
		{ "state = relative", "line 1: state" },
		{ "\nstate", "line 2: 'state'" },
		{ "jobs = many", "line 1: jobs" },
		{ "jobs = 1\n\njobs = 2\n", "line 3: jobs is given twice" },
		{ "stat = /x", "line 1: unknown key 'stat'" },
		{ "[other]", "line 1: unknown section [other]" },
		{ "cache =", "line 1: cache has no value" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config c = CONFIG_INIT;

		assert_int_equal(config(cases[i][0], &c), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		if (!strstr(err.msg, cases[i][1]) ||
		    !starts_with(err.msg, "nimadm.conf: "))
			fail_msg("%s: %s", cases[i][0], err.msg);
		config_done(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),	 cmocka_unit_test(test_lists),
		cmocka_unit_test(test_mistakes), cmocka_unit_test(test_help),
		cmocka_unit_test(test_config),	 cmocka_unit_test(test_config_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
