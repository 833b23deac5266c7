/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debian version order, against a list in order and against dpkg itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/version.h"
#include "sys/proc.h"

/* Strictly rising, as `dpkg --compare-versions` has it. */
static const char *const rising[] = {
	"0~~",
	"0~~a",
	"0~",
	"0",
	"0a",
	"0+",
	"0.0~beta1",
	"0.1~rc1",
	"0.1",
	"0.1-1~bpo12+1",
	"0.1-1",
	"0.1-1+b1",
	"0.1-1+deb12u1",
	"0.1-1.1",
	"0.1.1",
	"0.2",
	"0.10",
	"1.0-1",
	"1.0-1a",
	"1.0-2",

	"1.0+dfsg-1",
	"1.0.1",
	"1.0.a",
	"2.36-9",
	"2.36-9+deb12u4",
	"2.36-9+deb12u10",
	"2.36-10",
	"9.2p1-2",
	"9.2p1-2+deb12u3",
	"10",
	"99999999999999999999998",
	"99999999999999999999999",
	"1:0",
	"1:0.1",
	"1:9.2p1-2",
	"1:10.0p1-5",
	"2:0~",
};

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void test_order(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rising); i++)
		for (size_t k = 0; k < ARRAY_SIZE(rising); k++)
			if (sign(version_compare(rising[i], rising[k])) !=
			    (i > k) - (i < k))
				fail_msg("%s against %s: %d", rising[i], rising[k],
					 version_compare(rising[i], rising[k]));
}

static void test_equal(void **state)
{
	static const char *const same[][2] = {
		{ "1.0", "0:1.0" }, { "1.0", "1.00" },	 { "1.0-0", "1.0" },
		{ "1.", "1.0" },    { "01.02", "1.2" },	 { "", "" },
		{ "1.0-", "1.0" },  { "0001:1", "1:1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		if (version_compare(same[i][0], same[i][1]) != 0)
			fail_msg("'%s' is not equal to '%s'", same[i][0], same[i][1]);
}

/* What is no version at all must be compared too, in a consistent order. */
static void test_any_string(void **state)
{
	static const char *const odd[] = { "",	       ":",  "-",  "a:b-c", "::--",
					   "\xff\xfe", "1:", "-1", "1-2-3", "1:2:3" };

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		for (size_t k = 0; k < ARRAY_SIZE(odd); k++)
			assert_int_equal(sign(version_compare(odd[i], odd[k])),
					 -sign(version_compare(odd[k], odd[i])));
}

static bool dpkg_says(const char *a, const char *op, const char *b)
{
	const char *argv[] = { "dpkg", "--compare-versions", a, op, b, NULL };
	struct proc_result res;
	struct err err = { 0 };
	int rc = proc_run(&(struct proc_spec){ .argv = argv }, &res, &err);

	if (rc < 0)
		fail_msg("dpkg: %s", err.msg);
	return rc == 0;
}

static void test_dpkg(void **state)
{
	_cleanup_free_ char *dpkg = proc_find("dpkg");

	if (!dpkg)
		skip();
	for (size_t i = 0; i + 1 < ARRAY_SIZE(rising); i++)
		if (!dpkg_says(rising[i], "lt", rising[i + 1]))
			fail_msg("dpkg does not order %s before %s", rising[i],
				 rising[i + 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_any_string),
		cmocka_unit_test(test_dpkg),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
