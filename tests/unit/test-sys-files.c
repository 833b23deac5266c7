/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The master's own files, locks, checksums and clock. */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "sys/clock.h"
#include "sys/files.h"
#include "sys/lock.h"
#include "sys/rmtree.h"
#include "sys/sha256.h"

static size_t count_entries(const char *dir)
{
	size_t n = 0;
	DIR *d = opendir(dir);

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void mkdirs_works_twice(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *deep = xasprintf("%s/a//b/c/", dir);
	_cleanup_free_ char *blocked = xasprintf("%s/file/x", dir);
	_cleanup_free_ char *file = xasprintf("%s/file", dir);
	struct err err = { 0 };

	assert_ok(files_mkdirs(deep, 0755, &err), &err);
	assert_ok(files_mkdirs(deep, 0755, &err), &err);
	assert_ok(files_mkdirs("/", 0755, &err), &err);
	assert_true(files_is_dir(deep));
	put_file(dir, "file", "x");
	assert_err(files_mkdirs(blocked, 0755, &err), &err, ERR_OPERATOR, "file");
	assert_err(files_mkdirs(file, 0755, &err), &err, ERR_OPERATOR, "Not a directory");
	assert_err(files_mkdirs("", 0755, &err), &err, ERR_USAGE, "empty");
}

static void read_limits(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *path = xasprintf("%s/f", dir);
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };

	assert_err(files_read(path, 0, &text, &err), &err, ERR_NOTFOUND, "No such file");
	put_file(dir, "f", "0123456789");
	assert_err(files_read(path, 9, &text, &err), &err, ERR_OPERATOR, "larger than 9");
	err_clear(&err);
	assert_ok(files_read(path, 10, &text, &err), &err);
	assert_string_equal(str_c(&text), "0123456789");
	assert_err(files_read(dir, 0, &text, &err), &err, ERR_OPERATOR, "Is a directory");
}

static void write_atomic_replaces(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *path = xasprintf("%s/f", dir);
	_cleanup_free_ char *lost = xasprintf("%s/no/f", dir);
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };
	struct stat st;

	umask(077);
	assert_ok(files_write_atomic(path, "one", 3, 0644, &err), &err);
	umask(022);
	assert_ok(files_write_atomic(path, "two", 3, 0640, &err), &err);
	assert_ok(files_read(path, 0, &text, &err), &err);
	assert_string_equal(str_c(&text), "two");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(count_entries(dir), 1);
	assert_err(files_write_atomic(lost, "x", 1, 0644, &err), &err, ERR_OPERATOR,
		   "/no");
}

static void pending_vanishes_unless_published(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *path = xasprintf("%s/f", dir);
	_cleanup_free_ char *taken = xasprintf("%s/d", dir);
	struct err err = { 0 };

	for (int publish = 0; publish < 2; publish++) {
		_cleanup_files_pending_ struct files_pending p = FILES_PENDING_INIT;
		assert_ok(files_pending_open(&p, path, 0644, &err), &err);
		assert_int_equal(write(p.fd, "x", 1), 1);
		assert_false(files_exists(path));
		if (publish)
			assert_ok(files_pending_publish(&p, &err), &err);
		files_pending_drop(&p);
		assert_int_equal(files_exists(path), publish);
		assert_int_equal(count_entries(dir), publish);
	}
	/* A name that cannot be had. */
	assert_int_equal(mkdir(taken, 0755), 0);
	{
		_cleanup_files_pending_ struct files_pending p = FILES_PENDING_INIT;
		assert_ok(files_pending_open(&p, taken, 0644, &err), &err);
		assert_err(files_pending_publish(&p, &err), &err, ERR_OPERATOR, "/d");
	}
	assert_int_equal(count_entries(dir), 2);
}

