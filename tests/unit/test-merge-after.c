/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merge methods that run after the packages, on fixture roots; and the saved configuration. */
#include "test.h"

#include <archive.h>
#include <archive_entry.h>

#include "merge-fixture.h"

#define WANTS "/etc/systemd/system/multi-user.target.wants/"

static void accounts_stay(void **state)
{
	struct fixture f;
	fixture_init(&f);
	fixture_put(
		&f.old, "/etc/passwd",
		"root:x:0:0:root:/root:/bin/bash\nalice:x:1001:1500::/home/alice:/bin/bash\n"
		"app:x:450:450::/srv:/bin/sh\n");
	fixture_put(&f.old, "/etc/shadow", "root:$y$1:1::::::\nalice:$6$a:1::::::\n");
	fixture_put(&f.new, "/etc/passwd",
		    "root:x:0:0:root:/root:/bin/bash\napp:x:451:450::/srv:/bin/sh\n"
		    "new:x:999:999::/:/bin/false\n");
	fixture_put(&f.new, "/etc/shadow", "root:$y$2:1::::::\nnew:!:1::::::\n");
	fixture_run(&f, "users");
	fixture_is(&f.new, "/etc/passwd",
		   "root:x:0:0:root:/root:/bin/bash\napp:x:451:450::/srv:/bin/sh\n"
		   "new:x:999:999::/:/bin/false\n"
		   "alice:x:1001:1500::/home/alice:/bin/bash\n");
	fixture_is(&f.new, "/etc/shadow",
		   "root:$y$1:1::::::\nnew:!:1::::::\nalice:$6$a:1::::::\n");
	fixture_has_finding(&f, "merge.users.lost", FINDING_WARN, "alice (number 1001)");
	fixture_has_finding(&f, "merge.users.number", FINDING_WARN,
			    "app had 450 and has 451");
	fixture_has_finding(&f, "merge.users.password", FINDING_WARN, "root");
	for (size_t i = 0; i < f.findings.n; i++)
		assert_null(strchr(f.findings.v[i].evidence, '$'));
	const json_t *added = json_object_get(json_object_get(f.c.report, "users"),
					      "added");
	assert_int_equal(json_array_size(added), 1);
	fixture_done(&f);
}

static void unit(struct fixture *f, const char *name)
{
	_cleanup_free_ char *path = xasprintf("/usr/lib/systemd/system/%s", name);
	fixture_both(f, path, "[Unit]\n");
}

static void service_states_stay(void **state)
{
	struct fixture f;
	fixture_init(&f);
	static const char *const units[] = { "kept.service",  "dropped.service",
					     "moved.service", "off.service",
					     "fresh.service", "masked.service" };
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		unit(&f, units[i]);
	fixture_link(&f.old, WANTS "kept.service", "/lib/systemd/system/kept.service");
	fixture_link(&f.new, WANTS "kept.service",
		     "/usr/lib/systemd/system/kept.service");
	fixture_link(&f.old, WANTS "dropped.service",
		     "/lib/systemd/system/dropped.service");
	fixture_link(&f.old, WANTS "moved.service", "/lib/systemd/system/moved.service");
	fixture_link(&f.new, "/etc/systemd/system/basic.target.wants/moved.service",
		     "/usr/lib/systemd/system/moved.service");
	fixture_link(&f.old, WANTS "gone.service", "/lib/systemd/system/gone.service");
	/* Disabled by the administrator: deb-systemd-helper had enabled it once. */
	fixture_both(&f,
		     "/var/lib/systemd/deb-systemd-helper-enabled/off.service.dsh-also",
		     "");
	fixture_link(&f.new, WANTS "off.service", "/usr/lib/systemd/system/off.service");
	/* Never enabled before: the new version's decision. */
	fixture_link(&f.new, WANTS "fresh.service",
		     "/usr/lib/systemd/system/fresh.service");
	fixture_link(&f.old, "/etc/systemd/system/masked.service", "/dev/null");
	fixture_run(&f, "services");
	struct stat st;
	assert_int_equal(root_lstat(&f.new, WANTS "dropped.service", &st), 0);
	assert_int_equal(root_lstat(&f.new, WANTS "moved.service", &st), -1);
	assert_int_equal(root_lstat(&f.new, WANTS "gone.service", &st), -1);
	assert_int_equal(root_lstat(&f.new, WANTS "off.service", &st), -1);
	assert_int_equal(root_lstat(&f.new, WANTS "fresh.service", &st), 0);
	_cleanup_free_ char *mask = root_readlink(&f.new,
						  "/etc/systemd/system/masked.service");
	assert_non_null(mask);
	assert_string_equal(mask, "/dev/null");
	fixture_has_finding(&f, "merge.services.gone", FINDING_WARN, "gone.service");
	assert_int_equal(f.findings.n, 1);
	fixture_done(&f);
}

