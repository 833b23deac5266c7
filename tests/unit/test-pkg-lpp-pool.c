/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of archives, indexes, keyrings and re-encoding, in a scratch lpp_source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>

#include "pkg/debfile.h"
#include "pkg/lpp-keyring.h"
#include "pkg/lpp-pool.h"
#include "pkg/lpp-repack.h"
#include "sys/files.h"

static char dir[64];
static struct lpp lpp;

static char *below(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void put(const char *name, const char *text)
{
	_cleanup_free_ char *path = below(name);

	assert_int_equal(files_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

static int setup(void **state)
{
	static const char *const dirs[] = { "pool", "unpack", "lists" };

	snprintf(dir, sizeof(dir), "/tmp/test-lpp.XXXXXX");
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = below(dirs[i]);
		assert_int_equal(files_mkdirs(path, 0755, NULL), 0);
	}
	put("lpp.json", "{\"format\": 1, \"release\": \"trixie\", \"arch\": \"amd64\","
			" \"components\": \"main\", \"keyring\": \"/k.gpg\", \"sources\":"
			" [{\"uri\": \"http://h/d\", \"suite\": \"trixie\"}]}");
	return lpp_conf_load(&lpp, dir, NULL);
}

static int teardown(void **state)
{
	lpp_conf_done(&lpp);
	return files_rmtree(dir, NULL, NULL);
}

#define SUM_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SUM_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void test_records(void **state)
{
	const struct lpp_record first = { .sha256 = SUM_A, .size = 9 };
	const struct lpp_record second = { .sha256 = SUM_B, .size = 4 };
	struct err err = { 0 };

	assert_int_equal(lpp_pool_record(&lpp, LPP_POOL, "x_1_all.deb", &first, &err), 0);
	assert_int_equal(lpp_pool_record(&lpp, LPP_POOL, "x_1_all.deb", &second, &err),
			 0);
	_cleanup_map_ struct map *m = lpp_pool_records(&lpp, LPP_POOL, &err);
	assert_non_null(m);
	assert_int_equal(map_size(m), 1);
	const struct lpp_record *r = map_get(m, "x_1_all.deb");
	assert_string_equal(r->sha256, SUM_B); /* the last one counts */
	assert_false(lpp_pool_has(&lpp, LPP_POOL, m, "x_1_all.deb"));
	put("pool/x_1_all.deb", "fou");
	assert_false(lpp_pool_has(&lpp, LPP_POOL, m, "x_1_all.deb")); /* another size */
	put("pool/x_1_all.deb", "four");
	assert_true(lpp_pool_has(&lpp, LPP_POOL, m, "x_1_all.deb"));
}

/* A crash may leave half a line; a name must not lead anywhere else. */
static void test_bad_records(void **state)
{
	put("pool.sums",
	    SUM_A "  7  ok_1_all.deb\n" SUM_A "  7  ../x.deb\n" SUM_A "  seven  y.deb\n"
		  "abc  7  z.deb\n" SUM_B "  12");
	_cleanup_map_ struct map *m = lpp_pool_records(&lpp, LPP_POOL, NULL);
	assert_non_null(m);
	assert_int_equal(map_size(m), 1);
	assert_true(map_has(m, "ok_1_all.deb"));
}

static void test_verify(void **state)
{
	_cleanup_free_ char *path = below("pool/v_1_all.deb");
	_cleanup_free_ char *why = NULL, *why2 = NULL, *why3 = NULL, *why4 = NULL;
	const char *sum =
		"04efaf080f5a3e74e1c29d1ca6a48569382cbbcd324e8d59d2b83ef21c039f00";

	put("pool/v_1_all.deb", "four");
	assert_int_equal(lpp_pool_verify(path, sum, 4, &why, NULL), 0);
	assert_int_equal(lpp_pool_verify(path, SUM_A, 4, &why2, NULL), 1);
	assert_non_null(strstr(why2, "SHA-256"));
	assert_int_equal(lpp_pool_verify(path, sum, 5, &why3, NULL), 1);
	assert_string_equal(why3, "4 bytes instead of 5");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(lpp_pool_verify(path, sum, 4, &why4, NULL), 1);
	assert_string_equal(why4, "it is missing");
}

static void test_index(void **state)
{
	_cleanup_lpp_archives_ struct lpp_archives as = { 0 };
	_cleanup_map_ struct map *names = map_new(NULL);

	put("lists/h_d_dists_trixie_main_binary-amd64_Packages",
	    "Package: a\nVersion: 1:2\nArchitecture: all\nFilename: pool/a_2.deb\nSize: 5\n"
	    "SHA256: " SUM_A "\n\nPackage: nosum\nVersion: 1\nArchitecture: all\n"
	    "Filename: pool/n.deb\nSize: 5\n\n\nPackage: b\nDescription: x\n y\nVersion: 3\n"
	    "Architecture: amd64\nFilename: ./pool/b.deb\nSize: 6\nSHA256: " SUM_B);
	map_set(names, "a_1%3a2_all.deb", MAP_PRESENT);
	map_set(names, "b_3_amd64.deb", MAP_PRESENT);
	map_set(names, "b_4_amd64.deb", MAP_PRESENT);
	map_set(names, "nosum_1_all.deb", MAP_PRESENT);
	assert_int_equal(lpp_index_find(&lpp, names, &as, NULL), 0);
	assert_int_equal(as.n, 2);
	assert_string_equal(as.v[0].uri, "http://h/d/pool/a_2.deb");
	assert_int_equal(as.v[0].size, 5);
	assert_string_equal(as.v[1].uri, "http://h/d/pool/b.deb");
	assert_string_equal(as.v[1].sha256, SUM_B);
}

static void test_keyring(void **state)
{
	_cleanup_free_ char *armoured = below("key.asc"), *binary = below("key.gpg");
	_cleanup_str_ struct str got = STR_INIT;
	struct err err = { 0 };

	put("key.asc",
	    "-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: x\n\naGVs\nbG8s\nIQ==\n"
	    "=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n");
	assert_int_equal(lpp_keyring_install(armoured, binary, &err), 0);
	assert_int_equal(files_read(binary, 100, &got, &err), 0);
	assert_string_equal(str_c(&got), "hello,!");
	put("key.asc", "");
	assert_int_equal(lpp_keyring_install(armoured, binary, &err), -1);
}

static void add(struct archive *a, const char *name, const void *data, size_t n)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, (la_int64_t)n);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, data, n), (la_ssize_t)n);
	archive_entry_free(e);
}

