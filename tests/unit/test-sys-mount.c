/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts and overlays, each test in a child with a mount namespace of its own. Needs root; skipped without. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/files.h"
#include "sys/mount.h"

/* Runs the body in a child: a failed check there ends it with a message and status 1. */
static void in_namespace(void (*body)(const char *dir))
{
	_cleanup_scratch_ char *dir = scratch_new();
	struct err err = { 0 };
	int status = -1;

	if (geteuid() != 0)
		skip();
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		if (mount_private_namespace(&err) < 0 ||
		    mount_private_namespace(&err) < 0 || /* idempotent */
		    mount_tmpfs(dir, "size=64m", &err) < 0) {
			fprintf(stderr, "%s\n", err.msg);
			_exit(77);
		}
		body(dir);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
	/* Nothing of it is seen here. */
	assert_false(mount_is_mountpoint(dir));
}

static void must(bool ok, const char *what, const struct err *err)
{
	if (ok)
		return;
	fprintf(stderr, "%s: %s (%s)\n", what, err->msg, strerror(errno));
	_exit(1);
}
#define MUST(cond) must((cond), #cond, &err)

struct dirs {
	char *lower, *upper, *work, *target;
};

/* The name holds everything that separates options. */
static struct dirs make_dirs(const char *dir)
{
	struct dirs d = {
		.lower = xasprintf("%s/lo,w:e\\r", dir),
		.upper = xasprintf("%s/up,p:e\\r", dir),
		.work = xasprintf("%s/wo,r:k\\", dir),
		.target = xasprintf("%s/target", dir),
	};

	mkdir(d.lower, 0755);
	mkdir(d.upper, 0755);
	mkdir(d.work, 0755);
	mkdir(d.target, 0755);
	put_file(d.lower, "from-lower", "x");
	return d;
}

static void overlay_body(const char *dir)
{
	struct err err = { 0 };
	struct dirs d = make_dirs(dir);
	_cleanup_free_ char *in_target = xasprintf("%s/from-lower", d.target);
	_cleanup_free_ char *in_upper = xasprintf("%s/written", d.upper);

	MUST(mount_overlay(d.lower, d.upper, d.work, d.target, MOUNT_OVERLAY_PLAIN,
			   &err) == 0);
	MUST(mount_is_mountpoint(d.target));
	MUST(files_exists(in_target));
	put_file(d.target, "written", "y");
	MUST(files_exists(in_upper));
	MUST(mount_overlay_end(d.upper, d.work, d.target, &err) == 0);
	MUST(!mount_is_mountpoint(d.target));
	MUST(mount_overlay_end(d.upper, d.work, d.target, &err) == 0);
	/* Again over the same upper, which a volatile overlay refuses unless told. */
	MUST(mount_overlay(d.lower, d.upper, d.work, d.target, MOUNT_OVERLAY_PLAIN,
			   &err) == 0);
	/* And once more without a clean end, as after SIGKILL. */
	MUST(mount_umount(d.target, &err) == 0);
	MUST(mount_overlay(d.lower, d.upper, d.work, d.target, MOUNT_OVERLAY_PLAIN,
			   &err) == 0);
}

static void overlay_and_again(void **state)
{
	in_namespace(overlay_body);
}

static void crash_body(const char *dir)
{
	struct err err = { 0 };
	struct dirs d = make_dirs(dir);
	_cleanup_free_ char *record = xasprintf("%s.state", d.work);

	MUST(mount_overlay(d.lower, d.upper, d.work, d.target, MOUNT_OVERLAY_PLAIN,
			   &err) == 0);
	MUST(mount_umount(d.target, &err) == 0);
	/* What an earlier boot of the machine would have left. */
	MUST(files_write_atomic(record, "another-boot\n", 13, 0600, &err) == 0);
	MUST(mount_overlay(d.lower, d.upper, d.work, d.target, MOUNT_OVERLAY_PLAIN,
			   &err) < 0);
	MUST(strstr(err.msg, "cannot be trusted") && strstr(err.remedy, "nimadm -C"));
	MUST(err.kind == ERR_OPERATOR && !mount_is_mountpoint(d.target));
	err_clear(&err);
	MUST(mount_overlay_forget(d.work, &err) == 0);
	MUST(mount_overlay_forget(d.work, &err) == 0);
	MUST(mount_overlay(d.lower, d.upper, d.work, d.target, MOUNT_OVERLAY_PLAIN,
			   &err) == 0);
	/* Ended cleanly in an earlier boot: trusted. */
	MUST(mount_overlay_end(d.upper, d.work, d.target, &err) == 0);
	MUST(mount_overlay(d.lower, d.upper, d.work, d.target, MOUNT_OVERLAY_PLAIN,
			   &err) == 0);
}

