/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories beneath a tree's top, with openat2(2) and without. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>

#include "sys/dirs.h"

static char *dir;
static int top;

static int setup(void **state)
{
	_cleanup_free_ char *script = NULL;

	dir = scratch_new();
	top = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0 || mkdirat(top, "a", 0755) < 0 || mkdirat(top, "a/b", 0755) < 0 ||
	    symlinkat("a", top, "link") < 0 || symlinkat("/", top, "out") < 0 ||
	    symlinkat("b", top, "a/self") < 0)
		return -1;
	script = xasprintf("%s/a/b", dir);
	put_file(script, "file", "text\n");
	return 0;
}

static int teardown(void **state)
{
	close(top);
	scratch_free(dir);
	return 0;
}

static void opens(const char *path, int flags)
{
	_cleanup_close_ int fd = dirs_open(top, path, flags);

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
}

static void refuses(const char *path, int flags)
{
	_cleanup_close_ int fd = dirs_open(top, path, flags);

	if (fd >= 0)
		fail_msg("%s was opened", path);
}

static void only_beneath(void **state)
{
	opens(".", O_RDONLY | O_DIRECTORY);
	opens("a", O_PATH | O_DIRECTORY);
	opens("a/b", O_RDONLY | O_DIRECTORY);
	opens("a/b/file", O_RDONLY);
	refuses("link", O_RDONLY | O_DIRECTORY);
	refuses("link/b", O_RDONLY | O_DIRECTORY);
	refuses("a/self/file", O_RDONLY);
	refuses("out/etc", O_RDONLY);
	refuses("..", O_RDONLY | O_DIRECTORY);
	refuses("a/../../x", O_RDONLY);
	refuses("/etc", O_RDONLY | O_DIRECTORY);
	refuses("", O_RDONLY | O_DIRECTORY);
	refuses("a/b/file/x", O_RDONLY);
	refuses("missing", O_RDONLY);
	assert_int_equal(errno, ENOENT);
}

static void deeper_than_a_path(void **state)
{
	_cleanup_str_ struct str path = STR_INIT;
	int at = dup(top);

	for (unsigned i = 0; i < 30; i++) {
		char name[201];
		memset(name, 'd', 200);
		name[200] = '\0';
		assert_true(mkdirat(at, name, 0755) == 0 || errno == EEXIST);
		int next = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(at);
		at = next;
		str_addf(&path, "%s%s", i ? "/" : "", name);
	}
	close(at);
	assert_true(path.len > 4096);
	opens(path.p, O_RDONLY | O_DIRECTORY);
	/* So that the scratch directory can be removed by path. */
	for (unsigned i = 30; i > 0; i--) {
		path.p[path.len = i * 201 - 1] = '\0';
		struct dirs d = DIRS_INIT(top, false);
		const char *name;
		int parent = dirs_parent(&d, path.p, &name);
		assert_int_equal(unlinkat(parent, name, AT_REMOVEDIR), 0);
		dirs_done(&d);
	}
}

/* As on a kernel before 5.6; for good. */
static void without_openat2(void **state)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	assert_non_null(ctx);
	assert_int_equal(
		seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0), 0);
	assert_int_equal(seccomp_load(ctx), 0);
	seccomp_release(ctx);
	only_beneath(state);
	deeper_than_a_path(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_beneath),
		cmocka_unit_test(deeper_than_a_path),
		cmocka_unit_test(without_openat2),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
