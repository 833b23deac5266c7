/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dpkg's status file as records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/dpkg.h"

static const char text[] =
	"Package: login\n"
	"Essential: yes\n"
	"Status: install ok installed\n"
	"Priority: required\n"
	"Section: admin\n"
	"Installed-Size: 10\n"
	"Architecture: amd64\n"
	"Version: 1:4.13+dfsg1-1\n"
	"Conffiles:\n"
	" /etc/login.defs f43a7b1eb7e082f1d4e2cb8f8376e71b\n"
	" /etc/old name b43a7b1eb7e082f1d4e2cb8f8376e71b obsolete\n"
	" /etc/fresh newconffile\n"
	" /etc/rm c43a7b1eb7e082f1d4e2cb8f8376e71b obsolete remove-on-upgrade\n"
	"\n"
	"Package: libx\n"
	"Status: deinstall ok config-files\n"
	"Architecture: i386\n"
	"Version: 1\n"
	"\n"
	"Package: libx\n"
	"Status: hold ok installed\n"
	"Architecture: amd64\n"
	"Version: 2\n";

static void reads_packages(void **state)
{
	_cleanup_dpkg_status_ struct dpkg_status st = DPKG_STATUS_INIT;
	struct err err = { 0 };
	assert_int_equal(dpkg_status_parse(&st, "status", text, sizeof(text) - 1, &err),
			 0);
	assert_int_equal(st.n, 3);
	const struct dpkg_package *p = dpkg_status_find(&st, "login", NULL);
	assert_true(p->essential);
	assert_int_equal(p->installed_size, 10240);
	assert_string_equal(p->version, "1:4.13+dfsg1-1");
	assert_int_equal(p->n_conffiles, 4);
	assert_string_equal(p->conffiles[0].path, "/etc/login.defs");
	assert_string_equal(p->conffiles[0].md5, "f43a7b1eb7e082f1d4e2cb8f8376e71b");
	assert_false(p->conffiles[0].obsolete);
	assert_string_equal(p->conffiles[1].path, "/etc/old name");
	assert_true(p->conffiles[1].obsolete);
	assert_string_equal(p->conffiles[2].path, "/etc/fresh");
	assert_string_equal(p->conffiles[2].md5, "");
	assert_string_equal(p->conffiles[3].path, "/etc/rm");
	assert_string_equal(p->conffiles[3].md5, "c43a7b1eb7e082f1d4e2cb8f8376e71b");
}

static void prefers_what_is_present(void **state)
{
	_cleanup_dpkg_status_ struct dpkg_status st = DPKG_STATUS_INIT;
	assert_int_equal(dpkg_status_parse(&st, "status", text, sizeof(text) - 1, NULL),
			 0);
	assert_string_equal(dpkg_status_find(&st, "libx", NULL)->want, "hold");
	assert_false(dpkg_is_present(dpkg_status_find(&st, "libx", "i386")));
	assert_null(dpkg_status_find(&st, "absent", NULL));
}

static void refuses_a_broken_file(void **state)
{
	static const char *const bad[] = { "Package: a\nVersion: 1\n",
					   "Status: a b c\n" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_dpkg_status_ struct dpkg_status st = DPKG_STATUS_INIT;
		struct err err = { 0 };
		assert_int_equal(
			dpkg_status_parse(&st, "status", bad[i], strlen(bad[i]), &err),
			-1);
		assert_true(starts_with(err.msg, "status: line 1: "));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_packages),
		cmocka_unit_test(prefers_what_is_present),
		cmocka_unit_test(refuses_a_broken_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