static void make_deb(const char *path, bool xz)
{
	static char data[16384];
	size_t used = 0;
	struct archive *inner = archive_write_new(), *outer = archive_write_new();

	archive_write_set_format_gnutar(inner);
	if (xz)
		archive_write_add_filter_xz(inner);
	assert_int_equal(archive_write_open_memory(inner, data, sizeof(data), &used),
			 ARCHIVE_OK);
	add(inner, "./etc/x.conf", "value\n", 6);
	archive_write_free(inner);
	archive_write_set_format_ar_bsd(outer);
	assert_int_equal(archive_write_open_filename(outer, path), ARCHIVE_OK);
	add(outer, "debian-binary", "2.0\n", 4);
	add(outer, "control.tar", "odd", 3);
	add(outer, xz ? "data.tar.xz" : "data.tar", data, used);
	archive_write_free(outer);
}

static void test_repack(void **state)
{
	_cleanup_free_ char *from = below("pool/r.deb"), *to = below("unpack/r.deb");
	_cleanup_str_ struct str text = STR_INIT, raw = STR_INIT;
	struct err err = { 0 };

	make_deb(from, true);
	assert_int_equal(lpp_repack(from, to, &err), 0);
	assert_int_equal(deb_read_member(to, "/etc/x.conf", &text, &err), 0);
	assert_string_equal(str_c(&text), "value\n");
	assert_int_equal(files_read(to, 0, &raw, &err), 0);
	assert_non_null(memmem(str_c(&raw), raw.len, "data.tar.zst", 12));
	assert_int_equal(unlink(to), 0);
	make_deb(from, false);
	assert_int_equal(lpp_repack(from, to, &err), 1);
	assert_false(files_exists(to));
}

/* Not one cut, and no member length, may make it read or write beyond. */
static void test_repack_damaged(void **state)
{
	_cleanup_free_ char *from = below("pool/d.deb"), *to = below("unpack/d.deb");
	_cleanup_str_ struct str raw = STR_INIT;
	struct err err = { 0 };

	make_deb(from, true);
	assert_int_equal(files_read(from, 0, &raw, &err), 0);
	for (size_t n = 0; n + 4 < raw.len; n += 7) {
		struct err cut = { 0 };
		assert_int_equal(files_write_atomic(from, raw.p, n, 0644, &err), 0);
		int rc = lpp_repack(from, to, &cut);
		assert_true(rc == -1 || rc == 1); /* 1: cut before its data begins */
		assert_false(files_exists(to));
	}
	memcpy(raw.p + 8 + 48, "9999999999", 10);
	assert_int_equal(files_write_atomic(from, raw.p, raw.len, 0644, &err), 0);
	assert_int_equal(lpp_repack(from, to, &err), -1);
	assert_false(files_exists(to));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_records, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_records, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verify, setup, teardown),
		cmocka_unit_test_setup_teardown(test_index, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keyring, setup, teardown),
		cmocka_unit_test_setup_teardown(test_repack, setup, teardown),
		cmocka_unit_test_setup_teardown(test_repack_damaged, setup, teardown),
	};

	return cmocka_run_group_tests_name("pkg-lpp-pool", tests, NULL, NULL);
}
