/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of types, operations, attributes and releases are complete and consistent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/map.h"
#include "model/object.h"
#include "model/release.h"

static void test_types(void **state)
{
	size_t n;
	const struct type_def *types = type_table(&n);
	struct strv words = STRV_INIT;

	assert_int_equal(n, 12);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(type_find(types[i].name), &types[i]);
		assert_true(ends_with(types[i].help, "."));
		assert_non_null(types[i].example);
		assert_true(type_has_operation(&types[i], "define"));
		assert_true(type_has_operation(&types[i], "remove"));
		strv_split(&words, types[i].operations, " ");
	}
	for (size_t i = 0; i < words.n; i++)
		if (!operation_find(words.v[i]))
			fail_msg("a type has the unknown operation %s", words.v[i]);
	strv_done(&words);
	assert_null(type_find("lpp"));
	assert_false(type_has_operation(type_find("script"), "show"));
}

static void check_words(const char *words, const char *what, const char *attr)
{
	_cleanup_strv_ struct strv v = STRV_INIT;

	if (streq(words, "*"))
		return;
	strv_split(&v, words, " ");
	assert_true(v.n > 0);
	for (size_t i = 0; i < v.n; i++) {
		if (streq(what, "type") && !type_find(v.v[i]))
			fail_msg("%s: unknown type %s", attr, v.v[i]);
		if (streq(what, "operation") && !operation_find(v.v[i]))
			fail_msg("%s: unknown operation %s", attr, v.v[i]);
	}
}

static void test_attributes(void **state)
{
	size_t n, n_types;
	const struct attr_def *table = attr_table(&n);
	const struct type_def *types = type_table(&n_types);

	for (size_t i = 0; i < n; i++) {
		const struct attr_def *a = &table[i];

		check_words(a->types, "type", a->name);
		if (a->operations)
			check_words(a->operations, "operation", a->name);
		if (a->kind == ATTR_OBJECT)
			check_words(a->values, "type", a->name);
		if (!ends_with(a->help, "."))
			fail_msg("%s: the help is no sentence", a->name);
		if ((a->kind == ATTR_ENUM || a->kind == ATTR_OBJECT) && !a->values)
			fail_msg("%s has no values", a->name);
		if (!(a->flags & ATTR_STATE) && !a->meta && a->kind != ATTR_ENUM &&
		    a->kind != ATTR_BOOL)
			fail_msg("%s has no metavariable", a->name);
		if (a->def && attr_check_value(a, a->def, NULL) < 0)
			fail_msg("%s: the default is not valid", a->name);
		if (strlen(a->help) > 76)
			fail_msg("%s: the help does not fit a line", a->name);
	}
	/* A type has each attribute once. */
	for (size_t t = 0; t < n_types; t++) {
		_cleanup_map_ struct map *seen = map_new(NULL);

		for (size_t i = 0; i < n; i++) {
			if (!attr_is_of_type(&table[i], types[t].name))
				continue;
			if (map_has(seen, table[i].name))
				fail_msg("%s has %s twice", types[t].name, table[i].name);
			map_set(seen, table[i].name, MAP_PRESENT);
		}
	}
}

static void test_operations(void **state)
{
	assert_true(attr_is_of_operation(attr_find("lpp_source", "release"), "define"));
	assert_false(attr_is_of_operation(attr_find("lpp_source", "release"), "change"));
	assert_true(attr_is_of_operation(attr_find("lpp_source", "comments"), "change"));
	assert_false(attr_is_of_operation(attr_find("lpp_source", "Rstate"), "define"));
	assert_true(attr_is_of_operation(attr_find("mac_group", "include"), "select"));
	assert_null(attr_find("script", "release"));
	assert_non_null(attr_find(NULL, "release"));
}

static void test_values(void **state)
{
	static const struct {
		const char *type, *attr, *value;
		bool good;
	} cases[] = {
		{ "lpp_source", "location", "/a/b", true },
		{ "lpp_source", "location", "a/b", false },
		{ "lpp_source", "location", "", false },
		{ "lpp_source", "server", "master", true },
		{ "lpp_source", "server", "mas", false },
		{ "lpp_source", "server", "other", false },
		{ "lpp_source", "comments", "two\nlines", false },
		{ "mksysb", "mk_image", "yes", true },
		{ "mksysb", "mk_image", "maybe", false },
		{ "standalone", "ssh_port", "22", true },
		{ "standalone", "ssh_port", "-1", false },
		{ "standalone", "ssh_port", "0", false },
		{ "standalone", "ssh_port", "65535", true },
		{ "standalone", "ssh_port", "65536", false },
		{ "standalone", "host", "web1", true },
		{ "standalone", "host", "admin@[2001:db8::1]", true },
		{ "standalone", "host", "-oProxyCommand=x", false },
		{ "standalone", "host", "root@-x", false },
		{ "standalone", "host", "root@", false },
		{ "standalone", "host", "@web1", false },
		{ "standalone", "host", "web1 web2", false },
		{ "standalone", "nfs_host", "10.9.0.2:2049", true },
		{ "standalone", "nfs_host", "10.9.0.2/24", false },
		{ "spot", "source", "lpp13", true },
		{ "spot", "source", "../lpp13", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = { 0 };
		const struct attr_def *a = attr_find(cases[i].type, cases[i].attr);
		int rc = attr_check_value(a, cases[i].value, &err);

		if ((rc == 0) != cases[i].good)
			fail_msg("%s=%s: %d %s", cases[i].attr, cases[i].value, rc,
				 err.msg);
		if (rc < 0) {
			assert_int_equal(err.kind, ERR_USAGE);
			assert_non_null(strstr(err.msg, cases[i].attr));
		}
	}
}

static void test_names(void **state)
{
	struct err err = { 0 };

	assert_int_equal(object_name_check("web-01.example_x", &err), 0);
	assert_int_equal(object_name_check("0", &err), 0);
	assert_int_equal(
		object_name_check("123456789012345678901234567890123456789", &err), 0);
	assert_int_equal(
		object_name_check("1234567890123456789012345678901234567890", &err), -1);
	assert_int_equal(object_name_check("", &err), -1);
	assert_int_equal(object_name_check(".a", &err), -1);
	assert_int_equal(object_name_check("a/b", &err), -1);
	assert_int_equal(object_name_check("a b", &err), -1);
	assert_int_equal(object_name_check("-a", &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
}

static void test_releases(void **state)
{
	size_t n;
	const struct release *table = release_table(&n);

	assert_true(n >= 5);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(release_find(table[i].codename), &table[i]);
		assert_ptr_equal(release_find(table[i].version), &table[i]);
		assert_true(starts_with(table[i].suites, table[i].codename));
		assert_true(starts_with(table[i].components, "main"));
	}
	assert_string_equal(release_next(release_find("bookworm"))->codename, "trixie");
	assert_string_equal(release_prev(release_find("12"))->codename, "bullseye");
	assert_null(release_next(release_find("forky")));
	assert_null(release_prev(release_find("buster")));
	assert_null(release_find("jammy"));
	assert_null(release_find(NULL));
	assert_non_null(strstr(release_find("bullseye")->suites, "bullseye-security"));
	assert_null(strstr(release_find("bullseye")->components, "non-free-firmware"));
	assert_non_null(
		strstr(release_find("bookworm")->components, "non-free-firmware"));
	assert_false(release_find("bullseye")->merged_usr);
	assert_true(release_find("bookworm")->merged_usr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),	   cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_operations), cmocka_unit_test(test_values),
		cmocka_unit_test(test_names),	   cmocka_unit_test(test_releases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
