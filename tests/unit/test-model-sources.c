/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moving apt's source lists to another release. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/sources.h"

static const struct sources_move bookworm = { .from = "bookworm", .to = "trixie" };
static const struct sources_move bullseye = { .from = "bullseye",
					      .to = "bookworm",
					      .add_firmware = true };

static void list_is(const struct sources_move *m, const char *in, const char *want)
{
	_cleanup_str_ struct str out = STR_INIT;
	_cleanup_sources_ struct sources_result res = SOURCES_RESULT_INIT;
	sources_move_list(m, in, strlen(in), &out, &res);
	assert_string_equal(str_c(&out), want);
}

static void deb822_is(const struct sources_move *m, const char *in, const char *want)
{
	_cleanup_str_ struct str out = STR_INIT;
	_cleanup_sources_ struct sources_result res = SOURCES_RESULT_INIT;
	struct err err = { 0 };
	assert_int_equal(sources_move_deb822(m, "t", in, strlen(in), &out, &res, &err),
			 0);
	assert_string_equal(str_c(&out), want);
}

static void moves_one_line_entries(void **state)
{
	list_is(&bookworm,
		"# deb http://ftp.debian.org/debian bookworm main\n"
		"deb  http://ftp.debian.org/debian\tbookworm main contrib # keep\n"
		"\n"
		"deb-src [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-bookworm-stable.gpg] "
		"http://mirror.example.org/pub/debian/ bookworm-updates main\n"
		"deb http://security.debian.org/debian-security bookworm-security main",
		"# deb http://ftp.debian.org/debian bookworm main\n"
		"deb  http://ftp.debian.org/debian\ttrixie main contrib # keep\n"
		"\n"
		"deb-src [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
		"http://mirror.example.org/pub/debian/ trixie-updates main\n"
		"deb http://security.debian.org/debian-security trixie-security main");
	list_is(&bullseye,
		"deb http://security.debian.org bullseye/updates main non-free\n"
		"deb http://ftp.debian.org/debian stable main\n",
		"deb http://security.debian.org/debian-security bookworm-security main "
		"non-free non-free-firmware\n"
		"deb http://ftp.debian.org/debian bookworm main\n");
}

static void disables_what_is_not_debians(void **state)
{
	static const char *const others[] = {
		"deb https://download.docker.com/linux/debian bookworm stable",
		"deb http://apt.postgresql.org/pub/repos/apt bookworm-pgdg main",
		"deb [trusted=yes] https://packages.gitlab.com/gitlab/gitlab-ce/debian/ bookworm main",
		"deb https://repo.example.org/apt ./",
		"deb cdrom:[Debian GNU/Linux 12.0.0 _Bookworm_ - Official]/ bookworm main",
		"deb http://snapshot.example/archive/debian/20250101T000000Z bookworm main",
		"deb http://ftp.debian.org/debian sid main",
		"deb http://ftp.debian.org/debian bullseye main",
	};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		_cleanup_str_ struct str out = STR_INIT;
		_cleanup_sources_ struct sources_result res = SOURCES_RESULT_INIT;
		sources_move_list(&bookworm, others[i], strlen(others[i]), &out, &res);
		assert_int_equal(res.disabled.n, 1);
		assert_string_equal(res.disabled.v[0], others[i]);
		_cleanup_free_ char *want =
			xasprintf("# %s # disabled by nimadm on the way to trixie: %s",
				  others[i], res.why.v[0]);
		assert_string_equal(str_c(&out), want);
	}
}

static void keeps_what_is_moved_already(void **state)
{
	static const char text[] =
		"deb http://ftp.debian.org/debian trixie main\n"
		"deb http://ftp.debian.org/debian trixie-security main\n"
		"deb\n"
		"deb [arch=amd64 http://x y z\n"
		"nonsense\n";
	_cleanup_str_ struct str out = STR_INIT;
	_cleanup_sources_ struct sources_result res = SOURCES_RESULT_INIT;
	sources_move_list(&bookworm, text, sizeof(text) - 1, &out, &res);
	assert_string_equal(str_c(&out), text);
	assert_int_equal(res.kept.n, 2);
	assert_int_equal(res.moved.n + res.disabled.n, 0);
}

