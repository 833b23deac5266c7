/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record of what is written without syncing. */
#include "sys/files.h"
#include "sys/written.h"
#include "test.h"

static void test_one_boot(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *record = xasprintf("%s/record", dir);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(written_check(record, "it", &err), 0);
	assert_int_equal(written_begin(record, &err), 0);
	assert_int_equal(written_check(record, "it", &err), 0);
	assert_int_equal(written_end(record, &err), 0);
	assert_int_equal(written_check(record, "it", &err), 0);
}

static void test_another_boot(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *record = xasprintf("%s/record", dir);
	struct err err = { 0 };

	(void)state;
	put_file(dir, "record", "00000000-0000-0000-0000-000000000000\n");
	assert_int_equal(written_check(record, "the tree", &err), -1);
	assert_int_equal(err.kind, ERR_OPERATOR);
	assert_non_null(strstr(err.msg, "the machine went down while the tree"));
	assert_non_null(strstr(err.remedy, "nimadm -C"));
	/* nobody knows what an empty one means */
	put_file(dir, "record", "\n");
	assert_int_equal(written_check(record, "the tree", &err), -1);
}

static void test_what_is_lost_stays_lost(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *record = xasprintf("%s/record", dir);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(written_begin(record, &err), 0);
	assert_int_equal(written_lost(record, &err), 0);
	assert_int_equal(written_check(record, "the tree", &err), -1);
	assert_non_null(strstr(err.msg, "not all that was written to the tree"));
	assert_non_null(strstr(err.remedy, "nimadm -C"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_boot),
		cmocka_unit_test(test_another_boot),
		cmocka_unit_test(test_what_is_lost_stays_lost),
	};

	return cmocka_run_group_tests_name("sys-written", tests, NULL, NULL);
}
