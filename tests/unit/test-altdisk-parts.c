/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client program's state, its mark in the clone, the hooks around a snapshot, and phase 2. */
#include "test.h"

#include "altdisk/customise.h"
#include "altdisk/quiesce.h"
#include "altdisk/state.h"
#include "sys/runner.h"

static void open_root(struct root *r, const char *top)
{
	struct err err = { 0 };

	assert_ok(root_open(r, top, &err), &err);
}

static void test_state(void **state)
{
	_cleanup_scratch_ char *top = scratch_new();
	_cleanup_root_ struct root r = ROOT_INIT;
	_cleanup_state_ struct state none = STATE_INIT, back = STATE_INIT;
	static const char layout[] =
		"image_data:\n    IMAGE_TYPE= mksysb\n    PLATFORM= amd64\n"
		"    OSLEVEL= debian 12\n"
		"fs_data:\n    FS_NAME= /\n    FS_DEVICE= /dev/sdb2\n    FS_TYPE= ext4\n"
		"    FS_UUID= 1234\n    FS_SIZE= 4096\n";
	_cleanup_state_ struct state s = { .stage = STAGE_COPIED,
					   .fingerprint = xstrdup("disk /dev/sda 1\n"),
					   .started = xstrdup("2026-11-23T05:41:00Z"),
					   .digest = xstrdup("abc"),
					   .files = 3,
					   .bytes = 5000000000 };
	struct err err = { 0 };

	open_root(&r, top);
	assert_int_equal(state_read(&none, &r, &err), 1);
	assert_ok(layout_parse(&s.layout, layout, strlen(layout), &err), &err);
	assert_ok(state_write(&s, &r, &err), &err);
	assert_ok(state_read(&back, &r, &err), &err);
	assert_int_equal(back.stage, STAGE_COPIED);
	assert_int_equal(back.layout.n_fs, 1);
	assert_string_equal(back.layout.fs[0].device, "/dev/sdb2");
	assert_string_equal(back.layout.fs[0].uuid, "1234");
	assert_string_equal(back.fingerprint, s.fingerprint);
	assert_string_equal(back.digest, "abc");
	assert_true(back.files == 3 && back.bytes == 5000000000);
	assert_ok(state_remove(&r, &err), &err);
	assert_int_equal(state_read(&none, &r, &err), 1);
	assert_ok(state_remove(&r, &err), &err);
}

/* What a crash or an editor left there must not stop anything: the clone is found without it. */
static void test_bad_state(void **state)
{
	static const char *const bad[] = { "", "{", "[]", "{\"version\":99}",
					   "{\"version\":1,\"layout\":\"x\"}" };
	_cleanup_scratch_ char *top = scratch_new();
	_cleanup_root_ struct root r = ROOT_INIT;
	struct err err = { 0 };

	open_root(&r, top);
	assert_ok(root_mkdirs(&r, "/var/lib/nimadm", 0755, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_state_ struct state s = STATE_INIT;

		put_file(top, "var/lib/nimadm/altdisk.json", bad[i]);
		assert_int_equal(state_read(&s, &r, &err), 1);
		assert_int_equal(s.stage, STAGE_NONE);
	}
}

static void test_mark(void **state)
{
	_cleanup_scratch_ char *top = scratch_new();
	_cleanup_root_ struct root r = ROOT_INIT;
	struct err err = { 0 };

	open_root(&r, top);
	assert_int_equal(state_mark_read(&r), STAGE_NONE);
	assert_ok(state_mark_write(&r, STAGE_CUSTOMISED, &err), &err);
	assert_int_equal(state_mark_read(&r), STAGE_CUSTOMISED);
	put_file(top, "etc/nimadm/altinst", "something else\n");
	assert_int_equal(state_mark_read(&r), STAGE_NONE);
}

/* Notes each command instead of running it. */
struct recorder {
	struct runner runner;
	struct str log;
	const char *fails;
};

static int record(struct runner *runner, const struct proc_spec *spec,
		  struct proc_result *res, struct err *err)
{
	struct recorder *r = (struct recorder *)runner;
	_cleanup_str_ struct str line = STR_INIT;

	for (const char *const *a = spec->argv; *a; a++)
		str_addf(&line, "%s%s", a == spec->argv ? "" : " ", *a);
	str_addf(&r->log, "%s\n", str_c(&line));
	*res = (struct proc_result){ .how = PROC_EXITED };
	if (!r->fails || !streq(str_c(&line), r->fails))
		return 0;
	res->status = 7;
	return 1;
}

static const struct runner_ops recorder_ops = { .name = "recorder", .run = record };

static void make_hooks(const char *top)
{
	static const char *const names[] = { "20-web", "10-db", "30-off", "40-old~" };
	static const char *const dirs[] = { "etc", "etc/nimadm", "etc/nimadm/quiesce.d" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", top, dirs[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *name = xasprintf("etc/nimadm/quiesce.d/%s",
						      names[i]);
		_cleanup_free_ char *path = xasprintf("%s/%s", top, name);
		put_file(top, name, "#!/bin/sh\n");
		assert_int_equal(chmod(path, i == 2 ? 0644 : 0755), 0);
	}
}

