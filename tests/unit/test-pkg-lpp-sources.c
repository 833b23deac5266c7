/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading apt's source lists and deriving those of another release. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "pkg/lpp-index.h"
#include "pkg/lpp-sources.h"
#include "sys/files.h"

static void parse(struct lpp_entries *es, const char *text)
{
	struct err err = { 0 };

	assert_int_equal(lpp_sources_parse_deb822(es, "test", text, strlen(text), &err),
			 0);
}

static void test_deb822(void **state)
{
	_cleanup_lpp_entries_ struct lpp_entries es = { 0 };

	parse(&es,
	      "# The archive\n"
	      "Types: deb deb-src\n"
	      "URIs: http://a/debian\n"
	      "Suites: bookworm\n bookworm-updates\n"
	      "Components: main\n"
	      "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
	      "\n"
	      "Types: deb-src\nURIs: http://src/debian\nSuites: bookworm\nComponents: main\n"
	      "\n"
	      "Enabled: no\nTypes: deb\nURIs: http://off/debian\nSuites: bookworm\n"
	      "Components: main\n");
	assert_int_equal(es.n, 2);
	assert_string_equal(es.v[0].uri, "http://a/debian");
	assert_string_equal(es.v[1].suite, "bookworm-updates");
	assert_string_equal(es.v[1].components, "main");
}

static void test_one_line(void **state)
{
	_cleanup_lpp_entries_ struct lpp_entries es = { 0 };

	lpp_sources_parse_list(&es, "# deb http://no/debian bookworm main\n"
				    "deb http://a/debian bookworm main contrib # here\n"
				    "deb-src http://a/debian bookworm main\n"
				    "deb [arch=amd64 signed-by=/k.gpg] https://b/x y z\n"
				    "deb [broken http://c d e\n"
				    "deb\n");
	assert_int_equal(es.n, 2);
	assert_string_equal(es.v[0].components, "main contrib");
	assert_null(es.v[0].signed_by);
	assert_string_equal(es.v[1].uri, "https://b/x");
	assert_string_equal(es.v[1].signed_by, "/k.gpg");
}

static void derive(const char *lists, const char *suites, const char *const *expected)
{
	_cleanup_lpp_entries_ struct lpp_entries es = { 0 };
	_cleanup_lpp_sources_ struct lpp_sources s = { 0 };
	struct err err = { 0 };
	size_t n = 0;

	lpp_sources_parse_list(&es, lists);
	assert_int_equal(lpp_sources_derive(&s, &es, suites, &err), 0);
	for (; expected[2 * n]; n++) {
		assert_true(n < s.n);
		assert_string_equal(s.v[n].uri, expected[2 * n]);
		assert_string_equal(s.v[n].suite, expected[2 * n + 1]);
		assert_false(s.v[n].optional);
	}
	assert_int_equal(s.n, n);
}

static const char trixie[] = "trixie trixie-updates trixie-security";

/* Others may use Debian's suite names, and an archive of security updates may be anywhere. */
static void test_derive(void **state)
{
	const char *const third[] = { "http://m/debian",
				      "trixie",
				      "http://m/debian",
				      "trixie-updates",
				      "http://s/debian",
				      "trixie-security",
				      NULL };

	derive("deb https://apt.example.com bookworm stable\n"
	       "deb [signed-by=/k/own.gpg] https://rel.example.com/debian bookworm main\n"
	       "deb http://m/debian/ bookworm main\n"
	       "deb http://s/debian/ bookworm-security main\n",
	       trixie, third);
}

static void test_derive_security(void **state)
{
	const char *const own[] = { "http://m/debian",
				    "trixie",
				    "http://m/debian",
				    "trixie-updates",
				    "http://m/debian-security",
				    "trixie-security",
				    NULL };
	const char *const beside[] = { "http://m/debian", "bullseye",
				       "http://m/debian-security", "bullseye-security",
				       NULL };

	derive("deb http://m/debian bookworm main\n"
	       "deb http://m/debian-security bookworm-security main\n",
	       trixie, own);
	derive("deb http://m/debian stable main\n"
	       "deb http://m/debian-security stable-security main\n",
	       trixie, own);
	derive("deb http://m/debian bookworm main\n", "bullseye, bullseye-security",
	       beside);
}

/* A key may be given by its text or its fingerprint; then the address has to tell. */
static void test_derive_inline_key(void **state)
{
	_cleanup_lpp_entries_ struct lpp_entries es = { 0 };
	_cleanup_lpp_sources_ struct lpp_sources s = { 0 };
	struct err err = { 0 };

	parse(&es,
	      "Types: deb\nURIs: http://m/debian\nSuites: bookworm\nComponents: main\n"
	      "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDM\n"
	      " -----END PGP PUBLIC KEY BLOCK-----\n");
	_cleanup_lpp_entries_ struct lpp_entries print = { 0 };
	_cleanup_lpp_sources_ struct lpp_sources t = { 0 };
	parse(&print,
	      "Types: deb\nURIs: http://m/debian\nSuites: bookworm\nComponents: main\n"
	      "Signed-By: B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8\n");
	assert_int_equal(lpp_sources_derive(&t, &print, "trixie", &err), 0);
	assert_string_equal(t.v[0].uri, "http://m/debian");
	assert_int_equal(lpp_sources_derive(&s, &es, "trixie", &err), 0);
	assert_string_equal(s.v[0].uri, "http://m/debian");
}

