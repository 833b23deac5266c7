/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two manifests side by side: what is new, changed, gone; and lists of wanted files. */
#include "test.h"

#include "model/changes.h"
#include "model/want.h"

#define SHA_A		   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B		   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define FILE_(sha, path)   "f 0644 0 0 1.000000000 5 " sha " - - " path "\n"
#define DIR_(mode, path)   "d " mode " 0 0 1.000000000 0 - - - " path "\n"
#define HARD_(path, other) "h 0644 0 0 1.000000000 0 - - - " path " " other "\n"
#define LINK_(path, other) "l 0777 0 0 1.000000000 0 - - - " path " " other "\n"

static void put_manifest(const char *dir, const char *name, const char *lines)
{
	_cleanup_str_ struct str text = STR_INIT;
	struct manifest_head head = { 0 };

	for (const char *p = lines; *p; p++)
		head.members += *p == '\n';
	manifest_head_write(&head, &text);
	str_add(&text, lines);
	put_file(dir, name, text.p);
}

/* The changes as text: "N path", "A path", "G path". */
static char *changes_of(const char *old, const char *new_one)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *a = xasprintf("%s/a", dir), *b = xasprintf("%s/b", dir);
	_cleanup_manifest_map_ struct manifest_map from = { 0 }, to = { 0 };
	_cleanup_changes_ struct changes c = { 0 };
	_cleanup_str_ struct str out = STR_INIT;
	const struct manifest_entry *e;
	enum change_kind kind;
	struct err err = { 0 };
	int rc;

	put_manifest(dir, "a", old);
	put_manifest(dir, "b", new_one);
	assert_ok(manifest_map_open(&from, a, &err), &err);
	assert_ok(manifest_map_open(&to, b, &err), &err);
	assert_ok(changes_begin(&c, &from, &to, &err), &err);
	while ((rc = changes_next(&c, &kind, &e, &err)) == 0)
		if (kind != CHANGE_NONE)
			str_addf(&out, "%s%c %s", out.len ? ", " : "", "-ANG"[kind],
				 str_c(&e->path));
	return rc < 0 ? xstrdup(err.msg) : str_take(&out);
}

static void check(const char *old, const char *new_one, const char *want)
{
	_cleanup_free_ char *got = changes_of(old, new_one);

	assert_string_equal(got, want);
}

static void test_changes(void **state)
{
	check(FILE_(SHA_A, "a"), FILE_(SHA_A, "a"), "");
	check(FILE_(SHA_A, "a") FILE_(SHA_A, "b"), FILE_(SHA_A, "b") FILE_(SHA_A, "c"),
	      "G a, N c");
	check(FILE_(SHA_A, "a"), FILE_(SHA_B, "a"), "N a");
	check(DIR_("0755", "a"), DIR_("0700", "a"), "A a");
	check(DIR_("0755", "a") FILE_(SHA_A, "a/b"), FILE_(SHA_A, "a"), "N a, G a/b");
	check(LINK_("l", "x"), LINK_("l", "y"), "N l");
	check("", DIR_("0755", ".") FILE_(SHA_A, "a"), "N ., N a");
}

static void test_index(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *name = xasprintf("%s/m", dir);
	_cleanup_manifest_map_ struct manifest_map m = { 0 };
	_cleanup_manifest_entry_ struct manifest_entry e = { 0 };
	struct err err = { 0 };

	put_manifest(dir, "m",
		     DIR_("0755", ".") FILE_(SHA_A, "a") FILE_(SHA_B, "a\\040b")
			     LINK_("b", "x") FILE_(SHA_B, "c"));
	assert_ok(manifest_map_open(&m, name, &err), &err);
	{
		_cleanup_manifest_index_ struct manifest_index x = { 0 };

		assert_ok(manifest_index_make(&x, &m, &err), &err);
		static const char *const there[] = { ".", "a", "a b", "b", "c" };
		for (size_t i = 0; i < ARRAY_SIZE(there); i++) {
			assert_true(manifest_index_find(&x, there[i], &e));
			assert_string_equal(str_c(&e.path), there[i]);
		}
		assert_string_equal(e.sha256, SHA_B);
		static const char *const not_there[] = { "", "A", "aa", "bb", "d" };
		for (size_t i = 0; i < ARRAY_SIZE(not_there); i++)
			assert_false(manifest_index_find(&x, not_there[i], &e));
	}
	manifest_map_done(&m);
	put_manifest(dir, "m", FILE_(SHA_A, "b") FILE_(SHA_B, "a"));
	assert_ok(manifest_map_open(&m, name, &err), &err);
	_cleanup_manifest_index_ struct manifest_index x = { 0 };
	assert_int_equal(manifest_index_make(&x, &m, &err), -1);
	assert_non_null(strstr(err.msg, "not in order"));
}

