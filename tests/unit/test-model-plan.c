/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A package plan survives its file form; a broken file is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/plan.h"
#include "sys/files.h"

static char path[] = "/tmp/test-plan-XXXXXX";

static void test_round_trip(void **state)
{
	struct pkg_plan p = PKG_PLAN_INIT, q = PKG_PLAN_INIT;
	struct err err = { 0 };
	struct pkg_item *it;

	for (int i = 0; i < 200; i++) {
		it = pkg_plan_add(&p);
		it->name = xasprintf("pkg%d", i);
		it->arch = xstrdup(i % 2 ? "amd64" : "all");
		it->old_version = xstrdup("1:1.0-1");
		it->new_version = xstrdup("1:2.0-1");
		it->file = xasprintf("pkg%d_1%%3a2.0-1_amd64.deb", i);
		it->action = PKG_UPGRADE;
		it->bos = i < 10;
		it->size_delta = -i;
	}
	it = pkg_plan_add(&p);
	it->name = xstrdup("gone");
	it->action = PKG_REMOVE;
	it->removal = PKG_LOST;
	p.download_bytes = 1ULL << 40;
	assert_int_equal(pkg_plan_save(&p, path, &err), 0);
	assert_int_equal(pkg_plan_load(&q, path, &err), 0);
	assert_int_equal(q.n, 201);
	assert_int_equal(q.download_bytes, 1ULL << 40);
	assert_string_equal(q.v[3].file, "pkg3_1%3a2.0-1_amd64.deb");
	assert_int_equal(q.v[3].size_delta, -3);
	assert_true(q.v[9].bos);
	assert_false(q.v[10].bos);
	assert_int_equal(q.v[200].removal, PKG_LOST);
	assert_string_equal(q.v[200].new_version, "");
	assert_ptr_equal(pkg_plan_find(&q, "pkg7", "amd64"), &q.v[7]);
	assert_ptr_equal(pkg_plan_find(&q, "pkg7", NULL), &q.v[7]);
	assert_null(pkg_plan_find(&q, "pkg7", "i386"));
	pkg_plan_done(&p);
	pkg_plan_done(&q);
}

static void test_broken(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{\"items\": 3}",
		"{\"items\": [{\"name\": \"x\"}]}",
		"{\"items\": [{\"name\": \"x\", \"action\": \"explode\"}]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct pkg_plan p = PKG_PLAN_INIT;
		struct err err = { 0 };

		assert_int_equal(
			files_write_atomic(path, texts[i], strlen(texts[i]), 0600, &err),
			0);
		assert_int_equal(pkg_plan_load(&p, path, &err), -1);
		assert_non_null(strstr(err.msg, path));
		pkg_plan_done(&p);
	}
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
