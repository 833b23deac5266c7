/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading single files out of a Debian archive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>

#include "pkg/debfile.h"

static char dir[] = "/tmp/test-debfile.XXXXXX";

static void add(struct archive *a, const char *name, mode_t type, const char *data,
		size_t n)
{
	struct archive_entry *e = archive_entry_new();
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, type);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, type == AE_IFREG ? (la_int64_t)n : 0);
	if (type == AE_IFLNK)
		archive_entry_set_symlink(e, data);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	if (type == AE_IFREG)
		assert_int_equal(archive_write_data(a, data, n), (la_ssize_t)n);
	archive_entry_free(e);
}

static size_t make_data(char *buf, size_t cap)
{
	size_t used = 0;
	struct archive *a = archive_write_new();
	archive_write_set_format_gnutar(a);
	archive_write_add_filter_xz(a);
	assert_int_equal(archive_write_open_memory(a, buf, cap, &used), ARCHIVE_OK);
	add(a, "./etc/", AE_IFDIR, NULL, 0);
	add(a, "./etc/link", AE_IFLNK, "passwd", 0);
	add(a, "./etc/login.defs", AE_IFREG, "PASS 1\n", 7);
	archive_write_free(a);
	return used;
}

static void make_deb(const char *path, bool with_data)
{
	char data[8192];
	size_t n = make_data(data, sizeof(data));
	struct archive *a = archive_write_new();
	archive_write_set_format_ar_bsd(a);
	assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
	add(a, "debian-binary", AE_IFREG, "2.0\n", 4);
	add(a, "control.tar", AE_IFREG, "", 0);
	if (with_data)
		add(a, "data.tar.xz", AE_IFREG, data, n);
	archive_write_free(a);
}

static void reads_one_file(void **state)
{
	_cleanup_free_ char *deb = xasprintf("%s/a.deb", dir);
	make_deb(deb, true);
	struct err err = { 0 };
	_cleanup_str_ struct str out = STR_INIT;
	assert_int_equal(deb_read_member(deb, "/etc/login.defs", &out, &err), 0);
	assert_string_equal(str_c(&out), "PASS 1\n");
	assert_int_equal(deb_read_member(deb, "etc/absent", &out, &err), 1);
	assert_int_equal(deb_read_member(deb, "/etc/link", &out, &err), 1);
	assert_int_equal(out.len, 7);
	unlink(deb);
}

static void names_a_broken_archive(void **state)
{
	_cleanup_free_ char *deb = xasprintf("%s/b.deb", dir);
	_cleanup_str_ struct str out = STR_INIT;
	struct err err = { 0 };
	assert_int_equal(deb_read_member(deb, "/x", &out, &err), -1);
	assert_non_null(strstr(err.msg, "b.deb is no readable Debian archive: "));

	make_deb(deb, false);
	err_clear(&err);
	assert_int_equal(deb_read_member(deb, "/x", &out, &err), -1);
	assert_non_null(strstr(err.msg, "no data.tar in it"));

	make_deb(deb, true);
	assert_int_equal(truncate(deb, 260), 0);
	err_clear(&err);
	assert_int_equal(deb_read_member(deb, "/etc/login.defs", &out, &err), -1);
	assert_int_equal(err.kind, ERR_OPERATOR);
	unlink(deb);
}

static int setup(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	return rmdir(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_one_file),
		cmocka_unit_test(names_a_broken_archive),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