static void test_derive_nothing(void **state)
{
	_cleanup_lpp_entries_ struct lpp_entries es = { 0 };
	_cleanup_lpp_sources_ struct lpp_sources s = { 0 };
	struct err err = { 0 };

	lpp_sources_parse_list(&es, "deb https://apt.example.com nodistro main\n");
	assert_int_equal(lpp_sources_derive(&s, &es, trixie, &err), -1);
	assert_int_equal(err.kind, ERR_OPERATOR);
	assert_non_null(strstr(err.remedy, "source="));
}

static int from_base(struct lpp_sources *s, const char *base, bool split, bool strict)
{
	struct err err = { 0 };
	const struct lpp_base b = {
		.base = base, .suites = trixie, .split_security = split, .strict = strict
	};

	return lpp_sources_from_base(s, &b, &err) < 0 ? (int)err.kind : 0;
}

static void test_base(void **state)
{
	_cleanup_lpp_sources_ struct lpp_sources a = { 0 }, b = { 0 }, c = { 0 },
						 d = { 0 }, e = { 0 };

	assert_int_equal(from_base(&a, "http://m/debian/", false, false), 0);
	assert_string_equal(a.v[2].uri, "http://m/debian-security");
	assert_false(a.v[0].optional);
	assert_true(a.v[1].optional && a.v[2].optional);
	assert_int_equal(from_base(&b, "http://m/own", false, true), 0);
	assert_string_equal(b.v[2].uri, "http://m/own");
	assert_false(b.v[2].optional);
	assert_int_equal(from_base(&c, "http://m/own", true, false), 0);
	assert_string_equal(c.v[2].uri, "http://m/own-security");
	assert_int_equal(from_base(&e, "http://m:8080", true, false), 0);
	assert_string_equal(e.v[2].uri, "http://m:8080");
	assert_int_equal(from_base(&d, "http://m/a b", false, false), ERR_USAGE);
	assert_int_equal(from_base(&d, "http://m/\nTrusted: yes", false, false),
			 ERR_USAGE);
	assert_int_equal(from_base(&d, "gopher://m/debian", false, false), ERR_USAGE);
	assert_int_equal(from_base(&d, "file:/nonexistent", false, false), ERR_OPERATOR);
	assert_int_equal(d.n, 0);
}

static void test_directories(void **state)
{
	char top[] = "/tmp/test-lpp sources.XXXXXX";
	_cleanup_lpp_sources_ struct lpp_sources flat = { 0 }, tree = { 0 };

	assert_non_null(mkdtemp(top));
	_cleanup_free_ char *uri = xasprintf("file://%s", top);
	_cleanup_free_ char *dists = xasprintf("%s/dists", top);
	assert_int_equal(from_base(&flat, top, false, false), 0);
	assert_int_equal(flat.n, 1);
	assert_true(flat.v[0].flat);
	assert_true(starts_with(flat.v[0].uri, "copy:/tmp/test-lpp%20sources."));
	_cleanup_free_ char *back = lpp_sources_local_dir(flat.v[0].uri);
	assert_string_equal(back, top);
	assert_int_equal(mkdir(dists, 0755), 0);
	assert_int_equal(from_base(&tree, uri, false, false), 0);
	assert_int_equal(tree.n, 3);
	assert_string_equal(tree.v[2].suite, "trixie-security");
	assert_int_equal(rmdir(dists), 0);
	assert_int_equal(rmdir(top), 0);
}

static void list_name(const char *uri, const char *suite, bool flat, const char *file,
		      const char *expected)
{
	_cleanup_lpp_sources_ struct lpp_sources s = { 0 };

	lpp_sources_add(&s, uri, suite, false, flat);
	_cleanup_free_ char *name = lpp_sources_list_name(&s.v[0], file);
	assert_string_equal(name, expected);
}

/* As apt 2.6 and 3.0 named them. */
static void test_list_names(void **state)
{
	list_name(
		"http://ftp.debian.org/debian-security", "trixie-security", false,
		"main/binary-amd64/Packages",
		"ftp.debian.org_debian-security_dists_trixie-security_main_binary-amd64_Packages");
	list_name("https://user:secret@host:8080/d", "trixie", false, "InRelease",
		  "host:8080_d_dists_trixie_InRelease");
	list_name("copy:/srv/a_b", "trixie", false, "InRelease",
		  "_srv_a%5fb_dists_trixie_InRelease");
	list_name("file:/lpp_source/local", "./", true, "Packages",
		  "_lpp%5fsource_local_._Packages");
}

static void test_archive_names(void **state)
{
	_cleanup_free_ char *name =
		lpp_index_archive_name("libcap2-bin", "1:2.75-10+deb13u1+b3", "amd64");
	_cleanup_free_ char *odd = lpp_index_archive_name("a", "1_2/../x", "all");

	assert_string_equal(name, "libcap2-bin_1%3a2.75-10+deb13u1+b3_amd64.deb");
	assert_string_equal(odd, "a_1%5f2%2f..%2fx_all.deb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deb822),
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_derive),
		cmocka_unit_test(test_derive_security),
		cmocka_unit_test(test_derive_inline_key),
		cmocka_unit_test(test_derive_nothing),
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_list_names),
		cmocka_unit_test(test_archive_names),
	};

	return cmocka_run_group_tests_name("pkg-lpp-sources", tests, NULL, NULL);
}
