/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reader of the control format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/deb822.h"

static void expect(const struct deb822_stanza *st, const char *name, const char *value)
{
	_cleanup_free_ char *v = deb822_dup(st, name);
	assert_non_null(v);
	assert_string_equal(v, value);
}

static void reads_stanzas(void **state)
{
	static const char text[] = "# head\n"
				   "\n"
				   "Types: deb\n"
				   "# http://old.example.org\n"
				   "URIs:http://a.example.org/debian\n"
				   "\thttp://b.example.org/debian \n"
				   "#commented out\n"
				   "  http://c.example.org/debian\n"
				   "Empty:\n"
				   " \n"
				   "suites : x y";
	struct deb822_reader r;
	deb822_init(&r, "t", text, sizeof(text) - 1);
	_cleanup_deb822_ struct deb822_stanza st = DEB822_STANZA_INIT;
	struct err err = { 0 };
	assert_int_equal(deb822_next(&r, &st, &err), 1);
	assert_int_equal(st.n, 3);
	assert_int_equal(st.line, 3);
	expect(&st, "types", "deb");
	expect(&st, "URIs",
	       "http://a.example.org/debian\nhttp://b.example.org/debian\n"
	       "http://c.example.org/debian");
	expect(&st, "Empty", "");
	assert_null(deb822_find(&st, "Suites"));
	assert_int_equal(deb822_next(&r, &st, &err), 1);
	expect(&st, "Suites", "x y");
	assert_ptr_equal(st.end, text + sizeof(text) - 1);
	assert_int_equal(deb822_next(&r, &st, &err), 0);
}

static void names_the_bad_line(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
		{ "A: b\nno colon here\nC: d\n\nE: f\n", "t: line 2: no ':' after" },
		{ "\n continuation\n\nE: f\n", "t: line 2: a continuation without" },
		{ "-A: b\n\nE: f\n", "t: line 1: no field name" },
		{ ": b\n\nE: f\n", "t: line 1: no field name" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct deb822_reader r;
		deb822_init(&r, "t", cases[i].text, strlen(cases[i].text));
		_cleanup_deb822_ struct deb822_stanza st = DEB822_STANZA_INIT;
		struct err err = { 0 };
		assert_int_equal(deb822_next(&r, &st, &err), -1);
		assert_int_equal(err.kind, ERR_OPERATOR);
		assert_true(starts_with(err.msg, cases[i].msg));
		/* The reader goes on behind the bad stanza. */
		assert_int_equal(deb822_next(&r, &st, NULL), 1);
		expect(&st, "E", "f");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_stanzas),
		cmocka_unit_test(names_the_bad_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