/* What is only read while the machine goes down is what it was. */
static void read_only_body(const char *dir)
{
	struct err err = { 0 };
	struct dirs d = make_dirs(dir);
	_cleanup_free_ char *record = xasprintf("%s.state", d.work);
	_cleanup_free_ char *written = xasprintf("%s/written", d.target);
	_cleanup_str_ struct str state = STR_INIT;

	MUST(mount_overlay(d.lower, d.upper, d.work, d.target, MOUNT_OVERLAY_KEEP_LINKS,
			   &err) == 0);
	MUST(!mount_is_read_only(d.target));
	put_file(d.target, "written", "y");
	MUST(mount_overlay_end(d.upper, d.work, d.target, &err) == 0);
	MUST(mount_overlay(d.lower, d.upper, d.work, d.target,
			   MOUNT_OVERLAY_KEEP_LINKS | MOUNT_OVERLAY_READ_ONLY,
			   &err) == 0);
	MUST(mount_is_read_only(d.target));
	MUST(files_exists(written));
	MUST(unlink(written) < 0 && errno == EROFS);
	MUST(files_read(record, 64, &state, &err) == 0);
	MUST(streq(str_c(&state), "clean\n"));
	MUST(mount_overlay_end(d.upper, d.work, d.target, &err) == 0);
	/* Not trusted to be read either. */
	MUST(files_write_atomic(record, "another-boot\n", 13, 0600, &err) == 0);
	MUST(mount_overlay(d.lower, d.upper, d.work, d.target, MOUNT_OVERLAY_READ_ONLY,
			   &err) < 0);
	MUST(strstr(err.msg, "cannot be trusted"));
}

static void overlay_that_is_only_read(void **state)
{
	in_namespace(read_only_body);
}

static void overlay_after_a_crash_of_the_machine(void **state)
{
	in_namespace(crash_body);
}

static void links_body(const char *dir)
{
	struct err err = { 0 };
	struct dirs d = make_dirs(dir);
	_cleanup_free_ char *a = xasprintf("%s/a", d.lower),
			    *b = xasprintf("%s/b", d.lower);
	_cleanup_free_ char *ta = xasprintf("%s/a", d.target);
	_cleanup_free_ char *tb = xasprintf("%s/b", d.target);
	_cleanup_str_ struct str text = STR_INIT;

	put_file(d.lower, "a", "old");
	MUST(link(a, b) == 0);
	MUST(mount_overlay(d.lower, d.upper, d.work, d.target, true, &err) == 0);
	int fd = open(ta, O_WRONLY | O_TRUNC | O_CLOEXEC);
	MUST(fd >= 0 && write(fd, "new", 3) == 3 && close(fd) == 0);
	/* index=on: both names still mean one file. */
	MUST(files_read(tb, 0, &text, &err) == 0 && streq(str_c(&text), "new"));
}

static void overlay_keeps_hard_links(void **state)
{
	in_namespace(links_body);
}

static void failure_body(const char *dir)
{
	struct err err = { 0 };
	struct dirs d = make_dirs(dir);
	_cleanup_free_ char *none = xasprintf("%s/none", dir);
	_cleanup_str_ struct str longest = STR_INIT;

	MUST(mount_overlay(none, d.upper, d.work, d.target, MOUNT_OVERLAY_PLAIN, &err) <
	     0);
	MUST(strstr(err.msg, none) && strstr(err.msg, "No such file"));
	while (longest.len < 5000)
		str_add(&longest, "/x");
	err_clear(&err);
	MUST(mount_overlay(str_c(&longest), d.upper, d.work, d.target,
			   MOUNT_OVERLAY_PLAIN, &err) < 0);
	MUST(strstr(err.msg, "too long"));
}

/* What a killed worker leaves for a moment: its namespace is still there, and with it the overlay. */
static void busy_body(const char *dir)
{
	struct dirs d = make_dirs(dir);
	struct err err = { 0 };
	int ready[2];
	char c;

	MUST(pipe(ready) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct err child_err = { 0 };
		/* a namespace of its own: the parent has left the first one's unshare behind */
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount_overlay(d.lower, d.upper, d.work, d.target, true, &child_err) <
			    0 ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		usleep(700 * 1000);
		_exit(0);
	}
	close(ready[1]);
	MUST(read(ready[0], &c, 1) == 1);
	MUST(mount_overlay(d.lower, d.upper, d.work, d.target, true, &err) == 0);
	MUST(waitpid(pid, NULL, 0) == pid);
}

static void overlay_waits_for_a_dying_owner(void **state)
{
	in_namespace(busy_body);
}

