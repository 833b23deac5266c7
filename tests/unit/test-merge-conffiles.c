/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Three-way merge of configuration files, with this machine's merge tool. */
#include "test.h"

#include "merge-fixture.h"
#include "merge/refine.h"
#include "merge/shipped.h"
#include "merge/three-way.h"

#include "merge/method.h"

static const char base_text[] = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";
static const char mine_text[] = "one\nTWO of mine\nthree\nfour\nfive\nsix\nseven\n";
static const char theirs_text[] = "one\ntwo\nthree\nfour\nfive\nsix is new\nseven\n";
static const char merged_text[] =
	"one\nTWO of mine\nthree\nfour\nfive\nsix is new\nseven\n";
static const char clash_text[] = "one\ntwo of theirs\nthree\nfour\nfive\nsix\nseven\n";

static char *md5_of(const char *text)
{
	char *hex = xmalloc(33);
	method_md5(text, strlen(text), hex);
	return hex;
}

/* A status file with one package and one configuration file. */
static void put_status(const struct root *r, const char *version, const char *shipped)
{
	_cleanup_free_ char *md5 = md5_of(shipped);
	_cleanup_free_ char *text = xasprintf("Package: app\n"
					      "Status: install ok installed\n"
					      "Architecture: all\n"
					      "Version: %s\n"
					      "Conffiles:\n"
					      " /etc/app.conf %s\n",
					      version, md5);
	fixture_put(r, "/var/lib/dpkg/status", text);
}

static const char *offered; /* what `pristine` gives; NULL: not to be had */

static int pristine(void *arg, const char *pkg, const char *version, const char *arch,
		    const char *path, struct str *out, struct err *err)
{
	assert_string_equal(pkg, "app");
	assert_string_equal(version, "1");
	assert_string_equal(arch, "all");
	assert_string_equal(path, "/etc/app.conf");
	if (!offered)
		return 1;
	str_add(out, offered);
	return 0;
}

/* An edited file, kept by dpkg, with the new version beside it. */
static void kept(struct fixture *f, const char *theirs)
{
	fixture_init(f);
	f->c.pristine = pristine;
	put_status(&f->old, "1", base_text);
	put_status(&f->new, "2", theirs);
	fixture_both(f, "/etc/app.conf", mine_text);
	fixture_put(&f->new, "/etc/app.conf.dpkg-dist", theirs);
	offered = base_text;
}

static const char *result_of(const struct fixture *f, size_t i)
{
	const json_t *files = json_object_get(json_object_get(f->c.report, "conffiles"),
					      "files");
	const char *s =
		json_string_value(json_object_get(json_array_get(files, i), "result"));
	return s ? s : "";
}

