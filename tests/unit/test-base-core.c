/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors, strings, vectors, maps and strict parsing. */
#include "test.h"

#include <errno.h>

#include "base/dirstack.h"
#include "base/map.h"
#include "base/parse.h"
#include "base/strv.h"

static void err_formats_and_keeps_the_place(void **state)
{
	struct err err = { 0 };

	assert_int_equal(err_set(&err, ERR_UNFIT, "disk %s", "sdb"), -1);
	assert_string_equal(err.msg, "disk sdb");
	assert_int_equal(err.kind, ERR_UNFIT);
	assert_true(ends_with(err.file, "test-base-core.c"));
	assert_true(err.line > 0);
	errno = ENOENT;
	err_set_errno(&err, ERR_OPERATOR, "open %s", "x");
	assert_string_equal(err.msg, "open x: No such file or directory");
	assert_int_equal(err.errnum, ENOENT);
	err_set(&err, ERR_UNFIT, "again: %s", err.msg); /* may speak of itself */
	assert_string_equal(err.msg, "again: open x: No such file or directory");
	assert_int_equal(err.errnum, 0);
	assert_int_equal(err_set(NULL, ERR_UNFIT, "nobody listens"), -1);
	assert_int_equal(err_remedy(NULL, "x"), -1);
	assert_int_equal(err_prefix(NULL, "x"), -1);
}

static void err_remedy_of_the_deepest_layer_stays(void **state)
{
	struct err err = { 0 };

	err_set(&err, ERR_OPERATOR, "x");
	err_remedy(&err, "run %s", "this");
	err_remedy(&err, "run that");
	assert_string_equal(err.remedy, "run this");
	err_set(&err, ERR_OPERATOR, "another error");
	assert_string_equal(err.remedy, "");
}

static void err_text_is_cut_not_overrun(void **state)
{
	struct err err = { 0 };
	char big[3000];

	memset(big, 'y', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&err, ERR_OPERATOR, "%s", big);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	err_prefix(&err, "front");
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_true(starts_with(err.msg, "front: yyy"));
	err_prefix(&err, "%s", big);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	err_remedy(&err, "%s", big);
	assert_int_equal(strlen(err.remedy), sizeof(err.remedy) - 1);
}

static int fails_in_scope(struct err *err)
{
	ERR_CONTEXT(err, "inner");
	return err_set(err, ERR_OPERATOR, "cause");
}

static int fails_in_two_scopes(struct err *err)
{
	ERR_CONTEXT(err, "outer");
	return fails_in_scope(err);
}

static int works_in_scope(struct err *err)
{
	ERR_CONTEXT(err, "inner");
	return 0;
}

static void err_context_prefixes_its_own_errors_only(void **state)
{
	struct err err = { 0 };

	fails_in_two_scopes(&err);
	assert_string_equal(err.msg, "outer: inner: cause");
	assert_int_equal(works_in_scope(&err),
			 0); /* an older error is none of its business */
	assert_string_equal(err.msg, "outer: inner: cause");
	err_clear(&err);
	works_in_scope(&err);
	assert_string_equal(err.msg, "");
	assert_int_equal(fails_in_scope(NULL), -1);
}

static void err_kinds_are_complete(void **state)
{
	static const int want[ERR_KIND_COUNT_] = {
		[ERR_NONE] = 0,	    [ERR_TRANSIENT] = 1, [ERR_OPERATOR] = 1,
		[ERR_USAGE] = 2,    [ERR_UNFIT] = 3,	 [ERR_LOCKED] = 4,
		[ERR_NOTFOUND] = 5, [ERR_CANCELLED] = 1, [ERR_INTERNAL] = 1,
	};

	for (int k = 0; k < ERR_KIND_COUNT_; k++) {
		assert_non_null(err_kind_name(k));
		assert_int_equal(err_exit_status(k), want[k]);
		for (int j = 0; j < k; j++)
			assert_string_not_equal(err_kind_name(k), err_kind_name(j));
	}
	assert_string_equal(err_kind_name(ERR_OPERATOR), "operator");
}

static void str_grows(void **state)
{
	_cleanup_str_ struct str s = STR_INIT;

	assert_string_equal(str_c(&s), "");
	for (int i = 0; i < 1000; i++)
		str_addf(&s, "%d,", i);
	assert_int_equal(s.len, 3890);
	assert_int_equal(strlen(s.p), s.len);
	str_reset(&s);
	assert_string_equal(str_c(&s), "");
	str_addn(&s, "a\0b", 3);
	str_addc(&s, 'c');
	assert_int_equal(s.len, 4);
	assert_memory_equal(s.p, "a\0bc", 5);
	_cleanup_free_ char *taken = str_take(&s);
	assert_memory_equal(taken, "a\0bc", 5);
	assert_int_equal(s.len, 0);
	_cleanup_free_ char *nothing = str_take(&s);
	assert_string_equal(nothing, "");
	str_addn(&s, NULL, 0);
	assert_string_equal(str_c(&s), "");
}

