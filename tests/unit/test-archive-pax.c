/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tar headers and back: numbers beyond ustar's fields, times, inode flags; the manifest's list of hard-linked inodes. */
#include "test.h"

#include "archive/pax.h"
#include "base/links.h"

/* Writes `m`, reads it again and checks that nothing changed. */
static void round_trip(struct member *m)
{
	_cleanup_member_ struct member got = { 0 };
	_cleanup_buf_ struct buf out = { 0 };
	struct err err = { 0 };
	size_t len;

	pax_write(m, &out);
	assert_int_equal(out.len % 512, 0);
	assert_ok(pax_read(out.p, out.len, &got, &len, &err), &err);
	assert_int_equal(got.type, m->type);
	assert_string_equal(str_c(&got.path), str_c(&m->path));
	assert_int_equal(got.size, m->size);
	assert_int_equal(got.stored, m->stored);
	assert_int_equal(got.uid, m->uid);
	assert_true(got.sec == m->sec);
	assert_int_equal(got.nsec, m->nsec);
	assert_string_equal(got.flags, m->flags);
	if (m->type != 's')
		return;
	assert_ok(pax_read_map(out.p + len, out.len - len, &got, &len, &err), &err);
	assert_int_equal(got.n_map, m->n_map);
	assert_int_equal(got.map[m->n_map - 1].off, m->map[m->n_map - 1].off);
}

static void test_large(void **state)
{
	_cleanup_member_ struct member m = { .type = 'f',
					     .size = (uint64_t)20 << 30,
					     .uid = 4000000000,
					     .sec = -1,
					     .nsec = 1 };

	str_add(&m.path, "var/lib/big");
	round_trip(&m);
	m.type = 's';
	m.size = (uint64_t)5 << 40;
	member_add_extent(&m, 0, 4096);
	member_add_extent(&m, ((uint64_t)5 << 40) - 10, 10);
	round_trip(&m);
}

static void test_flags(void **state)
{
	_cleanup_member_ struct member m = { .type = 'f', .flags = "ACDSTacdijmt" };
	_cleanup_str_ struct str names = STR_INIT;
	char letters[16];

	str_add(&m.path, "etc/resolv.conf");
	round_trip(&m);
	flags_names("id", &names);
	assert_string_equal(str_c(&names), "nodump,schg");
	assert_true(flags_parse("nodump,schg", 11, letters));
	assert_string_equal(letters, "di");
	assert_false(flags_parse("nodump,nonsense", 15, letters));
	assert_false(flags_parse("nodumpschg", 10, letters));
	assert_false(flags_parse("", 0, letters));
	assert_true(flags_are_kept("Adi", "di"));
	assert_false(flags_are_kept("Adi", "Ad"));
	assert_false(flags_are_kept("", "A"));
}

static void test_links(void **state)
{
	struct links l = { 0 };

	for (uint64_t i = 1; i <= 10000; i++) {
		uint64_t *at = links_find(&l, i % 3, i);
		assert_int_equal(*at, 0);
		*at = i * 7;
	}
	for (uint64_t i = 1; i <= 10000; i++)
		assert_int_equal(*links_find(&l, i % 3, i), i * 7);
	assert_int_equal(l.n, 10000);
	assert_int_equal(*links_find(&l, 3, 1), 0);
	links_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