static void test_names(void **state)
{
	/* Another name of a file that is new must be made anew, though its own line is the same. */
	check(FILE_(SHA_A, "a") HARD_("b", "a"), FILE_(SHA_B, "a") HARD_("b", "a"),
	      "N a, N b");
	check(FILE_(SHA_A, "a") HARD_("b", "a"), FILE_(SHA_A, "a") HARD_("b", "a"), "");
	/* The first name is gone: the other one brings the content. */
	check(FILE_(SHA_A, "a") HARD_("b", "a"), FILE_(SHA_A, "b"), "G a, N b");
	check(FILE_(SHA_A, "a") FILE_(SHA_A, "b"), FILE_(SHA_A, "a") HARD_("b", "a"),
	      "N b");
}

static void test_order(void **state)
{
	check(FILE_(SHA_A, "b") FILE_(SHA_A, "a"), "",
	      "manifest: line 3: the paths are not in order");
	check(FILE_(SHA_A, "a") FILE_(SHA_A, "a"), "",
	      "manifest: line 3: the paths are not in order");
}

static void test_lines(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *path = xasprintf("%s/m", dir);
	_cleanup_manifest_map_ struct manifest_map m = { 0 };
	_cleanup_manifest_walk_ struct manifest_walk w = { 0 };
	_cleanup_str_ struct str text = STR_INIT;
	struct manifest_head head = { .members = 2 };
	struct err err = { 0 };

	manifest_head_write(&head, &text);
	str_add(&text, FILE_(SHA_A, "a"));
	put_file(dir, "m", text.p);
	assert_ok(manifest_map_open(&m, path, &err), &err);
	assert_ok(manifest_walk_begin(&w, &m, &err), &err);
	assert_ok(manifest_walk_next(&w, &err), &err);
	assert_err(manifest_walk_next(&w, &err), &err, ERR_OPERATOR,
		   "has 1 lines instead of 2");
}

static void test_want(void **state)
{
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_want_ struct want w = { 0 };
	struct err err = { 0 };

	want_head(&text, SHA_A);
	want_add(&text, WANT_DATA, "a b\nc");
	want_add(&text, WANT_PROOF, ".");
	assert_ok(want_begin(&w, text.p, text.len, &err), &err);
	assert_string_equal(w.nonce.p, SHA_A);
	assert_ok(want_next(&w, &err), &err);
	assert_int_equal(w.kind, WANT_DATA);
	assert_string_equal(w.path.p, "a b\nc");
	assert_ok(want_next(&w, &err), &err);
	assert_string_equal(w.path.p, ".");
	assert_int_equal(want_next(&w, &err), 1);
	want_done(&w);
	want_add(&text, WANT_DATA, "../a");
	assert_ok(want_begin(&w, text.p, text.len, &err), &err);
	assert_ok(want_next(&w, &err), &err);
	assert_ok(want_next(&w, &err), &err);
	assert_err(want_next(&w, &err), &err, ERR_OPERATOR, "line 4 is broken");
	want_done(&w);
	assert_err(want_begin(&w, "nimadm-want 1 aa\n", 17, &err), &err, ERR_OPERATOR,
		   "line 1 is broken");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes), cmocka_unit_test(test_index),
		cmocka_unit_test(test_names),	cmocka_unit_test(test_order),
		cmocka_unit_test(test_lines),	cmocka_unit_test(test_want),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
