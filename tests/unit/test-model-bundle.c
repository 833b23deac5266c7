/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bundle files: names, comments, the original's prefix; what is no package is named with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/bundle.h"

static int parse(struct strv *v, const char *text, struct err *err)
{
	return bundle_parse(v, "extra", text, strlen(text), err);
}

static void test_good(void **state)
{
	_cleanup_strv_ struct strv v = STRV_INIT;
	struct err err = { 0 };

	assert_int_equal(parse(&v,
			       "# tools\n\n  htop  # a comment\nI:vim\nlibc6:i386\r\n"
			       "g++\nlibstdc++6",
			       &err),
			 0);
	assert_int_equal(v.n, 5);
	assert_string_equal(v.v[0], "htop");
	assert_string_equal(v.v[1], "vim");
	assert_string_equal(v.v[2], "libc6:i386");
	assert_string_equal(v.v[4], "libstdc++6");
	assert_int_equal(parse(&v, "", &err), 0);
	assert_int_equal(v.n, 5);
}

static void test_bad(void **state)
{
	static const char *const lines[] = {
		"x",	   "Vim",	   "two words", "-rf",	   "a;b",
		"../etc",  "libc6:",	   "a b",	"vim=1.0", "vim\\n",
		"caf\xe9", "libc6:i386:x", "$(id)",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_free_ char *text = xasprintf("htop\n%s\n", lines[i]);
		_cleanup_strv_ struct strv v = STRV_INIT;
		struct err err = { 0 };

		if (parse(&v, text, &err) != -1)
			fail_msg("%s is accepted", lines[i]);
		assert_int_equal(err.kind, ERR_OPERATOR);
		assert_true(starts_with(err.msg, "extra: line 2: "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