static void string_helpers(void **state)
{
	char text[] = " \t two words \n", empty[] = "  ", none[] = "";
	char lines[] = "a\n\nb", fields[] = "  one\ttwo  ";
	char *cursor = lines;

	assert_string_equal(strip(text), "two words");
	assert_string_equal(strip(empty), "");
	assert_string_equal(strip(none), "");
	assert_string_equal(next_line(&cursor), "a");
	assert_string_equal(next_line(&cursor), "");
	assert_string_equal(next_line(&cursor), "b");
	assert_null(next_line(&cursor));
	assert_null(next_line(&cursor));
	cursor = fields;
	assert_string_equal(next_field(&cursor), "one");
	assert_string_equal(next_field(&cursor), "two");
	assert_null(next_field(&cursor));
	assert_null(next_field(&cursor));
	assert_true(starts_with("abc", "ab") && !starts_with("a", "ab") &&
		    starts_with("a", ""));
	assert_true(ends_with("abc", "bc") && !ends_with("c", "bc") &&
		    ends_with("a", ""));
	assert_true(streq0(NULL, NULL) && !streq0("a", NULL) && !streq0(NULL, "a") &&
		    streq0("a", "a"));
	assert_null(xstrdup(NULL));
}

static void text_is_replaced(void **state)
{
	_cleanup_free_ char *field = NULL;

	xreplace(&field, "a long text");
	assert_string_equal(field, "a long text");
	xreplace(&field, field + strlen("a long "));
	assert_string_equal(field, "text");
	xreplace(&field, NULL);
	assert_string_equal(field, "");
}

static void escapes_of_fstab(void **state)
{
	char text[] = "/my\\040disk\\011\\134x\\04\\400";

	unescape_octal(text);
	assert_string_equal(text, "/my disk\t\\x\\04\\400");
}

static void words_of_lists(void **state)
{
	assert_true(has_word("noatime,bind", ",", "bind"));
	assert_false(has_word("noatime,rbind", ",", "bind"));
	assert_true(has_word("cpu memory pids\n", " \n", "pids"));
	assert_false(has_word("", ",", ""));
}

