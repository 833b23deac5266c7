/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carrying out a plan: few runs, resuming, the ladder, naming the package that fails. */
#include "pkg-fake.h"

#include "pkg/deb.h"
#include "sys/files.h"

struct bed {
	char *dir;
	struct root root;
	struct fake_runner fake;
	struct events events;
	struct pkg_ctx c;
	struct pkg_plan plan;
};

static void add_item(struct pkg_plan *plan, const char *name, enum pkg_action action,
		     bool bos)
{
	struct pkg_item *it = pkg_plan_add(plan);

	it->name = xstrdup(name);
	it->arch = xstrdup("amd64");
	it->old_version = xstrdup("1");
	it->new_version = xstrdup(action == PKG_REMOVE ? "" : "2");
	it->file = xasprintf("%s_2_amd64.deb", name);
	it->replaced_by = xstrdup("");
	it->action = action;
	it->bos = bos;
}

static void bed_init(struct bed *b, struct fake_answer *answers, size_t n)
{
	struct err err = { 0 };

	*b = (struct bed){
		.dir = scratch_new(),
		.root = ROOT_INIT,
		.fake = { .runner = { &fake_ops }, .answers = answers, .n = n }
	};
	assert_ok(root_open(&b->root, b->dir, &err), &err);
	b->c = (struct pkg_ctx){ .root = &b->root,
				 .run = &b->fake.runner,
				 .events = &b->events,
				 .lpp_dir = b->dir,
				 .work_dir = b->dir,
				 .release = "trixie" };
	add_item(&b->plan, "libc6", PKG_UPGRADE, true);
	add_item(&b->plan, "libold", PKG_REMOVE, false);
	add_item(&b->plan, "nginx", PKG_UPGRADE, false);
	add_item(&b->plan, "extra", PKG_INSTALL, false);
}

static void bed_done(struct bed *b)
{
	pkg_plan_done(&b->plan);
	strv_done(&b->fake.calls);
	root_done(&b->root);
	scratch_free(b->dir);
}

#define BEFORE "libc6:amd64 ii  1\nlibold:amd64 ii  1\nnginx:amd64 ii  1\n"
#define BOS    "libc6:amd64 it  2\nlibold:amd64 ii  1\nnginx:amd64 ii  1\n"
#define DONE                                                                             \
	"libc6:amd64 ii  2\nlibold:amd64 rc  1\nnginx:amd64 ii  2\nextra:amd64 ii  2\n"

static void base_part_touches_only_the_base(void **state)
{
	struct fake_answer answers[] = {
		{ "dpkg-query", BEFORE, .times = 2 },
		{ "dpkg-query", "libc6:amd64 iU  2\nlibold:amd64 ii  1\n", .times = 1 },
		{ "dpkg-query", BOS },
		{ "--unpack", "" },
		{ "--configure libc6:amd64", "" },
	};
	struct bed b;
	struct err err = { 0 };

	bed_init(&b, answers, ARRAY_SIZE(answers));
	assert_ok(deb_apply_bos(&b.c, &b.plan, &err), &err);
	assert_int_equal(fake_count(&b.fake, "--unpack"), 1);
	assert_int_equal(fake_count(&b.fake, "nginx"), 0);
	assert_int_equal(fake_count(&b.fake, "--remove"), 0);
	bed_done(&b);
}

static void rest_is_three_runs(void **state)
{
	struct fake_answer answers[] = {
		{ "dpkg-query", BOS, .times = 2 },
		{ "dpkg-query", DONE },
		{ "--remove libold:amd64", "" },
		{ "--unpack /lpp_source/pool/nginx_2_amd64.deb "
		  "/lpp_source/pool/extra_2_amd64.deb",
		  "" },
		{ "--configure -a", "" },
		{ "apt-mark", "" },
	};
	struct bed b;
	struct err err = { 0 };

	bed_init(&b, answers, ARRAY_SIZE(answers));
	assert_ok(deb_apply_rest(&b.c, &b.plan, &err), &err);
	assert_int_equal(fake_count(&b.fake, " dpkg --root=/alt_inst"), 3);
	/* libc6 only waits for its triggers: it is not unpacked again. */
	assert_int_equal(fake_count(&b.fake, "libc6"), 0);
	assert_int_equal(fake_count(&b.fake, "auto extra"), 1);
	bed_done(&b);
}