static void a_new_mask_on_an_enabled_unit_goes(void **state)
{
	struct fixture f;
	fixture_init(&f);
	unit(&f, "app.service");
	fixture_link(&f.old, WANTS "app.service", "/lib/systemd/system/app.service");
	fixture_link(&f.new, WANTS "app.service", "/lib/systemd/system/app.service");
	fixture_link(&f.new, "/etc/systemd/system/app.service", "/dev/null");
	fixture_run(&f, "services");
	struct stat st;
	assert_int_equal(root_lstat(&f.new, "/etc/systemd/system/app.service", &st), -1);
	assert_int_equal(root_lstat(&f.new, WANTS "app.service", &st), 0);
	fixture_done(&f);
}

static void language_and_zone_stay(void **state)
{
	struct fixture f;
	fixture_init(&f);
	fixture_put(&f.old, "/etc/default/locale", "LANG=\"de_DE.UTF-8\"\nLC_TIME=C\n");
	fixture_put(&f.new, "/etc/locale.conf", "LANG=de_DE.UTF-8\n");
	fixture_link(&f.new, "/etc/default/locale", "../locale.conf");
	fixture_link(&f.old, "/etc/localtime", "/usr/share/zoneinfo/US/Eastern");
	fixture_link(&f.new, "/etc/localtime", "/usr/share/zoneinfo/US/Eastern");
	fixture_put(&f.new, "/usr/share/zoneinfo/America/New_York", "TZif");
	fixture_run(&f, "locale");
	fixture_is(&f.new, "/etc/locale.conf", "LANG=de_DE.UTF-8\nLC_TIME=\"C\"\n");
	_cleanup_free_ char *zone = root_readlink(&f.new, "/etc/localtime");
	assert_string_equal(zone, "/usr/share/zoneinfo/America/New_York");
	fixture_done(&f);
}

static void identity_is_put_back(void **state)
{
	struct fixture f;
	fixture_init(&f);
	fixture_both(&f, "/etc/hostname", "web\n");
	fixture_put(&f.old, "/etc/ssh/ssh_host_ed25519_key", "old key\n");
	fixture_put(&f.new, "/etc/ssh/ssh_host_ed25519_key", "new key\n");
	fixture_put(&f.old, "/etc/machine-id", "0123\n");
	fixture_run(&f, "machine_identity");
	fixture_is(&f.new, "/etc/ssh/ssh_host_ed25519_key", "old key\n");
	fixture_is(&f.new, "/etc/machine-id", "0123\n");
	assert_int_equal(f.findings.n, 2);
	fixture_done(&f);
}