static void human_numbers(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {
		{ 0, "0 B" },
		{ 999, "999 B" },
		{ 1000, "1.0 kB" },
		{ 999949, "999.9 kB" },
		{ 999950, "1.0 MB" },
		{ 1234567890, "1.2 GB" },
		{ UINT64_MAX, "18.4 EB" },
	};
	static const struct {
		double seconds;
		const char *text;
	} times[] = {
		{ 0, "0s" },	     { 7.4, "7s" },	   { 59.6, "1m00s" },
		{ 125, "2m05s" },    { 3723, "1h02m03s" }, { -5, "0s" },
		{ 0.0 / 0.0, "0s" },
	};
	char buf[32];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		assert_string_equal(fmt_bytes(buf, sizeof(buf), sizes[i].bytes),
				    sizes[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		assert_string_equal(fmt_duration(buf, sizeof(buf), times[i].seconds),
				    times[i].text);
}

static void strv_basics(void **state)
{
	_cleanup_strv_ struct strv v = STRV_INIT, w = STRV_INIT;

	assert_null(strv_argv(&v)[0]);
	strv_uniq(&v);
	strv_sort(&v);
	strv_split(&v, ",b,,a,b,", ",");
	assert_int_equal(v.n, 3);
	strv_add_all(&v, "c", "a", NULL);
	strv_addf(&v, "%d", 7);
	_cleanup_free_ char *joined = strv_join(&v, " ");
	assert_string_equal(joined, "b a b c a 7");
	strv_sort(&v);
	strv_uniq(&v);
	_cleanup_free_ char *sorted = strv_join(&v, " ");
	assert_string_equal(sorted, "7 a b c");
	assert_null(strv_argv(&v)[v.n]);
	assert_true(strv_has(&v, "a") && !strv_has(&v, "z"));
	strv_add_strv(&w, &v);
	strv_add_strv(&w, &w);
	assert_int_equal(w.n, 8);
	for (int i = 0; i < 100; i++)
		strv_add(&w, "x");
	assert_null(w.v[108]);
}

static int freed;

static void count_free(void *p)
{
	freed++;
	free(p);
}

static void map_keeps_order_and_values(void **state)
{
	_cleanup_map_ struct map *m = map_new(NULL);
	char key[32];

	for (intptr_t i = 1; i <= 10000; i++) {
		snprintf(key, sizeof(key), "k%ld", (long)i);
		map_set(m, key, (void *)i);
	}
	for (intptr_t i = 1; i <= 10000; i += 2) {
		snprintf(key, sizeof(key), "k%ld", (long)i);
		assert_true(map_remove(m, key));
		assert_false(map_remove(m, key));
	}
	assert_int_equal(map_size(m), 5000);
	for (intptr_t i = 10001; i <= 20000; i++) {
		snprintf(key, sizeof(key), "k%ld", (long)i);
		map_set(m, key, (void *)i);
	}
	intptr_t expected = 2;
	const char *k;
	void *v;
	size_t seen = 0;
	for (size_t it = 0; map_next(m, &it, &k, &v); seen++) {
		snprintf(key, sizeof(key), "k%ld", (long)expected);
		assert_string_equal(k, key);
		assert_int_equal((intptr_t)v, expected);
		assert_ptr_equal(map_get(m, key), v);
		expected += expected < 10000 ? 2 : 1;
	}
	assert_int_equal(seen, 15000);
	assert_false(map_has(m, "k1"));
	assert_null(map_get(m, "nothing"));
}

static void map_removes_while_it_iterates(void **state)
{
	_cleanup_map_ struct map *m = map_new(NULL);
	const char *k;
	size_t seen = 0;

	map_set(m, "a", MAP_PRESENT);
	map_set(m, "b", MAP_PRESENT);
	map_set(m, "c", MAP_PRESENT);
	for (size_t it = 0; map_next(m, &it, &k, NULL); seen++)
		assert_true(map_remove(m, k));
	assert_int_equal(seen, 3);
	assert_int_equal(map_size(m), 0);
	/* Churn does not grow it without bound, nor lose anything. */
	for (int i = 0; i < 100000; i++) {
		map_set(m, "x", MAP_PRESENT);
		assert_true(map_remove(m, "x"));
	}
	map_set(m, "a", MAP_PRESENT);
	assert_true(map_has(m, "a"));
	assert_false(map_has(m, "x"));
}

static void map_owns_its_values(void **state)
{
	struct map *m = map_new(count_free);

	freed = 0;
	map_set(m, "a", xstrdup("1"));
	map_set(m, "a", xstrdup("2"));
	assert_int_equal(freed, 1);
	map_set(m, "a", map_get(m, "a")); /* the same again is no replacement */
	assert_int_equal(freed, 1);
	map_set(m, "b", xstrdup("3"));
	assert_true(map_remove(m, "b"));
	assert_int_equal(freed, 2);
	assert_null(map_free(m));
	assert_int_equal(freed, 3);
	assert_null(map_free(NULL));
}

static void numbers(void **state)
{
	static const char *const bad[] = { "",
					   " 1",
					   "1 ",
					   "-1",
					   "+1",
					   "0x1",
					   "1.5",
					   "a",
					   "1e3",
					   "--1",
					   "18446744073709551616" };
	struct err err = { 0 };
	uint64_t u = 42;
	int64_t i = 42;

	for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
		assert_err(parse_u64(bad[k], &u, &err), &err, ERR_USAGE, bad[k]);
	assert_int_equal(u, 42);
	err_clear(&err);
	assert_ok(parse_u64("18446744073709551615", &u, &err), &err);
	assert_true(u == UINT64_MAX);
	assert_ok(parse_i64("-9223372036854775808", &i, &err), &err);
	assert_true(i == INT64_MIN);
	assert_ok(parse_i64("9223372036854775807", &i, &err), &err);
	assert_true(i == INT64_MAX);
	assert_err(parse_i64("9223372036854775808", &i, &err), &err, ERR_USAGE, "whole");
	assert_err(parse_i64("-9223372036854775809", &i, &err), &err, ERR_USAGE, "whole");
	assert_err(parse_i64("-", &i, &err), &err, ERR_USAGE, "whole");
}

static void sizes(void **state)
{
	struct err err = { 0 };
	uint64_t u = 0;

	assert_ok(parse_size("512", &u, &err), &err);
	assert_int_equal(u, 512);
	assert_ok(parse_size("10K", &u, &err), &err);
	assert_int_equal(u, 10240);
	assert_ok(parse_size("2g", &u, &err), &err);
	assert_true(u == 2ull << 30);
	assert_ok(parse_size("1T", &u, &err), &err);
	assert_true(u == 1ull << 40);
	assert_err(parse_size("10KB", &u, &err), &err, ERR_USAGE, "10KB");
	assert_err(parse_size("K", &u, &err), &err, ERR_USAGE, "size");
	assert_err(parse_size("16777216T", &u, &err), &err, ERR_USAGE, "size");
}

static void booleans(void **state)
{
	struct err err = { 0 };
	bool b = false;

	assert_ok(parse_bool("yes", &b, &err), &err);
	assert_true(b);
	assert_ok(parse_bool("off", &b, &err), &err);
	assert_false(b);
	assert_err(parse_bool("maybe", &b, &err), &err, ERR_USAGE, "maybe");
	assert_err(parse_bool("", &b, &err), &err, ERR_USAGE, "neither");
}

static void hosts(void **state)
{
	static const struct {
		const char *text, *host;
		unsigned port;
	} good[] = {
		{ "web01", "web01", 0 },
		{ "web01.example.com:2049", "web01.example.com", 2049 },
		{ "10.9.0.2", "10.9.0.2", 0 },
		{ "10.9.0.2:65535", "10.9.0.2", 65535 },
		{ "2001:db8::2", "2001:db8::2", 0 },
		{ "[2001:db8::2]", "2001:db8::2", 0 },
		{ "[2001:db8::2]:20049", "2001:db8::2", 20049 },
	};
	static const char *const bad[] = {
		"",	":",   ":1",   "a:",   "a:0",	   "a:65536",
		"a:1x", "-a",  "[::1", "[]:1", "[::1]1",   "[::1]:",
		"a b",	"a/b", "a,b",  "a]:1", "root@web", "[::1]:-1",
	};
	struct err err = { 0 };
	uint16_t port = 7;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_free_ char *host = NULL;

		assert_ok(parse_host(good[i].text, &host, &port, &err), &err);
		assert_string_equal(host, good[i].host);
		assert_int_equal(port, good[i].port);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *host = NULL;

		assert_err(parse_host(bad[i], &host, &port, &err), &err, ERR_USAGE,
			   bad[i]);
		assert_null(host);
	}
}

static void dirstack_goes_depth_first(void **state)
{
	static const struct {
		const char *at, *below[3];
		uint64_t mount, above;
	} visits[] = {
		{ "", { "a", "b" }, 1, 0 },  { "a", { "x", "y" }, 2, 1 },
		{ "a/x", { "deep" }, 2, 2 }, { "a/x/deep", { NULL }, 2, 2 },
		{ "a/y", { NULL }, 3, 2 },   { "b", { NULL }, 1, 1 },
	};
	_cleanup_dirstack_ struct dirstack dirs = DIRSTACK_INIT;
	uint64_t above = 0;

	for (size_t i = 0; i < ARRAY_SIZE(visits); i++) {
		assert_string_equal(str_c(&dirs.path), visits[i].at);
		assert_true(above == visits[i].above);
		dirstack_enter(&dirs, visits[i].mount);
		for (const char *const *name = visits[i].below; *name; name++)
			dirstack_add(&dirs, *name);
		assert_int_equal(dirstack_next(&dirs, &above),
				 i + 1 < ARRAY_SIZE(visits));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_formats_and_keeps_the_place),
		cmocka_unit_test(err_remedy_of_the_deepest_layer_stays),
		cmocka_unit_test(err_text_is_cut_not_overrun),
		cmocka_unit_test(err_context_prefixes_its_own_errors_only),
		cmocka_unit_test(err_kinds_are_complete),
		cmocka_unit_test(str_grows),
		cmocka_unit_test(string_helpers),
		cmocka_unit_test(text_is_replaced),
		cmocka_unit_test(escapes_of_fstab),
		cmocka_unit_test(words_of_lists),
		cmocka_unit_test(human_numbers),
		cmocka_unit_test(strv_basics),
		cmocka_unit_test(map_keeps_order_and_values),
		cmocka_unit_test(map_removes_while_it_iterates),
		cmocka_unit_test(map_owns_its_values),
		cmocka_unit_test(numbers),
		cmocka_unit_test(sizes),
		cmocka_unit_test(booleans),
		cmocka_unit_test(hosts),
		cmocka_unit_test(dirstack_goes_depth_first),
	};

	return cmocka_run_group_tests_name("base-core", tests, NULL, NULL);
}
