/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one solve: apt's lines, the classes of removals, the base system, refusals. */
#include "pkg-fake.h"

#include "pkg/deb.h"
#include "sys/files.h"

static const char sim[] =
	"Reading package lists...\n"
	"The following packages have been kept back:\n"
	"  htop\n"
	"Remv libssl3 [3.0.22-1~deb12u2] [curl:amd64 ]\n"
	"Inst libssl3t64 (3.5.7-1~deb13u3 Debian-Security:13/stable-security [amd64]) []\n"
	"Inst base-files [12.4+deb12u15] (13.8+deb13u7 Debian:13.7/stable [amd64])\n"
	"Conf base-files (13.8+deb13u7 Debian:13.7/stable [amd64])\n"
	"Inst attr [1:2.5.1-4] (1:2.5.2-3 Debian:13.7/stable, Other:1/x [amd64])\n"
	"Remv php8.2-cli [8.2.1-1]\n"
	"Inst php8.4-cli (8.4.28-1~deb13u1 Debian:13.7/stable [amd64])\n"
	"Remv liboldthing2 [1-1]\n"
	"Remv leafapp [2-1]\n";

static const char show_come[] =
	"Package: libssl3t64\nVersion: 3.5.7-1~deb13u3\nArchitecture: amd64\n"
	"Provides: libssl3 (= 3.5.7)\nReplaces: libssl3\nBreaks: libssl3 (<< 3.5)\n"
	"Installed-Size: 9000\n\n"
	"Package: base-files\nVersion: 13.8+deb13u7\nEssential: yes\nPriority: required\n"
	"Pre-Depends: awk\nDepends: libcrypt1 | nothing, libssl3 (>= 3) | other\n"
	"Installed-Size: 400\n\n"
	"Package: attr\nVersion: 1:2.5.2-3\nInstalled-Size: 150\n\n"
	"Package: php8.4-cli\nVersion: 8.4.28-1~deb13u1\nInstalled-Size: 5000\n";

static const char status[] =
	"Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\n"
	"Version: 3.0.22-1~deb12u2\nSection: libs\nInstalled-Size: 6000\n\n"
	"Package: base-files\nEssential: yes\nStatus: install ok installed\n"
	"Architecture: amd64\nVersion: 12.4+deb12u15\nInstalled-Size: 340\n\n"
	"Package: php8.2-cli\nStatus: install ok installed\nArchitecture: amd64\n"
	"Version: 8.2.1-1\nSection: php\nInstalled-Size: 4000\n\n"
	"Package: liboldthing2\nStatus: install ok installed\nArchitecture: amd64\n"
	"Version: 1-1\nSection: oldlibs\nInstalled-Size: 10\n\n"
	"Package: leafapp\nStatus: install ok installed\nArchitecture: all\n"
	"Version: 2-1\nSection: admin\nInstalled-Size: 10\n";

struct bed {
	char *dir;
	struct root root;
	struct fake_runner fake;
	struct events events;
	struct pkg_ctx c;
};

static void bed_init(struct bed *b, const char *status_text, struct fake_answer *answers,
		     size_t n)
{
	struct err err = { 0 };

	*b = (struct bed){
		.dir = scratch_new(),
		.root = ROOT_INIT,
		.fake = { .runner = { &fake_ops }, .answers = answers, .n = n }
	};
	assert_ok(root_open(&b->root, b->dir, &err), &err);
	assert_ok(root_mkdirs(&b->root, "var/lib/dpkg", 0755, &err), &err);
	assert_ok(root_mkdirs(&b->root, "var/lib/apt", 0755, &err), &err);
	assert_ok(root_write(&b->root, "var/lib/dpkg/status", status_text,
			     strlen(status_text), 0644, &err),
		  &err);
	b->c = (struct pkg_ctx){ .root = &b->root,
				 .run = &b->fake.runner,
				 .events = &b->events,
				 .lpp_dir = b->dir,
				 .work_dir = b->dir,
				 .release = "trixie" };
}