/* mksysb -o /dev/null once made a file of it. */
static void replaces_files_only(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *fifo = xasprintf("%s/fifo", dir);
	_cleanup_free_ char *link = xasprintf("%s/link", dir);
	_cleanup_files_pending_ struct files_pending p = FILES_PENDING_INIT;
	struct err err = { 0 };
	struct stat st;

	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(symlink("nowhere", link), 0);
	assert_err(files_pending_open(&p, fifo, 0644, &err), &err, ERR_OPERATOR,
		   "no regular file");
	err_clear(&err);
	assert_err(files_write_atomic(link, "x", 1, 0644, &err), &err, ERR_OPERATOR,
		   "a symbolic link");
	assert_int_equal(lstat(fifo, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(count_entries(dir), 2);
}

static void pending_leaves_nothing_after_sigkill(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *path = xasprintf("%s/f", dir);
	int status;

	pid_t pid = fork();
	if (pid == 0) {
		struct files_pending p = FILES_PENDING_INIT;
		if (files_pending_open(&p, path, 0644, NULL) < 0)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	if (count_entries(dir) != 0)
		skip(); /* a file system without O_TMPFILE */
}

static void absolute_paths(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "/a//b/./c/", "/a/b/c" },
		{ "/", "/" },
		{ "/a/../b", "/a/../b" },
		{ "//", "/" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *got = files_absolute(cases[i].in);
		assert_string_equal(got, cases[i].out);
	}
	assert_int_equal(chdir("/usr"), 0);
	_cleanup_free_ char *relative = files_absolute("bin/./x"),
			    *here = files_absolute(".");
	assert_string_equal(relative, "/usr/bin/x");
	assert_string_equal(here, "/usr");
	assert_int_equal(chdir("/"), 0);
	_cleanup_free_ char *top = files_absolute("x");
	assert_string_equal(top, "/x");
}

static void rmtree_refusals(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *tree = xasprintf("%s/tree", dir);
	_cleanup_free_ char *dots = xasprintf("%s/tree/../tree", dir);
	_cleanup_free_ char *link = xasprintf("%s/link", dir);
	struct err err = { 0 };

	assert_err(files_rmtree("/", NULL, &err), &err, ERR_INTERNAL, "near to the root");
	assert_err(files_rmtree("//usr/", NULL, &err), &err, ERR_INTERNAL,
		   "near to the root");
	assert_int_equal(mkdir(tree, 0755), 0);
	put_file(tree, "data", "x");
	assert_err(files_rmtree(dots, NULL, &err), &err, ERR_INTERNAL, "\"..\"");
	assert_err(files_rmtree(tree, ".marker", &err), &err, ERR_OPERATOR, ".marker");
	assert_int_equal(symlink("tree", link), 0);
	put_file(tree, ".marker", "");
	assert_err(files_rmtree(link, ".marker", &err), &err, ERR_OPERATOR, "refused");
	err_clear(&err);
	assert_ok(files_rmtree(link, NULL, &err), &err);
	assert_false(files_exists(link));
	assert_true(files_exists(tree));
	assert_ok(files_rmtree(tree, ".marker", &err), &err);
	assert_false(files_exists(tree));
	assert_ok(files_rmtree(tree, ".marker", &err), &err);
}

static void note_gone(void *arg, uint64_t n)
{
	uint64_t *seen = arg;

	assert_true(n > *seen);
	*seen = n;
}

static void rmtree_tells_how_far_it_is(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *tree = xasprintf("%s/tree", dir);
	_cleanup_free_ char *sub = xasprintf("%s/tree/sub", dir);
	uint64_t seen = 0;
	const struct rmtree_watch watch = { note_gone, &seen };
	struct files_usage usage;
	struct err err = { 0 };

	assert_int_equal(mkdir(tree, 0755), 0);
	assert_int_equal(mkdir(sub, 0755), 0);
	put_file(tree, ".marker", "");
	for (int i = 0; i < 200; i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%d", i);
		put_file(i % 2 ? sub : tree, name, "x");
	}
	assert_ok(files_usage(tree, &usage, &err), &err);
	assert_int_equal(usage.names, 202);
	assert_ok(files_rmtree_watched(tree, ".marker", &watch, &err), &err);
	assert_false(files_exists(tree));
	assert_int_equal(seen, 202);
}

static void disk_usage_counts_links_once(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *a = xasprintf("%s/a", dir), *b = xasprintf("%s/b", dir);
	uint64_t empty, one, two;
	struct err err = { 0 };

	assert_ok(files_disk_usage(dir, &empty, &err), &err);
	int fd = open(a, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	char block[4096];
	memset(block, 7, sizeof(block));
	for (int i = 0; i < 256; i++)
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	assert_int_equal(fsync(fd), 0);
	close(fd);
	assert_ok(files_disk_usage(dir, &one, &err), &err);
	assert_true(one >= empty + (1 << 20));
	assert_int_equal(link(a, b), 0);
	assert_ok(files_disk_usage(dir, &two, &err), &err);
	assert_true(two < one + (1 << 19));
	assert_err(files_disk_usage("/no/such", &two, &err), &err, ERR_OPERATOR,
		   "/no/such");
}

static void locks_exclude_and_name_the_holder(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *path = xasprintf("%s/lock", dir);
	struct err err = { 0 };
	char self[16];
	int ready[2], status;

	int fd = lock_file(path, 0, &err);
	assert_true(fd >= 0);
	snprintf(self, sizeof(self), "%d", (int)getpid());
	assert_err(lock_file(path, 0, &err), &err, ERR_LOCKED, self);
	close(fd);

	/* A holder that is killed lets go; a waiter gets it then. */
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (lock_file(path, 0, NULL) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		usleep(300000);
		kill(getpid(), SIGKILL);
	}
	char byte;
	assert_int_equal(read(ready[0], &byte, 1), 1);
	snprintf(self, sizeof(self), "%d", (int)pid);
	assert_err(lock_file(path, 0, &err), &err, ERR_LOCKED, self);
	err_clear(&err);
	fd = lock_file(path, 10, &err);
	assert_true(fd >= 0);
	waitpid(pid, &status, 0);
	close(fd);
	close(ready[0]);
	close(ready[1]);
	assert_err(lock_file("/no/dir/lock", 0, &err), &err, ERR_OPERATOR,
		   "/no/dir/lock");
}

static void sha256_vectors(void **state)
{
	static const struct {
		const char *text, *hex;
	} cases[] = {
		{ "",
		  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc",
		  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	};
	struct sha256 *h = sha256_new();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t a[SHA256_LEN], b[SHA256_LEN], c[SHA256_LEN];
		char hex[SHA256_HEX_LEN];
		sha256_buf(cases[i].text, strlen(cases[i].text), a);
		sha256_hex(a, hex);
		assert_string_equal(hex, cases[i].hex);
		for (const char *p = cases[i].text; *p; p++)
			sha256_update(h, p, 1);
		sha256_final(h, b);
		sha256_reset(h);
		assert_memory_equal(a, b, sizeof(a));
		assert_true(sha256_parse(hex, c));
		assert_memory_equal(a, c, sizeof(a));
	}
	sha256_free(h);
}

static void sha256_parse_is_strict(void **state)
{
	uint8_t d[SHA256_LEN];
	char hex[80];

	memset(hex, 'a', sizeof(hex));
	hex[64] = '\0';
	assert_true(sha256_parse(hex, d));
	hex[63] = 'A';
	assert_false(sha256_parse(hex, d));
	hex[63] = '\0';
	assert_false(sha256_parse(hex, d));
	hex[63] = hex[64] = 'a';
	hex[65] = '\0';
	assert_false(sha256_parse(hex, d));
	assert_false(sha256_parse("", d));
}

static void sha256_of_a_descriptor(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *path = xasprintf("%s/f", dir);
	uint8_t a[SHA256_LEN], b[SHA256_LEN];
	struct err err = { 0 };

	put_file(dir, "f", "skipabc");
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(lseek(fd, 4, SEEK_SET), 4);
	assert_ok(sha256_fd(fd, a, &err), &err);
	sha256_buf("abc", 3, b);
	assert_memory_equal(a, b, sizeof(a));
	assert_err(sha256_fd(-1, a, &err), &err, ERR_OPERATOR, "cannot read");
}

static void clock_stamps(void **state)
{
	char buf[CLOCK_STAMP_LEN];

	assert_string_equal(clock_stamp(buf, (struct timespec){ 0, 0 }),
			    "1970-01-01T00:00:00.000Z");
	assert_string_equal(clock_stamp(buf, (struct timespec){ 1795412460, 123999999 }),
			    "2026-11-23T05:41:00.123Z");
	assert_int_equal(strlen(clock_now(buf)), 24);
	double before = clock_mono();
	usleep(2000);
	assert_true(clock_mono() >= before + 0.002);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mkdirs_works_twice),
		cmocka_unit_test(read_limits),
		cmocka_unit_test(write_atomic_replaces),
		cmocka_unit_test(pending_vanishes_unless_published),
		cmocka_unit_test(replaces_files_only),
		cmocka_unit_test(pending_leaves_nothing_after_sigkill),
		cmocka_unit_test(absolute_paths),
		cmocka_unit_test(rmtree_refusals),
		cmocka_unit_test(rmtree_tells_how_far_it_is),
		cmocka_unit_test(disk_usage_counts_links_once),
		cmocka_unit_test(locks_exclude_and_name_the_holder),
		cmocka_unit_test(sha256_vectors),
		cmocka_unit_test(sha256_parse_is_strict),
		cmocka_unit_test(sha256_of_a_descriptor),
		cmocka_unit_test(clock_stamps),
	};

	return cmocka_run_group_tests_name("sys-files", tests, NULL, NULL);
}