static void overlay_failures_are_named(void **state)
{
	in_namespace(failure_body);
}

static void bind_body(const char *dir)
{
	struct err err = { 0 };
	struct dirs d = make_dirs(dir);
	_cleanup_free_ char *file = xasprintf("%s/new", d.target);

	MUST(mount_bind(d.lower, d.target, true, &err) == 0);
	MUST(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) < 0 && errno == EROFS);
	MUST(mount_umount(d.target, &err) == 0);
	MUST(mount_bind(d.lower, d.target, MOUNT_OVERLAY_PLAIN, &err) == 0);
	MUST(close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
	MUST(mount_bind("/no/such", d.target, MOUNT_OVERLAY_PLAIN, &err) < 0);
	MUST(strstr(err.msg, "/no/such") != NULL);
	MUST(mount_umount(d.target, &err) == 0);
	MUST(mount_umount(d.target, &err) == 0); /* not mounted */
	MUST(mount_umount("/no/such", &err) == 0);
}

static void binds(void **state)
{
	in_namespace(bind_body);
}

static int see_and_unmount(void *arg, struct err *err)
{
	_cleanup_free_ char *file = xasprintf("%s/sub/file", (const char *)arg);
	_cleanup_free_ char *sub = xasprintf("%s/sub", (const char *)arg);

	if (!mount_is_mountpoint(arg) || !files_exists(file))
		return err_set(err, ERR_INTERNAL, "it is not seen there");
	return mount_umount(sub, err) < 0 ? -1 : mount_umount(arg, err);
}

static void publish_body(const char *dir)
{
	_cleanup_free_ char *sub = xasprintf("%s/sub", dir);
	_cleanup_free_ char *file = xasprintf("%s/sub/file", dir);
	struct err err = { 0 };

	MUST(files_mkdirs(sub, 0755, &err) == 0);
	MUST(mount_tmpfs(sub, "size=1m", &err) == 0);
	MUST(files_write_atomic(file, "x", 1, 0644, &err) == 0);
	MUST(mount_publish(dir, &err) == 0);
	MUST(mount_in_first(see_and_unmount, (void *)(uintptr_t)dir, &err) == 0);
	/* here it is what it was */
	MUST(files_exists(file));
	/* and it is forgotten like what came with the namespace */
	MUST(mount_forget_below(dir, &err) == 0);
	MUST(!files_exists(file));
	MUST(mount_forget_below(sub, &err) == 0);
	MUST(mount_forget_below(file, &err) == 0);
}

static void mounts_that_others_see(void **state)
{
	in_namespace(publish_body);
}

static void durable_body(const char *dir)
{
	struct dirs d = make_dirs(dir);
	_cleanup_free_ char *state = xasprintf("%s.state", d.work);
	_cleanup_free_ char *file = xasprintf("%s/file", d.target);
	struct err err = { 0 };

	MUST(mount_overlay(d.lower, d.upper, d.work, d.target, MOUNT_OVERLAY_DURABLE,
			   &err) == 0);
	MUST(files_write_atomic(file, "x", 1, 0644, &err) == 0);
	/* no record: it is trusted whatever the machine does */
	MUST(!files_exists(state));
	MUST(mount_umount(d.target, &err) == 0);
}

static void overlay_that_survives_a_crash(void **state)
{
	in_namespace(durable_body);
}

static void space(void **state)
{
	uint64_t free_bytes = 0, total = 0;
	struct err err = { 0 };

	assert_ok(mount_space("/", &free_bytes, &total, &err), &err);
	assert_true(total > 0 && free_bytes <= total);
	assert_err(mount_space("/no/such", &free_bytes, &total, &err), &err, ERR_OPERATOR,
		   "/no/such");
}

static void mountpoints(void **state)
{
	assert_true(mount_is_mountpoint("/proc"));
	assert_false(mount_is_mountpoint("/etc"));
	assert_false(mount_is_mountpoint("/no/such"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlay_and_again),
		cmocka_unit_test(overlay_that_is_only_read),
		cmocka_unit_test(overlay_after_a_crash_of_the_machine),
		cmocka_unit_test(overlay_keeps_hard_links),
		cmocka_unit_test(overlay_waits_for_a_dying_owner),
		cmocka_unit_test(overlay_failures_are_named),
		cmocka_unit_test(overlay_that_survives_a_crash),
		cmocka_unit_test(mounts_that_others_see),
		cmocka_unit_test(binds),
		cmocka_unit_test(space),
		cmocka_unit_test(mountpoints),
	};

	return cmocka_run_group_tests_name("sys-mount", tests, NULL, NULL);
}