static void bed_done(struct bed *b)
{
	strv_done(&b->fake.calls);
	root_done(&b->root);
	scratch_free(b->dir);
}

static void lines_become_items(void **state)
{
	_cleanup_(pkg_plan_done) struct pkg_plan p = PKG_PLAN_INIT;
	struct err err = { 0 };

	assert_int_equal(deb_sim_line(&p, "Conf attr (1 x [amd64])", &err), 0);
	assert_int_equal(
		deb_sim_line(&p,
			     "Inst attr [1:2.5.1-4] (1:2.5.2-3 Debian:13.7/stable, "
			     "Other:1/x [amd64]) []",
			     &err),
		1);
	assert_string_equal(p.v[0].old_version, "1:2.5.1-4");
	assert_string_equal(p.v[0].new_version, "1:2.5.2-3");
	assert_string_equal(p.v[0].arch, "amd64");
	assert_string_equal(p.v[0].file, "attr_1%3a2.5.2-3_amd64.deb");
	assert_int_equal(p.v[0].action, PKG_UPGRADE);
	assert_int_equal(deb_sim_line(&p, "Inst libc6:i386 (2 D:1/s [i386])", &err), 1);
	assert_string_equal(p.v[1].name, "libc6");
	assert_string_equal(p.v[1].arch, "i386");
	assert_int_equal(p.v[1].action, PKG_INSTALL);
	assert_int_equal(deb_sim_line(&p, "Remv old:i386 [1]", &err), 1);
	assert_string_equal(p.v[2].arch, "i386");
	assert_err(deb_sim_line(&p, "Inst broken [1", &err), &err, ERR_INTERNAL,
		   "broken");
}

static void a_package_that_returns_is_an_upgrade(void **state)
{
	static const char *const lines[] = {
		"Remv cron [1]",
		"Remv gone [1]",
		"Inst other (2 D:1/s [amd64])",
		"Inst cron (3 D:1/s [amd64])",
		"Remv libx:i386 [1]",
		"Inst libx (3 D:1/s [amd64])",
		"Remv kept [1]",
		"Inst kept [1] (3 D:1/s [amd64])",
	};
	_cleanup_(pkg_plan_done) struct pkg_plan p = PKG_PLAN_INIT;
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(deb_sim_line(&p, lines[i], &err), 1);
	for (size_t i = 0; i < p.n; i++)
		if (!p.v[i].arch)
			p.v[i].arch = xstrdup("amd64");
	deb_sim_join_returns(&p);
	assert_int_equal(p.n, 6);
	assert_string_equal(p.v[0].name, "gone");
	assert_int_equal(p.v[0].action, PKG_REMOVE);
	assert_string_equal(p.v[2].name, "cron");
	assert_int_equal(p.v[2].action, PKG_UPGRADE);
	assert_string_equal(p.v[2].old_version, "1");
	/* Of another architecture: a package of its own. */
	assert_int_equal(p.v[3].action, PKG_REMOVE);
	assert_int_equal(p.v[4].action, PKG_INSTALL);
	/* With the old version named again, as apt does for cron. */
	assert_string_equal(p.v[5].name, "kept");
	assert_int_equal(p.v[5].action, PKG_UPGRADE);
	assert_string_equal(p.v[5].old_version, "1");
}

static void uris_are_read(void **state)
{
	struct deb_uri u;

	assert_false(deb_sim_uri("Need to get 0 B/337 MB of archives.", &u));
	assert_false(deb_sim_uri("'http://x/y.deb' y.deb notanumber", &u));
	assert_true(
		deb_sim_uri("'http://m/a%2b1.deb' a+1_amd64.deb 88296 SHA256:ab", &u));
	assert_string_equal(u.uri, "http://m/a%2b1.deb");
	assert_string_equal(u.name, "a+1_amd64.deb");
	assert_int_equal(u.size, 88296);
	assert_string_equal(u.hash, "SHA256:ab");
	deb_uri_done(&u);
}

