/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merging /bin, /sbin and /lib* into /usr: links, duplicates, conflicts, crashes in between. */
#include "test.h"

#include "pkg/deb.h"

struct bed {
	char *dir;
	struct root root;
	struct pkg_ctx c;
};

static void put(struct bed *b, const char *path, const char *text)
{
	struct err err = { 0 };
	_cleanup_free_ char *parent = xstrdup(path);

	*strrchr(parent, '/') = '\0';
	assert_ok(root_mkdirs(&b->root, parent, 0755, &err), &err);
	assert_ok(root_write(&b->root, path, text, strlen(text), 0644, &err), &err);
}

static void put_link(struct bed *b, const char *target, const char *path)
{
	struct err err = { 0 };

	assert_ok(root_symlink(&b->root, target, path, &err), &err);
}

static void check(struct bed *b, const char *path, const char *text)
{
	_cleanup_str_ struct str s = STR_INIT;
	struct err err = { 0 };

	assert_ok(root_read(&b->root, path, 0, &s, &err), &err);
	assert_string_equal(str_c(&s), text);
}

static void check_link(struct bed *b, const char *path, const char *target)
{
	_cleanup_free_ char *got = root_readlink(&b->root, path);

	assert_non_null(got);
	assert_string_equal(got, target);
}

static void bed_init(struct bed *b)
{
	struct err err = { 0 };

	*b = (struct bed){ .dir = scratch_new(), .root = ROOT_INIT };
	assert_ok(root_open(&b->root, b->dir, &err), &err);
	b->c = (struct pkg_ctx){ .root = &b->root };
	put(b, "bin/ls", "ls");
	put(b, "usr/bin/sort", "sort");
	put(b, "sbin/init", "init");
	put(b, "lib/x86/libz.so.1.2", "libz");
	put(b, "usr/lib/x86/libq.so.1", "libq");
	put(b, "lib64/ld.so", "ld");
}

static void bed_done(struct bed *b)
{
	root_done(&b->root);
	scratch_free(b->dir);
}

static void directories_become_links(void **state)
{
	struct bed b;
	struct err err = { 0 };
	struct stat st;

	bed_init(&b);
	put_link(&b, "libz.so.1.2", "lib/x86/libz.so.1");
	put_link(&b, "/lib/x86/libz.so.1.2", "usr/lib/x86/libz.so");
	put_link(&b, "../../etc/conf", "lib/x86/conf");
	put_link(&b, "../../../lib/x86/libz.so.1.2", "usr/lib/x86/up.so");
	/* Twice: what is merged is left alone. */
	assert_ok(deb_merge_usr(&b.c, &err), &err);
	assert_ok(deb_merge_usr(&b.c, &err), &err);
	check_link(&b, "bin", "usr/bin");
	check_link(&b, "lib", "usr/lib");
	check_link(&b, "lib64", "usr/lib64");
	check(&b, "usr/bin/ls", "ls");
	check(&b, "bin/sort", "sort");
	check(&b, "usr/lib/x86/libz.so.1", "libz");
	check(&b, "usr/lib/x86/libz.so", "libz");
	check(&b, "usr/lib/x86/up.so", "libz");
	check(&b, "lib/x86/libq.so.1", "libq");
	/* It climbed to / from two levels; there are three now. */
	check_link(&b, "usr/lib/x86/conf", "../../../etc/conf");
	assert_int_equal(root_lstat(&b.root, "lib32", &st), -1);
	bed_done(&b);
}

static void duplicates_that_are_the_same_go(void **state)
{
	struct bed b;
	struct err err = { 0 };

	bed_init(&b);
	put(&b, "usr/bin/ls", "ls");
	put_link(&b, "/usr/bin/sort", "bin/sort");
	put_link(&b, "/sbin/init", "usr/init-is-elsewhere");
	put(&b, "usr/sbin/other", "other");
	put_link(&b, "/sbin/init", "usr/sbin/init");
	assert_ok(deb_merge_usr(&b.c, &err), &err);
	check(&b, "bin/sort", "sort");
	check(&b, "usr/sbin/init", "init");
	check(&b, "usr/init-is-elsewhere", "init");
	bed_done(&b);
}

static void files_that_differ_stop_it(void **state)
{
	struct bed b;
	struct err err = { 0 };

	bed_init(&b);
	put(&b, "usr/bin/ls", "another ls");
	assert_err(deb_merge_usr(&b.c, &err), &err, ERR_OPERATOR,
		   "/bin/ls and /usr/bin/ls both exist and differ");
	check(&b, "bin/ls", "ls");
	check(&b, "usr/bin/ls", "another ls");
	/* Repaired by the administrator, it goes on where it stopped. */
	err_clear(&err);
	assert_ok(root_unlink(&b.root, "usr/bin/ls", &err), &err);
	assert_ok(deb_merge_usr(&b.c, &err), &err);
	check(&b, "usr/bin/ls", "ls");
	bed_done(&b);
}

static void a_crash_before_the_link_is_completed(void **state)
{
	struct bed b;
	struct err err = { 0 };

	bed_init(&b);
	assert_ok(root_rename(&b.root, "bin/ls", "usr/bin/ls", &err), &err);
	assert_ok(root_rmtree(&b.root, "bin", &err), &err);
	assert_ok(deb_merge_usr(&b.c, &err), &err);
	check(&b, "bin/ls", "ls");
	bed_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directories_become_links),
		cmocka_unit_test(duplicates_that_are_the_same_go),
		cmocka_unit_test(files_that_differ_stop_it),
		cmocka_unit_test(a_crash_before_the_link_is_completed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