static void merges_cleanly(void **state)
{
	struct fixture f;
	kept(&f, theirs_text);
	_cleanup_free_ char *path = xasprintf("%s/new/etc/app.conf", f.dir);
	assert_int_equal(chmod(path, 0600), 0);
	fixture_run(&f, "conffiles");
	fixture_is(&f.new, "/etc/app.conf", merged_text);
	assert_false(root_exists(&f.new, "/etc/app.conf.dpkg-dist"));
	fixture_is(&f.new, "/var/adm/nimadm/save/etc/app.conf", mine_text);
	struct stat st;
	assert_int_equal(root_stat(&f.new, "/etc/app.conf", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_string_equal(result_of(&f, 0), "merged");
	fixture_done(&f);
}

static void keeps_both_on_conflict(void **state)
{
	struct fixture f;
	kept(&f, clash_text);
	fixture_run(&f, "conffiles");
	fixture_is(&f.new, "/etc/app.conf", mine_text);
	fixture_is(&f.new, "/etc/app.conf.dpkg-dist", clash_text);
	fixture_has_finding(&f, "conffiles.conflict", FINDING_WARN,
			    "/etc/app.conf (yours), /etc/app.conf.dpkg-dist (new)\n"
			    "<<<<<<< administrator\nTWO of mine\n");
	assert_string_equal(result_of(&f, 0), "conflict");
	fixture_done(&f);
}

static void reports_texts_that_are_no_utf8(void **state)
{
	struct fixture f;
	kept(&f, clash_text);
	fixture_both(&f, "/etc/app.conf",
		     "one\nTWO \351t\351\nthree\nfour\nfive\nsix\nseven\n");
	for (int i = 0; i < 2; i++) {
		struct findings found = FINDINGS_INIT;
		struct merge_ctx c = f.c;
		c.findings = &found;
		c.report = json_object();
		assert_ok(merge_run(&c, MERGE_AFTER_PACKAGES, &f.err), &f.err);
		assert_true(found.n >= 1);
		json_t *j = findings_to_json(&found);
		char *text = json_dumps(j, 0);
		assert_non_null(strstr(text, "conffiles.conflict"));
		free(text);
		json_decref(j);
		json_decref(c.report);
		findings_done(&found);
	}
	fixture_done(&f);
}

static void trusts_only_the_recorded_version(void **state)
{
	static const char *const offers[] = { NULL, "something else\n" };
	for (size_t i = 0; i < ARRAY_SIZE(offers); i++) {
		struct fixture f;
		kept(&f, theirs_text);
		offered = offers[i];
		fixture_run(&f, "conffiles");
		fixture_is(&f.new, "/etc/app.conf", mine_text);
		fixture_is(&f.new, "/etc/app.conf.dpkg-dist", theirs_text);
		fixture_has_finding(&f, "conffiles.unmerged", FINDING_WARN,
				    "not to be had");
		fixture_done(&f);
	}
}

static void ignores_what_an_earlier_upgrade_left(void **state)
{
	struct fixture f;
	kept(&f, theirs_text);
	/* The package did not change its file; the .dpkg-dist is old. */
	put_status(&f.new, "2", base_text);
	fixture_run(&f, "conffiles");
	fixture_is(&f.new, "/etc/app.conf", mine_text);
	fixture_is(&f.new, "/etc/app.conf.dpkg-dist", theirs_text);
	assert_int_equal(f.findings.n, 0);
	fixture_done(&f);
}

static void leaves_unedited_files(void **state)
{
	struct fixture f;
	kept(&f, theirs_text);
	fixture_put(&f.old, "/etc/app.conf", base_text);
	fixture_put(&f.new, "/etc/app.conf", theirs_text);
	fixture_run(&f, "conffiles");
	fixture_is(&f.new, "/etc/app.conf", theirs_text);
	assert_int_equal(f.findings.n, 0);
	fixture_done(&f);
}

static void merges_what_the_administrators_script_edited(void **state)
{
	struct fixture f;
	kept(&f, theirs_text);
	fixture_put(&f.old, "/etc/app.conf", base_text);
	fixture_run(&f, "conffiles");
	fixture_is(&f.new, "/etc/app.conf", merged_text);
	fixture_done(&f);
}

static void brings_replaced_edits_back(void **state)
{
	struct fixture f;
	kept(&f, theirs_text);
	fixture_put(&f.new, "/etc/app.conf", theirs_text);
	assert_ok(root_unlink(&f.new, "/etc/app.conf.dpkg-dist", &f.err), &f.err);
	fixture_run(&f, "conffiles");
	fixture_is(&f.new, "/etc/app.conf", merged_text);
	fixture_done(&f);

	kept(&f, clash_text);
	fixture_put(&f.new, "/etc/app.conf", clash_text);
	assert_ok(root_unlink(&f.new, "/etc/app.conf.dpkg-dist", &f.err), &f.err);
	fixture_run(&f, "conffiles");
	fixture_is(&f.new, "/etc/app.conf", clash_text);
	fixture_is(&f.new, "/etc/app.conf.dpkg-old", mine_text);
	fixture_done(&f);
}

static void tells_about_obsolete_and_deleted_files(void **state)
{
	struct fixture f;
	kept(&f, theirs_text);
	assert_ok(root_unlink(&f.new, "/etc/app.conf", &f.err), &f.err);
	assert_ok(root_unlink(&f.new, "/etc/app.conf.dpkg-dist", &f.err), &f.err);
	fixture_put(&f.new, "/etc/app.conf.dpkg-bak", mine_text);
	fixture_run(&f, "conffiles");
	fixture_has_finding(&f, "conffiles.obsolete", FINDING_WARN,
			    "/etc/app.conf is now /etc/app.conf.dpkg-bak");
	fixture_done(&f);

	kept(&f, theirs_text);
	assert_ok(root_unlink(&f.old, "/etc/app.conf", &f.err), &f.err);
	assert_ok(root_unlink(&f.new, "/etc/app.conf", &f.err), &f.err);
	fixture_run(&f, "conffiles");
	assert_int_equal(f.findings.n, 0);
	assert_false(root_exists(&f.new, "/etc/app.conf"));
	fixture_put(&f.new, "/etc/app.conf", theirs_text);
	fixture_run(&f, "conffiles");
	fixture_has_finding(&f, "conffiles.returned", FINDING_WARN, "/etc/app.conf");
	fixture_done(&f);
}

static void settings_that_moved_are_no_loss(void **state)
{
	struct fixture f;
	fixture_init(&f);
	_cleanup_free_ char *md5 = md5_of(base_text);
	_cleanup_free_ char *status = xasprintf(
		"Package: procps\nStatus: install ok installed\nArchitecture: all\n"
		"Version: 1\nConffiles:\n /etc/sysctl.conf %s\n",
		md5);
	fixture_both(&f, "/var/lib/dpkg/status", status);
	fixture_both(&f, "/etc/sysctl.conf", "net.ipv4.ip_forward=1\n");
	assert_ok(merge_run(&f.c, MERGE_BEFORE_PACKAGES, &f.err), &f.err);
	assert_ok(root_rename(&f.new, "/etc/sysctl.conf", "/etc/sysctl.conf.dpkg-bak",
			      &f.err),
		  &f.err);
	assert_ok(merge_run(&f.c, MERGE_AFTER_PACKAGES, &f.err), &f.err);
	fixture_has_finding(&f, "conffiles.obsolete", FINDING_INFO,
			    "sysctl.conf.dpkg-bak");
	fixture_done(&f);
}

static void put_ucf(const struct root *r, const char *shipped)
{
	_cleanup_free_ char *md5 = md5_of(shipped);
	_cleanup_free_ char *text = xasprintf("%s  /etc/app.conf\n", md5);
	fixture_put(r, "/var/lib/ucf/hashfile", text);
	fixture_put(r, "/var/lib/dpkg/status",
		    "Package: app\nStatus: install ok installed\nArchitecture: all\n"
		    "Version: 1\n");
}

static void merges_ucfs_files(void **state)
{
	/* The pristine file: from ucf's cache, or anywhere with the recorded checksum. */
	for (int cached = 0; cached < 2; cached++) {
		struct fixture f;
		fixture_init(&f);
		put_ucf(&f.old, base_text);
		put_ucf(&f.new, theirs_text);
		fixture_both(&f, "/etc/app.conf", mine_text);
		fixture_put(&f.new, "/etc/app.conf.ucf-dist", theirs_text);
		if (cached) {
			fixture_put(&f.old, "/var/lib/ucf/cache/:etc:app.conf",
				    base_text);
		} else {
			_cleanup_free_ char *md5 = md5_of(base_text);
			_cleanup_free_ char *sums = xasprintf(
				"0123  usr/a\n%s  usr/share/app/app.conf\n", md5);
			fixture_put(&f.old, "/var/lib/dpkg/info/app.md5sums", sums);
			fixture_put(&f.old, "/usr/share/app/app.conf", base_text);
		}
		fixture_run(&f, "conffiles");
		fixture_is(&f.new, "/etc/app.conf", merged_text);
		assert_false(root_exists(&f.new, "/etc/app.conf.ucf-dist"));
		fixture_done(&f);
	}
}

static void versioned_settings_are_carried_over(void **state)
{
	struct fixture f;
	fixture_init(&f);
	f.c.pristine = pristine;
	_cleanup_free_ char *was = md5_of(base_text), *is = md5_of(theirs_text);
	_cleanup_free_ char *old = xasprintf("%s  /etc/php/8.2/fpm/php.ini\n", was);
	_cleanup_free_ char *now = xasprintf("%s%s  /etc/php/8.4/fpm/php.ini\n", old, is);
	fixture_put(&f.old, "/var/lib/ucf/hashfile", old);
	fixture_put(&f.new, "/var/lib/ucf/hashfile", now);
	fixture_put(&f.old, "/var/lib/ucf/cache/:etc:php:8.2:fpm:php.ini", base_text);
	fixture_both(&f, "/etc/php/8.2/fpm/php.ini", mine_text);
	fixture_put(&f.new, "/etc/php/8.4/fpm/php.ini", theirs_text);
	/* Not installed: no successor, however new. */
	fixture_put(&f.new, "/etc/php/9.0/fpm/php.ini", theirs_text);
	fixture_put(&f.new, "/usr/lib/php/8.4/php.ini-production", theirs_text);
	fixture_run(&f, "successors");
	fixture_is(&f.new, "/etc/php/8.4/fpm/php.ini", merged_text);
	fixture_is(&f.new, "/etc/php/8.2/fpm/php.ini", mine_text);
	fixture_has_finding(&f, "conffiles.carried", FINDING_INFO,
			    "/etc/php/8.2/fpm/php.ini to /etc/php/8.4/fpm/php.ini");
	fixture_done(&f);
}

static int three(const char *mine, const char *base, const char *theirs, struct str *out)
{
	_cleanup_str_ struct str m = STR_INIT, b = STR_INIT, t = STR_INIT, why = STR_INIT;
	str_add(&m, mine);
	str_add(&b, base);
	str_add(&t, theirs);
	struct three_way in = { .mine = &m, .base = &b, .theirs = &t };
	struct err err = { 0 };
	int rc = three_way_merge(runner_local(), &in, out, &why, &err);
	if (rc < 0)
		fail_msg("%s", err.msg);
	return rc;
}

static void merge_tool_keeps_odd_texts(void **state)
{
	_cleanup_str_ struct str out = STR_INIT;
	assert_int_equal(three("a\nb\nc", "a\nb\nc", "a\nb\nz", &out), 0);
	assert_string_equal(str_c(&out), "a\nb\nz");
	str_reset(&out);
	assert_int_equal(three("", "", "new\n", &out), 0);
	assert_string_equal(str_c(&out), "new\n");
	str_reset(&out);
	assert_int_equal(
		three("\303\251\r\nx\ny\nz\n", "e\r\nx\ny\nz\n", "e\r\nx\ny\nZ\n", &out),
		0);
	assert_string_equal(str_c(&out), "\303\251\r\nx\ny\nZ\n");
}

static void refined(const char *mine, const char *base, const char *theirs,
		    const char *want)
{
	_cleanup_str_ struct str merged = STR_INIT, out = STR_INIT;
	assert_int_equal(three(mine, base, theirs, &merged), 1);
	assert_int_equal(refine_conflicts(&merged, &out), want != NULL);
	assert_string_equal(str_c(&out), want ? want : "");
}

static void solves_neighbouring_edits(void **state)
{
	/* A comment rewritten above an edited setting; fail2ban's jail.conf. */
	refined("x\n# ban time\nbantime = 1h\ny\n", "x\n# ban time\nbantime = 10m\ny\n",
		"x\n# ban time,\n# in seconds\nbantime = 10m\ny\n",
		"x\n# ban time,\n# in seconds\nbantime = 1h\ny\n");
	/* The other way round: the administrator added a line, the package replaced its neighbour. */
	refined("a = 1\nmine = 1\nb = 2\n", "a = 1\nb = 2\n", "a = 1\nb = 3\n",
		"a = 1\nmine = 1\nb = 3\n");
	/* Both made one change, the package another beside it; grub's ucf takes debconf's answers over. */
	refined("t = 2\nk = x\n", "t = 5\nk = x\n", "t = 2\nk = y\n", "t = 2\nk = y\n");
	/* Added at the border of what the package rewrote; BIND's options. */
	refined("dir;\nmine;\n// old\n// text\nx\n", "dir;\n// old\n// text\nx\n",
		"dir;\n// new\nx\n", "dir;\nmine;\n// new\nx\n");
	refined("// old\nmine;\nx\n", "// old\nx\n", "// new\n// text\nx\n",
		"// new\n// text\nmine;\nx\n");
	/* Both added at the same place: which comes first is not ours to say. */
	refined("a\nmine\nb\n", "a\nb\n", "a\ntheirs\nb\n", NULL);
	/* The same line, two opinions. */
	refined("a = 2\n", "a = 1\n", "a = 3\n", NULL);
	/* One solvable, one not: nothing is solved. */
	refined("a = 2\nb\n1\n2\n3\n4\n5\nc = 2\n", "a = 1\nb\n1\n2\n3\n4\n5\nc = 1\n",
		"a = 1\nB\n1\n2\n3\n4\n5\nc = 3\n", NULL);
	/* The package took the edited line away. */
	refined("a = 2\nb = 1\n", "a = 1\nb = 1\n", "b = 1\n", NULL);
}

static void refuses_to_understand_odd_conflicts(void **state)
{
	static const char *const odd[] = {
		"<<<<<<< a\nx\n",
		"<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n",
		"<<<<<<< a\nx\n||||||| o\n<<<<<<< b\n=======\n>>>>>>> c\n",
		"<<<<<<< a\n||||||| o\n=======\n>>>>>>> c",
		"<<<<<<< a\nx\n||||||| o\ny\n=======\ny\n=======\nz\n>>>>>>> c\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		_cleanup_str_ struct str merged = STR_INIT, out = STR_INIT;
		str_add(&merged, odd[i]);
		assert_false(refine_conflicts(&merged, &out));
		assert_int_equal(out.len, 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(merges_cleanly),
		cmocka_unit_test(keeps_both_on_conflict),
		cmocka_unit_test(reports_texts_that_are_no_utf8),
		cmocka_unit_test(trusts_only_the_recorded_version),
		cmocka_unit_test(ignores_what_an_earlier_upgrade_left),
		cmocka_unit_test(leaves_unedited_files),
		cmocka_unit_test(merges_what_the_administrators_script_edited),
		cmocka_unit_test(brings_replaced_edits_back),
		cmocka_unit_test(tells_about_obsolete_and_deleted_files),
		cmocka_unit_test(settings_that_moved_are_no_loss),
		cmocka_unit_test(merges_ucfs_files),
		cmocka_unit_test(versioned_settings_are_carried_over),
		cmocka_unit_test(merge_tool_keeps_odd_texts),
		cmocka_unit_test(solves_neighbouring_edits),
		cmocka_unit_test(refuses_to_understand_odd_conflicts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