static void plan_is_classified(void **state)
{
	struct fake_answer answers[] = {
		{ "apt-get", sim, .times = 1 },
		{ "--print-uris",
		  "'http://m/attr.deb' attr_1%3a2.5.2-3_amd64.deb 100 SHA256:aa\n"
		  "'file:/lpp_source/local/p.deb' php8.4-cli_8.4.28-1~deb13u1_amd64.deb "
		  "5 SHA256:bb\n" },
		{ "attr=1:2.5.2-3", show_come },
		{ "show", "Package: leafapp\nVersion: 3-1\n" },
	};
	struct bed b;
	struct err err = { 0 };
	_cleanup_(pkg_plan_done) struct pkg_plan p = PKG_PLAN_INIT;
	_cleanup_strv_ struct strv missing = STRV_INIT;
	static const char autos[] = "Package: liboldthing2\nAuto-Installed: 1\n";

	bed_init(&b, status, answers, ARRAY_SIZE(answers));
	assert_ok(root_write(&b.root, "var/lib/apt/extended_states", autos, strlen(autos),
			     0644, &err),
		  &err);
	assert_ok(deb_plan(&b.c, &p, &missing, &err), &err);
	assert_int_equal(p.n, 8);
	assert_int_equal(missing.n, 1);
	assert_string_equal(missing.v[0],
			    "http://m/attr.deb attr_1%3a2.5.2-3_amd64.deb 100 SHA256:aa");
	assert_int_equal(p.download_bytes, 100);

	const struct pkg_item *ssl = pkg_plan_find(&p, "libssl3", "amd64");
	assert_int_equal(ssl->removal, PKG_REPLACED);
	assert_string_equal(ssl->replaced_by, "libssl3t64");
	/* base-files is essential and needs libssl3, which libssl3t64 provides: both and what they replace are bos. */
	assert_true(ssl->bos);
	assert_true(pkg_plan_find(&p, "base-files", NULL)->bos);
	assert_true(pkg_plan_find(&p, "libssl3t64", NULL)->bos);
	assert_false(pkg_plan_find(&p, "attr", NULL)->bos);
	assert_string_equal(pkg_plan_find(&p, "php8.2-cli", NULL)->replaced_by,
			    "php8.4-cli");
	assert_string_equal(pkg_plan_find(&p, "php8.4-cli", NULL)->file,
			    "/lpp_source/local/p.deb");
	assert_int_equal(pkg_plan_find(&p, "liboldthing2", NULL)->removal, PKG_OBSOLETE);
	assert_int_equal(pkg_plan_find(&p, "leafapp", "all")->removal, PKG_LOST);
	assert_int_equal(pkg_plan_find(&p, "base-files", NULL)->size_delta, 60 * 1024);
	bed_done(&b);
}

static void missing_archives_are_an_error_where_none_may_be(void **state)
{
	struct fake_answer answers[] = {
		{ "-s full-upgrade", "Inst a [1] (2 D:1/s [all])\n" },
		{ "--print-uris", "'http://m/a.deb' a_2_all.deb 7 SHA256:aa\n" },
		{ "show", "Package: a\nVersion: 2\n" },
	};
	struct bed b;
	struct err err = { 0 };
	_cleanup_(pkg_plan_done) struct pkg_plan p = PKG_PLAN_INIT;

	bed_init(&b, status, answers, ARRAY_SIZE(answers));
	assert_err(deb_plan(&b.c, &p, NULL, &err), &err, ERR_OPERATOR, "a_2_all.deb");
	bed_done(&b);
}