static void repeating_a_done_part_changes_nothing(void **state)
{
	struct fake_answer answers[] = {
		{ "dpkg-query", DONE },
		{ "--configure -a", "" },
		{ "apt-mark", "" },
	};
	struct bed b;
	struct err err = { 0 };

	bed_init(&b, answers, ARRAY_SIZE(answers));
	assert_ok(deb_apply_rest(&b.c, &b.plan, &err), &err);
	assert_ok(deb_apply_rest(&b.c, &b.plan, &err), &err);
	assert_int_equal(fake_count(&b.fake, "--unpack"), 0);
	bed_done(&b);
}

#define FAILURE                                                                          \
	"processing: configure: nginx:amd64\n"                                           \
	"Setting up nginx (2) ...\n"                                                     \
	"nginx: cannot find my wits\n"                                                   \
	"dpkg: error processing package nginx:amd64 (--configure):\n"                    \
	" installed nginx package post-installation script subprocess returned error "   \
	"exit status 1\n"                                                                \
	"processing: configure: extra:amd64\n"                                           \
	"Setting up extra (2) ...\n"

#define HALF "libc6:amd64 ii  2\nnginx:amd64 iF  2\nextra:amd64 ii  2\n"

static void the_ladder_mends(void **state)
{
	struct fake_answer answers[] = {
		{ "apt-get", "" },	{ "dpkg-query", HALF, .times = 3 },
		{ "dpkg-query", DONE }, { "--configure -a", FAILURE, .status = 1 },
		{ "apt-mark", "" },
	};
	struct bed b;
	struct err err = { 0 };

	bed_init(&b, answers, ARRAY_SIZE(answers));
	assert_ok(deb_apply_rest(&b.c, &b.plan, &err), &err);
	assert_int_equal(fake_count(&b.fake, "--configure -a"), 2);
	assert_int_equal(fake_count(&b.fake, "--no-remove -f install"), 1);
	assert_int_equal(fake_count(&b.fake, "full-upgrade"), 0);
	bed_done(&b);
}

static void the_failing_package_is_named(void **state)
{
	struct fake_answer answers[] = {
		{ "apt-get", "E: no way\n", .status = 100 },
		{ "dpkg-query", HALF },
		{ "--configure -a", FAILURE, .status = 1 },
	};
	struct bed b;
	struct err err = { 0 };

	bed_init(&b, answers, ARRAY_SIZE(answers));
	assert_err(deb_apply_rest(&b.c, &b.plan, &err), &err, ERR_OPERATOR,
		   "package nginx:amd64");
	assert_non_null(strstr(err.msg, "cannot find my wits"));
	assert_non_null(strstr(err.remedy, "packages.log"));
	assert_int_equal(fake_count(&b.fake, "full-upgrade"), 1);
	_cleanup_str_ struct str log = STR_INIT;
	_cleanup_free_ char *path = xasprintf("%s/packages.log", b.dir);
	err_clear(&err);
	assert_ok(files_read(path, 0, &log, &err), &err);
	assert_non_null(strstr(str_c(&log), "cannot find my wits"));
	bed_done(&b);
}