static void moves_deb822(void **state)
{
	deb822_is(&bullseye,
		  "# my mirror\n"
		  "Types: deb deb-src\n"
		  "# http://old.example.org\n"
		  "URIs: http://ftp.debian.org/debian\n"
		  "Suites: bullseye\n"
		  "# backports, too\n"
		  "  bullseye-backports\n"
		  "Components: main non-free\n"
		  "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
		  "\n\n"
		  "Types: deb\n"
		  "URIs: https://repo.example.com/x\n"
		  "suites: bullseye\n"
		  "Components: main\n"
		  "# end",
		  "# my mirror\n"
		  "Types: deb deb-src\n"
		  "# http://old.example.org\n"
		  "URIs: http://ftp.debian.org/debian\n"
		  "Suites: bookworm\n"
		  "# backports, too\n"
		  "  bookworm-backports\n"
		  "Components: main non-free non-free-firmware\n"
		  "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
		  "\n\n"
		  "# disabled by nimadm on the way to bookworm: third-party archive\n"
		  "Enabled: no\n"
		  "Types: deb\n"
		  "URIs: https://repo.example.com/x\n"
		  "suites: bullseye\n"
		  "Components: main\n"
		  "# end");
	deb822_is(&bookworm,
		  "Enabled: yes\nTypes: deb\nURIs: https://repo.example.com\n"
		  "Suites: any\nComponents: main\n",
		  "# disabled by nimadm on the way to trixie: third-party archive\n"
		  "Enabled: no\nTypes: deb\nURIs: https://repo.example.com\n"
		  "Suites: any\nComponents: main\n");
	/* Off already: no business of ours. */
	deb822_is(&bookworm,
		  "Types: deb\nURIs: http://ftp.debian.org/debian\nSuites: bookworm\n"
		  "Components: main\nEnabled: no\n",
		  "Types: deb\nURIs: http://ftp.debian.org/debian\nSuites: bookworm\n"
		  "Components: main\nEnabled: no\n");
}

static enum sources_origin says(void *arg, const char *uri, const char *suite)
{
	return *(enum sources_origin *)arg;
}

static void believes_the_index_before_the_looks(void **state)
{
	enum sources_origin answer = SOURCES_DEBIAN;
	struct sources_move m = bookworm;
	m.origin = says;
	m.arg = &answer;
	list_is(&m, "deb http://apt.example.org/x bookworm main\n",
		"deb http://apt.example.org/x trixie main\n");
	answer = SOURCES_OTHER;
	list_is(&m, "deb http://mirror.example.org/debian bookworm main\n",
		"# deb http://mirror.example.org/debian bookworm main # disabled by nimadm on "
		"the way to trixie: third-party archive\n");
}

static void drops_pins_of_the_old_release(void **state)
{
	static const char text[] = "Package: *\n"
				   "Pin: release a=stable\n"
				   "Pin-Priority: 900\n"
				   "\n"
				   "Explanation: hold back\n"
				   "Package: nginx*\n"
				   "Pin: release o=Debian, n=bookworm-backports\n"
				   "Pin-Priority: 990\n"
				   "\n"
				   "Package: acme\n"
				   "Pin: origin repo.example.org\n"
				   "Pin-Priority: 1\n";
	static const char want[] =
		"Package: *\n"
		"Pin: release a=stable\n"
		"Pin-Priority: 900\n"
		"\n"
		"# disabled by nimadm on the way to trixie: pins the old release\n"
		"# Explanation: hold back\n"
		"# Package: nginx*\n"
		"# Pin: release o=Debian, n=bookworm-backports\n"
		"# Pin-Priority: 990\n"
		"\n"
		"Package: acme\n"
		"Pin: origin repo.example.org\n"
		"Pin-Priority: 1\n";
	_cleanup_str_ struct str out = STR_INIT;
	_cleanup_strv_ struct strv pins = STRV_INIT;
	struct err err = { 0 };
	assert_int_equal(sources_drop_pins(&bookworm, "t", text, sizeof(text) - 1, &out,
					   &pins, &err),
			 0);
	assert_string_equal(str_c(&out), want);
	assert_int_equal(pins.n, 1);
	assert_string_equal(pins.v[0], "Package: nginx*, Pin: release o=Debian, "
				       "n=bookworm-backports");
}

static void refuses_malformed_deb822(void **state)
{
	static const char text[] = "Types: deb\nno colon\n";
	_cleanup_str_ struct str out = STR_INIT;
	_cleanup_sources_ struct sources_result res = SOURCES_RESULT_INIT;
	struct err err = { 0 };
	assert_int_equal(sources_move_deb822(&bookworm, "debian.sources", text,
					     sizeof(text) - 1, &out, &res, &err),
			 -1);
	assert_true(starts_with(err.msg, "debian.sources: line 2: "));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_one_line_entries),
		cmocka_unit_test(disables_what_is_not_debians),
		cmocka_unit_test(keeps_what_is_moved_already),
		cmocka_unit_test(moves_deb822),
		cmocka_unit_test(believes_the_index_before_the_looks),
		cmocka_unit_test(drops_pins_of_the_old_release),
		cmocka_unit_test(refuses_malformed_deb822),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
