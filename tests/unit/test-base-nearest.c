/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nearest word is what was meant, and nothing when nothing is near. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/nearest.h"
#include "base/str.h"

static const char *nearest_of(const char *typed)
{
	static const char *const words[] = { "location", "comments", "server",
					     "source",	 "suites",   "Rstate" };
	struct nearest n = NEAREST_INIT(typed);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		nearest_offer(&n, words[i]);
	return nearest_get(&n);
}

static void test_near(void **state)
{
	static const char *const cases[][2] = {
		{ "locaiton", "location" }, { "loction", "location" },
		{ "comment", "comments" },  { "sevrer", "server" },
		{ "rstate", "Rstate" },	    { "soruces", "source" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *found = nearest_of(cases[i][0]);

		if (!found || !streq(found, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], found ? found : "nothing");
	}
}

static void test_far(void **state)
{
	char long_word[300];
	struct nearest none = NEAREST_INIT("x");

	assert_null(nearest_of("x"));
	assert_null(nearest_of(""));
	assert_null(nearest_of("kernel"));
	assert_null(nearest_get(&none));
	memset(long_word, 'a', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	assert_null(nearest_of(long_word));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