static void a_hanging_script_stops_the_part(void **state)
{
	struct fake_answer answers[] = {
		{ "dpkg-query", HALF },
		{ "--configure -a", "processing: configure: nginx:amd64\nWaiting...\n",
		  .how = PROC_TIMED_OUT },
	};
	struct bed b;
	struct err err = { 0 };

	bed_init(&b, answers, ARRAY_SIZE(answers));
	assert_err(deb_apply_rest(&b.c, &b.plan, &err), &err, ERR_OPERATOR,
		   "package nginx:amd64 (configure) hangs");
	assert_int_equal(fake_count(&b.fake, "apt-get"), 0);
	bed_done(&b);
}

static void states_tell_what_is_left(void **state)
{
	static const struct {
		const char *line;
		enum deb_need need, need_bos;
	} table[] = {
		{ "p:amd64 ii  2", DEB_DONE, DEB_DONE },
		{ "p:amd64 hi  2", DEB_DONE, DEB_DONE },
		{ "p:amd64 ii  1", DEB_UNPACK, DEB_UNPACK },
		{ "p:amd64 iU  2", DEB_CONFIGURE, DEB_CONFIGURE },
		{ "p:amd64 iF  2", DEB_CONFIGURE, DEB_CONFIGURE },
		{ "p:amd64 iH  2", DEB_UNPACK, DEB_UNPACK },
		{ "p:amd64 iHR 2", DEB_UNPACK, DEB_UNPACK },
		{ "p:amd64 it  2", DEB_CONFIGURE, DEB_DONE },
		{ "p:amd64 iW  2", DEB_CONFIGURE, DEB_DONE },
		{ "p:amd64 rc  2", DEB_UNPACK, DEB_UNPACK },
		{ "q:amd64 ii  2", DEB_UNPACK, DEB_UNPACK },
	};
	struct pkg_item item = { .name = (char[]){ "p" },
				 .arch = (char[]){ "amd64" },
				 .new_version = (char[]){ "2" },
				 .action = PKG_UPGRADE };
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_deb_state_ struct deb_state st = DEB_STATE_INIT;
		_cleanup_free_ char *text = xstrdup(table[i].line);
		assert_ok(deb_state_parse(&st, text, &err), &err);
		assert_int_equal(deb_state_need(&st, &item, false), table[i].need);
		assert_int_equal(deb_state_need(&st, &item, true), table[i].need_bos);
	}
	struct deb_state st;
	_cleanup_free_ char *bad = xstrdup("p:amd64\n");
	assert_err(deb_state_parse(&st, bad, &err), &err, ERR_INTERNAL, "p:amd64");
}

static void verify_tells_what_is_not_there(void **state)
{
	struct fake_answer answers[] = {
		{ "dpkg-query", HALF },
		{ "--audit", "The following packages are only half configured\n",
		  .status = 1 },
		{ "check", "nginx : Depends: libx\n", .status = 100 },
	};
	struct bed b;
	struct err err = { 0 };
	struct findings fs = FINDINGS_INIT;

	bed_init(&b, answers, ARRAY_SIZE(answers));
	assert_ok(deb_verify(&b.c, &b.plan, false, &fs, &err), &err);
	assert_int_equal(findings_count(&fs, FINDING_INHIBIT), 3);
	assert_non_null(strstr(fs.v[0].evidence, "nginx: is 2, should be 2"));
	findings_done(&fs);
	bed_done(&b);
}

