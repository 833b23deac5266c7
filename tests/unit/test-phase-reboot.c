/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a client has lost by a reboot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "phase/reboot.h"

static struct running system_of(const char *services, const char *failed)
{
	struct running r = RUNNING_INIT;

	strv_split(&r.services, services, " ");
	strv_split(&r.failed, failed, " ");
	return r;
}

static void lost(const char *before_services, const char *before_failed,
		 const char *now_services, const char *now_failed, const char *want)
{
	_cleanup_running_ struct running before = system_of(before_services,
							    before_failed);
	_cleanup_running_ struct running now = system_of(now_services, now_failed);
	_cleanup_free_ char *got = running_lost(&before, &now);

	assert_string_equal(got, want);
}

static void test_lost(void **state)
{
	lost("nginx.service ssh.service", "", "nginx.service ssh.service new.service", "",
	     "");
	lost("nginx.service ssh.service", "", "ssh.service", "",
	     "nginx.service is not running");
	lost("nginx.service", "", "", "nginx.service", "nginx.service has failed");
	lost("a.service", "", "", "b.mount",
	     "b.mount has failed, a.service is not running");
}

static void test_not_lost(void **state)
{
	lost("", "old.service", "", "old.service", "");
	lost("user@0.service getty@tty1.service serial-getty@ttyS0.service", "", "", "",
	     "");
}

static void test_kept(void **state)
{
	_cleanup_running_ struct running r = system_of("nginx.service", "x.mount");
	_cleanup_running_ struct running back = RUNNING_INIT;

	r.boot_id = xstrdup("b");
	r.root = xstrdup("r");
	r.codename = xstrdup("trixie");
	r.system = xstrdup("Debian GNU/Linux 13 (trixie)");
	json_t *j = running_to_json(&r);
	running_from_json(j, &back);
	json_decref(j);
	assert_string_equal(back.boot_id, "b");
	assert_string_equal(back.root, "r");
	assert_string_equal(back.codename, "trixie");
	assert_string_equal(back.system, "Debian GNU/Linux 13 (trixie)");
	assert_true(strv_has(&back.services, "nginx.service"));
	assert_true(strv_has(&back.failed, "x.mount"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_not_lost),
		cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