static void what_the_administrators_script_did_stays(void **state)
{
	struct fixture f;
	fixture_init(&f);
	unit(&f, "app.service");
	fixture_both(&f, "/etc/hostname", "old-name\n");
	fixture_both(&f, "/etc/passwd",
		     "root:x:0:0::/root:/bin/sh\nbob:x:9:9::/:/bin/sh\n");
	fixture_link(&f.old, WANTS "app.service", "/usr/lib/systemd/system/app.service");
	/* The pre-migration script renames the machine, removes an account, disables a unit. */
	fixture_put(&f.new, "/etc/hostname", "new-name\n");
	fixture_put(&f.new, "/etc/passwd",
		    "root:x:0:0::/root:/bin/sh\neve:x:8:8::/:/bin/sh\n");
	assert_ok(merge_run(&f.c, MERGE_BEFORE_PACKAGES, &f.err), &f.err);
	/* The packages lose an account and make a host key. */
	fixture_put(&f.new, "/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
	assert_ok(merge_run(&f.c, MERGE_BEFORE_PACKAGES, &f.err), &f.err);
	assert_ok(merge_run(&f.c, MERGE_AFTER_PACKAGES, &f.err), &f.err);
	fixture_is(&f.new, "/etc/hostname", "new-name\n");
	fixture_is(&f.new, "/etc/passwd",
		   "root:x:0:0::/root:/bin/sh\neve:x:8:8::/:/bin/sh\n");
	struct stat st;
	assert_int_equal(root_lstat(&f.new, WANTS "app.service", &st), -1);
	fixture_done(&f);
}

static void advice_follows_what_is_there(void **state)
{
	struct fixture f;
	fixture_init(&f);
	fixture_both(&f, "/etc/postgresql/15/main/postgresql.conf", "");
	fixture_both(&f, "/etc/postgresql/15/second/postgresql.conf", "");
	fixture_both(&f, "/etc/postgresql/17/main/postgresql.conf", "");
	fixture_both(&f, "/usr/lib/postgresql/15/bin/x", "");
	fixture_both(&f, "/usr/lib/postgresql/17/bin/x", "");
	fixture_both(&f, "/root/.ssh/authorized_keys", "# ssh-dss x\nssh-ed25519 y\n");
	fixture_both(&f, "/home/a/.ssh/authorized_keys", "ssh-dss AAAA a\n");
	fixture_both(&f, "/etc/php/8.2/fpm/pool.d/www.conf", "");
	fixture_both(&f, "/etc/php/8.2/fpm/pool.d/shop.conf", "");
	fixture_put(
		&f.old, "/var/lib/ucf/hashfile",
		"00000000000000000000000000000000  /etc/php/8.2/fpm/pool.d/www.conf\n");
	fixture_put(&f.new, "/etc/php/8.4/x", "");
	fixture_run(&f, "advice");
	fixture_has_finding(&f, "advice.postgresql", FINDING_WARN,
			    "/etc/postgresql/15/main/postgresql.conf\n"
			    "/etc/postgresql/15/second/postgresql.conf");
	const struct finding *cluster = fixture_find(&f, "advice.postgresql");
	assert_true(cluster && strstr(cluster->remedy, "pg_upgradecluster 15 "));
	fixture_has_finding(&f, "advice.ssh-dss", FINDING_WARN, "/home/a/");
	fixture_has_finding(&f, "advice.php-pool", FINDING_WARN,
			    "/etc/php/8.2/fpm/pool.d/shop.conf");
	assert_int_equal(f.findings.n, 3);
	fixture_done(&f);
}

static void missing_keyrings_are_told(void **state)
{
	struct fixture f;
	fixture_init(&f);
	fixture_both(&f, "/usr/share/keyrings/good.gpg", "x");
	fixture_both(&f, "/etc/apt/sources.list",
		     "deb [signed-by=/usr/share/keyrings/gone.gpg] http://a b c\n");
	fixture_both(&f, "/etc/apt/sources.list.d/x.sources",
		     "Types: deb\nSigned-By: /usr/share/keyrings/good.gpg\n");
	fixture_run(&f, "apt_sources_check");
	assert_int_equal(f.findings.n, 1);
	fixture_has_finding(&f, "merge.apt_sources.keyring", FINDING_WARN, "gone.gpg");
	fixture_done(&f);
}

static bool tar_has(const char *path, const char *name)
{
	struct archive *a = archive_read_new();
	archive_read_support_format_all(a);
	archive_read_support_filter_all(a);
	assert_int_equal(archive_read_open_filename(a, path, 65536), ARCHIVE_OK);
	bool found = false;
	for (struct archive_entry *e; archive_read_next_header(a, &e) == ARCHIVE_OK;)
		found = found || streq(archive_entry_pathname(e), name);
	archive_read_free(a);
	return found;
}

static void the_old_configuration_is_saved(void **state)
{
	struct fixture f;
	fixture_init(&f);
	fixture_put(&f.old, "/etc/ssl/private/key", "secret\n");
	_cleanup_free_ char *dir = xasprintf("%s/old/etc/ssl/private", f.dir);
	assert_int_equal(chmod(dir, 0710), 0);
	fixture_link(&f.old, "/etc/alternatives/editor", "/usr/bin/vi");
	fixture_put(&f.old, "/etc/n\351e.conf", "odd name\n");
	fixture_put(
		&f.old, "/var/lib/dpkg/status",
		"Package: a\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 1\n");
	_cleanup_free_ char *tar = xasprintf("%s/save.tar.zst", f.dir);
	for (int i = 0; i < 2; i++) {
		assert_ok(merge_save_config(&f.c, tar, &f.err), &f.err);
		fixture_is(&f.new, "/var/adm/nimadm/save/etc/ssl/private/key",
			   "secret\n");
		fixture_is(&f.new, "/var/adm/nimadm/save/etc/n\351e.conf", "odd name\n");
		fixture_is(&f.new, "/var/adm/nimadm/save/selections", "a:amd64\thold\n");
		struct stat st;
		assert_int_equal(root_stat(&f.new, "/var/adm/nimadm/save", &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
		assert_int_equal(
			root_stat(&f.new, "/var/adm/nimadm/save/etc/ssl/private", &st),
			0);
		assert_int_equal(st.st_mode & 07777, 0710);
		assert_true(tar_has(tar, "etc/ssl/private/key"));
		assert_true(tar_has(tar, "etc/n\351e.conf"));
		assert_true(tar_has(tar, "var/lib/dpkg/status"));
	}
	fixture_done(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(accounts_stay),
		cmocka_unit_test(service_states_stay),
		cmocka_unit_test(a_new_mask_on_an_enabled_unit_goes),
		cmocka_unit_test(language_and_zone_stay),
		cmocka_unit_test(identity_is_put_back),
		cmocka_unit_test(what_the_administrators_script_did_stays),
		cmocka_unit_test(advice_follows_what_is_there),
		cmocka_unit_test(missing_keyrings_are_told),
		cmocka_unit_test(the_old_configuration_is_saved),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