static void holds_are_taken_back(void **state)
{
	struct fake_answer answers[] = { { "dpkg-divert", "" } };
	static const char theirs[] = "#!/bin/sh\nexit 0\n";
	_cleanup_str_ struct str text = STR_INIT;
	struct bed b;
	struct err err = { 0 };

	bed_init(&b, answers, ARRAY_SIZE(answers));
	assert_ok(root_mkdirs(&b.root, "usr/sbin", 0755, &err), &err);
	assert_ok(root_write(&b.root, "usr/sbin/policy-rc.d", theirs, strlen(theirs),
			     0755, &err),
		  &err);
	/* Twice, as after a crash. */
	assert_ok(deb_prepare(&b.c, &err), &err);
	assert_ok(deb_prepare(&b.c, &err), &err);
	assert_ok(root_read(&b.root, "usr/sbin/policy-rc.d", 0, &text, &err), &err);
	assert_non_null(strstr(str_c(&text), "exit 101"));
	assert_true(root_exists(&b.root, "usr/sbin/update-initramfs"));
	assert_false(root_exists(&b.root, "usr/bin/dracut"));
	assert_int_equal(fake_count(&b.fake, "--add /usr/sbin/update-initramfs"), 1);

	assert_ok(deb_finish(&b.c, &err), &err);
	assert_ok(deb_finish(&b.c, &err), &err);
	str_reset(&text);
	assert_ok(root_read(&b.root, "usr/sbin/policy-rc.d", 0, &text, &err), &err);
	assert_string_equal(str_c(&text), theirs);
	assert_false(root_exists(&b.root, "usr/sbin/update-initramfs"));
	assert_false(root_exists(&b.root, "usr/sbin/policy-rc.d.nimadm"));
	bed_done(&b);
}

struct seen {
	struct event_sink sink;
	uint64_t done, total;
	int outputs;
};

static void see(struct event_sink *sink, const struct event *ev)
{
	struct seen *s = (struct seen *)sink;

	if (ev->type == EVENT_OUTPUT)
		s->outputs++;
	if (ev->type != EVENT_PROGRESS)
		return;
	assert_int_equal(ev->unit, PROGRESS_PACKAGES);
	s->done = ev->done;
	s->total = ev->total;
}

static void feed(struct deb_watch *w, const char *package, const char *const *lines,
		 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *line = NULL;
		if (starts_with(lines[i], "processing"))
			line = xasprintf("%s: %s", lines[i], package);
		else
			line = xasprintf("status: %s: %s", package, lines[i]);
		deb_watch_line(w, line);
	}
}

static void progress_counts_packages(void **state)
{
	/* As dpkg tells an upgrade: twice "unpacked", and triggers say "installed" again. */
	static const char *const unpack[] = { "processing: upgrade", "half-configured",
					      "unpacked", "half-installed", "unpacked" };
	static const char *const configure[] = { "processing: configure",
						 "unpacked",
						 "half-configured",
						 "installed",
						 "processing: trigproc",
						 "half-configured",
						 "installed" };
	struct bed b;
	struct err err = { 0 };
	struct seen seen = { .sink = { .emit = see } };

	bed_init(&b, NULL, 0);
	events_add_sink(&b.events, &seen.sink);
	_cleanup_deb_watch_ struct deb_watch *w = deb_watch_new(&b.c, "x", 2, &err);
	assert_non_null(w);
	feed(w, "libc6:amd64", unpack, ARRAY_SIZE(unpack));
	feed(w, "nginx:amd64", unpack, ARRAY_SIZE(unpack));
	assert_true(seen.done < 2);
	feed(w, "libc6:amd64", configure, ARRAY_SIZE(configure));
	assert_true(seen.done < 2);
	feed(w, "nginx:amd64", configure, ARRAY_SIZE(configure));
	assert_int_equal(seen.done, 2);
	assert_int_equal(seen.total, 2);
	deb_watch_line(w, "Setting up nginx (2) ...");
	assert_int_equal(seen.outputs, 1);
	assert_string_equal(deb_watch_package(w), "nginx:amd64");
	bed_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base_part_touches_only_the_base),
		cmocka_unit_test(rest_is_three_runs),
		cmocka_unit_test(repeating_a_done_part_changes_nothing),
		cmocka_unit_test(the_ladder_mends),
		cmocka_unit_test(the_failing_package_is_named),
		cmocka_unit_test(a_hanging_script_stops_the_part),
		cmocka_unit_test(states_tell_what_is_left),
		cmocka_unit_test(progress_counts_packages),
		cmocka_unit_test(verify_tells_what_is_not_there),
		cmocka_unit_test(holds_are_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