#define HOOK "/etc/nimadm/quiesce.d/"

static void test_quiesce(void **state)
{
	_cleanup_scratch_ char *top = scratch_new();
	_cleanup_root_ struct root r = ROOT_INIT;
	struct recorder rec = { .runner = { &recorder_ops } };
	_cleanup_quiesce_ struct quiesce q = { .run = &rec.runner };
	struct err err = { 0 };

	open_root(&r, top);
	assert_ok(quiesce_before(&q, &r, &err), &err); /* no directory */
	make_hooks(top);
	assert_ok(quiesce_before(&q, &r, &err), &err);
	assert_string_equal(str_c(&rec.log),
			    HOOK "10-db before\n" HOOK "20-web before\n");
	str_reset(&rec.log);
	quiesce_after(&q);
	quiesce_after(&q);
	assert_string_equal(str_c(&rec.log), HOOK "20-web after\n" HOOK "10-db after\n");
	str_done(&rec.log);
}

static void test_quiesce_fails(void **state)
{
	_cleanup_scratch_ char *top = scratch_new();
	_cleanup_root_ struct root r = ROOT_INIT;
	struct recorder rec = { .runner = { &recorder_ops },
				.fails = HOOK "10-db before" };
	_cleanup_quiesce_ struct quiesce q = { .run = &rec.runner };
	struct err err = { 0 };

	make_hooks(top);
	open_root(&r, top);
	assert_err(quiesce_before(&q, &r, &err), &err, ERR_OPERATOR, "exit status 7");
	assert_string_equal(str_c(&rec.log), HOOK "10-db before\n" HOOK "10-db after\n");
	str_done(&rec.log);
}

static void make_clone(const char *top)
{
	static const char *const dirs[] = { "etc", "lib", "lib/systemd" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", top, dirs[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	put_file(top, "lib/systemd/systemd", "");
	put_file(top, "resolv", "nameserver 192.0.2.1\n");
	put_file(top, "script", "#!/bin/sh\nprintf '%s' \"$NIM_ALT_INST $PWD\" >said\n");
}

static void test_customise(void **state)
{
	_cleanup_scratch_ char *top = scratch_new();
	_cleanup_root_ struct root r = ROOT_INIT;
	_cleanup_free_ char *script = xasprintf("%s/script", top);
	_cleanup_free_ char *resolv = xasprintf("%s/resolv", top);
	_cleanup_free_ char *said = xasprintf("%s %s", top, top);
	_cleanup_str_ struct str text = STR_INIT;
	const struct layout none = LAYOUT_INIT;
	const struct packages no_packages = { 0 };
	struct customise c = { .alt = &r,
			       .disk = "",
			       .packages = &no_packages,
			       .run = runner_local(),
			       .running = &none,
			       .target = &none,
			       .resolv_conf = resolv,
			       .first_boot = script,
			       .script = script };
	struct err err = { 0 };
	struct stat st;

	make_clone(top);
	open_root(&r, top);
	assert_err(customise_check(&c, &err), &err, ERR_USAGE, "is no executable file");
	assert_int_equal(chmod(script, 0755), 0);
	assert_ok(root_symlink(&r, "../run/resolv.conf", "etc/resolv.conf", &err), &err);
	assert_ok(customise_check(&c, &err), &err);
	for (int i = 0; i < 2; i++)
		assert_ok(customise_run(&c, &err), &err);
	assert_int_equal(root_lstat(&r, "etc/resolv.conf", &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(root_stat(&r, "var/lib/nimadm/first-boot", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_true(root_exists(
		&r,
		"etc/systemd/system/multi-user.target.wants/nimadm-first-boot.service"));
	assert_ok(root_read(&r, "said", 0, &text, &err), &err);
	assert_string_equal(str_c(&text), said);
	assert_ok(root_unlink(&r, "lib/systemd/systemd", &err), &err);
	assert_err(customise_run(&c, &err), &err, ERR_UNFIT, "no systemd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state),	      cmocka_unit_test(test_bad_state),
		cmocka_unit_test(test_mark),	      cmocka_unit_test(test_quiesce),
		cmocka_unit_test(test_quiesce_fails), cmocka_unit_test(test_customise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
