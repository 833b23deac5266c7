/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keytabs: principals of all forms, holes, and what is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/keytab.h"

/* nfs/a.b@R twice (two keys), host/a.b@R, a hole between, A$@R; made by hand after the format's description. */
#define TAIL "\0\0\0\1\0\0\0\0\1\0\22\0\1k"
#define NFS  "\0\0\0\41\0\2\0\1R\0\3nfs\0\3a.b" TAIL "\0\0\0\1"
#define HOST "\0\0\0\42\0\2\0\1R\0\4host\0\3a.b" TAIL "\0\0\0\1"
#define AD   "\0\0\0\27\0\1\0\1R\0\2A$" TAIL
#define HOLE "\377\377\377\374wxyz"

static void good(void **state)
{
	static const char data[] = "\5\2" NFS HOLE NFS HOST AD;
	_cleanup_strv_ struct strv v = STRV_INIT;
	struct err err = { 0 };

	assert_int_equal(keytab_parse(data, sizeof(data) - 1, &v, &err), 0);
	assert_int_equal(v.n, 3);
	assert_string_equal(v.v[0], "nfs/a.b@R");
	assert_string_equal(v.v[1], "host/a.b@R");
	assert_string_equal(v.v[2], "A$@R");
	for (size_t i = 0; i < v.n; i++)
		assert_true(keytab_is_machine(v.v[i]));
	assert_false(keytab_is_machine("alice@R"));
	assert_false(keytab_is_machine("alice/admin@R"));
	assert_string_equal(keytab_find(&v, "nfs", "A.B"), "nfs/a.b@R");
	assert_null(keytab_find(&v, "nfs", "a"));
	assert_null(keytab_find(&v, "root", "a.b"));
}

static void empty(void **state)
{
	_cleanup_strv_ struct strv v = STRV_INIT;
	struct err err = { 0 };

	assert_int_equal(keytab_parse("\5\2", 2, &v, &err), 0);
	assert_int_equal(v.n, 0);
}

/* Each shorter one is refused, or has fewer entries; nothing is read behind the end. */
static void damaged(void **state)
{
	static const char data[] = "\5\2" NFS HOST;
	struct err err = { 0 };

	assert_int_equal(keytab_parse("\5\1", 2, NULL, &err), -1);
	assert_int_equal(keytab_parse("", 0, NULL, &err), -1);
	for (size_t n = 2; n < sizeof(data) - 1; n++) {
		_cleanup_strv_ struct strv v = STRV_INIT;
		char *copy = xcalloc(1, n);

		memcpy(copy, data, n);
		(void)!keytab_parse(copy, n, &v, &err);
		assert_true(v.n <= 1);
		free(copy);
	}
}

/* What could break out of a line of a configuration file is left out. */
static void hostile(void **state)
{
	static const char data[] = "\5\2"
				   "\0\0\0\27\0\1\0\1R\0\2a\n" TAIL
				   "\0\0\0\27\0\1\0\1R\0\2a=" TAIL;
	_cleanup_strv_ struct strv v = STRV_INIT;
	struct err err = { 0 };

	assert_int_equal(keytab_parse(data, sizeof(data) - 1, &v, &err), 0);
	assert_int_equal(v.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(empty),
		cmocka_unit_test(damaged),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