static void guarded_packages_stay(void **state)
{
	struct fake_answer answers[] = {
		{ "-s full-upgrade", "Remv postgresql-15 [15.1]\nRemv bash [5.1]\n"
				     "Remv leafapp [2-1]\n" },
		{ "--print-uris", "" },
		{ "show", "N: Unable to locate\n", .status = 100 },
	};
	static const char with_bash[] =
		"Package: bash\nEssential: yes\nStatus: install ok installed\n"
		"Architecture: amd64\nVersion: 5.1\n";
	struct bed b;
	struct err err = { 0 };
	_cleanup_(pkg_plan_done) struct pkg_plan p = PKG_PLAN_INIT;

	bed_init(&b, with_bash, answers, ARRAY_SIZE(answers));
	answers[2].out = "";
	assert_err(deb_plan(&b.c, &p, NULL, &err), &err, ERR_UNFIT,
		   "postgresql-15 (serves");
	assert_non_null(strstr(err.msg, "bash (essential)"));
	assert_null(strstr(err.msg, "leafapp"));
	assert_int_not_equal(strlen(err.remedy), 0);
	bed_done(&b);
}

static void unsolvable_requests_are_unfit(void **state)
{
	struct fake_answer answers[] = {
		{ "-s full-upgrade",
		  "The following packages have unmet dependencies:\n"
		  " foreign : Depends: libold but it is not going to be installed\n",
		  .status = 100 },
	};
	struct bed b;
	struct err err = { 0 };
	_cleanup_(pkg_plan_done) struct pkg_plan p = PKG_PLAN_INIT;

	bed_init(&b, status, answers, ARRAY_SIZE(answers));
	assert_err(deb_plan(&b.c, &p, NULL, &err), &err, ERR_UNFIT, "foreign : Depends");
	bed_done(&b);
}

static void client_policy_is_kept(void **state)
{
	struct bed b;
	struct err err = { 0 };
	_cleanup_strv_ struct strv argv = STRV_INIT;
	static const char conf[] = "// APT::Install-Suggests \"true\";\n"
				   "APT { Install-Recommends \"false\"; };\n"
				   "DPkg::Pre-Invoke { \"rm -rf /\"; };\n";

	bed_init(&b, status, NULL, 0);
	assert_ok(root_mkdirs(&b.root, "etc/apt/apt.conf.d", 0755, &err), &err);
	assert_ok(root_write(&b.root, "etc/apt/apt.conf.d/99x", conf, strlen(conf), 0644,
			     &err),
		  &err);
	deb_apt_argv(&b.c, "apt-get", &argv);
	assert_true(strv_has(&argv, "APT::Install-Recommends=false"));
	_cleanup_free_ char *line = strv_join(&argv, " ");
	assert_null(strstr(line, "Suggests"));
	assert_null(strstr(line, "Pre-Invoke"));
	bed_done(&b);
}

static void path_filters_are_the_clients(void **state)
{
	struct bed b;
	struct err err = { 0 };
	_cleanup_strv_ struct strv argv = STRV_INIT;
	static const char conf[] = "# path-exclude=/no\npath-exclude=/usr/share/doc/*\n"
				   "force-all\npath-include=/usr/share/doc/*/copyright\n";

	bed_init(&b, status, NULL, 0);
	assert_ok(root_mkdirs(&b.root, "etc/dpkg/dpkg.cfg.d", 0755, &err), &err);
	assert_ok(root_write(&b.root, "etc/dpkg/dpkg.cfg.d/x", conf, strlen(conf), 0644,
			     &err),
		  &err);
	deb_dpkg_argv(&b.c, "dpkg", &argv);
	_cleanup_free_ char *line = strv_join(&argv, " ");
	/* First everything, whatever the SPOT leaves out, then the client's own. */
	assert_non_null(strstr(line, "--path-include=* --path-exclude=/usr/share/doc/* "
				     "--path-include=/usr/share/doc/*/copyright"));
	assert_null(strstr(line, "force-all"));
	bed_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_items),
		cmocka_unit_test(a_package_that_returns_is_an_upgrade),
		cmocka_unit_test(uris_are_read),
		cmocka_unit_test(plan_is_classified),
		cmocka_unit_test(missing_archives_are_an_error_where_none_may_be),
		cmocka_unit_test(guarded_packages_stay),
		cmocka_unit_test(unsolvable_requests_are_unfit),
		cmocka_unit_test(client_policy_is_kept),
		cmocka_unit_test(path_filters_are_the_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
