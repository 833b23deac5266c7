/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stanza files: what is accepted, what is refused with which line, and that writing reads back. */
#include "test.h"

#include "base/stanza.h"

static int parse(struct stanza_file *sf, const char *text, struct err *err)
{
	return stanza_parse(sf, "image.data", text, strlen(text), err);
}

static void reads_the_originals_form(void **state)
{
	_cleanup_stanza_file_ struct stanza_file sf = STANZA_FILE_INIT;
	struct err err = { 0 };
	static const char text[] = "# made by mksysb\n"
				   "\n"
				   "image_data:\r\n"
				   "\tIMAGE_TYPE= bff   # a comment\n"
				   "    DATE_TIME= Mon Nov 23 05:41:00 2026\n"
				   "    EMPTY=\n"
				   "    COLOUR = a#b\n"
				   "lv_data:   # first\n"
				   "    LOGICAL_VOLUME=hd5\n"
				   "    EQ= a=b:\n"
				   "lv_data:\n"
				   "    LOGICAL_VOLUME= hd4";

	assert_ok(parse(&sf, text, &err), &err);
	assert_int_equal(sf.n, 3);
	const struct stanza *st = stanza_find(&sf, "image_data", 0);
	assert_int_equal(st->line, 3);
	assert_string_equal(stanza_get(st, "IMAGE_TYPE"), "bff");
	assert_string_equal(stanza_get(st, "DATE_TIME"), "Mon Nov 23 05:41:00 2026");
	assert_string_equal(stanza_get(st, "EMPTY"), "");
	assert_string_equal(stanza_get(st, "COLOUR"), "a#b");
	assert_null(stanza_get(st, "image_type"));
	assert_int_equal(st->entries[1].line, 5);
	assert_string_equal(stanza_get(stanza_find(&sf, "lv_data", 0), "EQ"), "a=b:");
	assert_string_equal(stanza_get(stanza_find(&sf, "lv_data", 1), "LOGICAL_VOLUME"),
			    "hd4");
	assert_null(stanza_find(&sf, "lv_data", 2));
	assert_null(stanza_find(&sf, "none", 0));
}

static void refuses_with_the_line(void **state)
{
	static const struct {
		const char *text, *cause;
	} cases[] = {
		{ "A= 1\n", "line 1: an attribute before" },
		{ "x:\n= 1\n", "line 2: no attribute name" },
		{ "x:\nA B= 1\n", "line 2: no attribute name" },
		{ "x:\nA= 1\nA= 2\n", "line 3: the attribute is given twice" },
		{ "x:\nnonsense\n", "line 2: neither" },
		{ ":\n", "line 1: the stanza has no usable name" },
		{ "a b:\n", "line 1: the stanza has no usable name" },
		{ "x:\nA= \"open\n", "line 2: a quoted value" },
		{ "x:\nA= \"a\" b\n", "line 2: a quoted value" },
		{ "x:\nA= \"a\\q\"\n", "line 2: a quoted value" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_stanza_file_ struct stanza_file sf = STANZA_FILE_INIT;
		struct err err = { 0 };
		stanza_add(&sf, "old");
		assert_err(parse(&sf, cases[i].text, &err), &err, ERR_OPERATOR,
			   cases[i].cause);
		assert_true(starts_with(err.msg, "image.data: "));
		assert_int_equal(sf.n, 1); /* untouched */
	}
	_cleanup_stanza_file_ struct stanza_file sf = STANZA_FILE_INIT;
	struct err err = { 0 };
	assert_err(stanza_parse(&sf, "x", "a:\0", 3, &err), &err, ERR_OPERATOR, "NUL");
	assert_ok(stanza_parse(&sf, "x", "", 0, (err_clear(&err), &err)), &err);
	assert_int_equal(sf.n, 0);
}

static void refuses_endless_stanzas(void **state)
{
	_cleanup_stanza_file_ struct stanza_file sf = STANZA_FILE_INIT;
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };

	str_add(&text, "x:\n");
	for (int i = 0; i < 5000; i++)
		str_addf(&text, "K%d=\n", i);
	assert_err(parse(&sf, str_c(&text), &err), &err, ERR_OPERATOR, "too many");
}

static void written_reads_back(void **state)
{
	static const char *const values[] = {
		"",	    "plain",	  "two words", "a #b",	"#a",	 " lead",
		"trail ",   "tab\tin",	  "tab\t",     "\"q\"", "a\"b",	 "back\\slash",
		"\\",	    "line\nfeed", "\n",	       "a#b",	"k= v:", "  ",
		"end \\\"", "\r",	  "x\r",       "\"",	"ä ü",	 "\v",
	};
	_cleanup_stanza_file_ struct stanza_file a = STANZA_FILE_INIT,
						 b = STANZA_FILE_INIT;
	_cleanup_str_ struct str text = STR_INIT, again = STR_INIT;
	struct err err = { 0 };

	stanza_add(&a, "empty");
	struct stanza *st = stanza_add(&a, "data");
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		char key[16];
		snprintf(key, sizeof(key), "K%zu", i);
		stanza_set(st, key, "first");
		stanza_set(st, key, values[i]);
	}
	stanza_setf(st, "NUMBER", "%d", 12);
	stanza_write(&a, &text);
	assert_ok(parse(&b, str_c(&text), &err), &err);
	assert_int_equal(b.n, 2);
	assert_int_equal(b.stanzas[1].n, ARRAY_SIZE(values) + 1);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		assert_string_equal(b.stanzas[1].entries[i].value, values[i]);
	assert_string_equal(stanza_get(&b.stanzas[1], "NUMBER"), "12");
	stanza_write(&b, &again);
	assert_string_equal(str_c(&again), str_c(&text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_originals_form),
		cmocka_unit_test(refuses_with_the_line),
		cmocka_unit_test(refuses_endless_stanzas),
		cmocka_unit_test(written_reads_back),
	};

	return cmocka_run_group_tests_name("base-stanza", tests, NULL, NULL);
}
