/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of both families: read, written, compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/str.h"
#include "sys/inet.h"

static void read_and_written(void **state)
{
	static const char *const good[] = { "10.9.0.2", "0.0.0.0", "::", "::1",
					    "fd00:9::2" };
	static const char *const bad[] = { "",	    "10.9.0",	   "10.9.0.256", "web01",
					   "[::1]", "fd00:9::2::", "10.9.0.2:1" };
	char text[INET_TEXT_MAX];
	struct inet a = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(inet_from_text(good[i], 2049, &a));
		assert_string_equal(inet_text(&a, text), good[i]);
		assert_int_equal(inet_port(&a), 2049);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(inet_from_text(bad[i], 0, &a));
}

static void compared(void **state)
{
	struct inet a, b;

	assert_true(inet_from_text("10.9.0.2", 1, &a));
	assert_true(inet_from_text("10.9.0.2", 2, &b));
	assert_true(inet_is_same_host(&a, &b));
	assert_true(inet_from_text("10.9.0.3", 1, &b));
	assert_false(inet_is_same_host(&a, &b));
	assert_true(inet_from_text("::ffff:10.9.0.2", 1, &b));
	assert_false(inet_is_same_host(&a, &b));
	assert_false(inet_is_any(&a));
	assert_true(inet_from_text("::", 1, &b));
	assert_true(inet_is_any(&b));
	assert_false(inet_is_same_host(&a, &b));
	inet_set_port(&b, 65535);
	assert_int_equal(inet_port(&b), 65535);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_and_written),
		cmocka_unit_test(compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
