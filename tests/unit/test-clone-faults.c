/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copying a tree that moves or breaks under our hands. This program's own openat, pread and pwrite come first. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "clone/clone.h"
#include "model/manifest-file.h"
#include "sys/files.h"

#define LARGE (600u << 10)

struct fixture {
	char *dir, *manifest;
	struct root from, to;
	struct strv notes; /* "what path" */
	struct clone_job job;
	struct clone_result res;
};

/* What happens to the file of this name in the source. */
static struct {
	const char *name;
	const char *dir; /* above it */
	int read_errno;	 /* on the second read */
	int write_errno; /* of its copy */
	off_t truncate;	 /* when it is first read; -1: no */
	bool append, unlink;
	unsigned reads;
} fault;

static bool is_faulty(int fd, const char *in)
{
	_cleanup_free_ char *self = xasprintf("/proc/self/fd/%d", fd);
	char path[512];
	ssize_t n = fault.name ? readlink(self, path, sizeof(path) - 1) : -1;

	if (n < 0)
		return false;
	path[n] = '\0';
	return strstr(path, in) != NULL && ends_with(path, fault.name);
}

int openat64(int dir, const char *name, int flags, ...)
{
	mode_t mode = 0;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_list ap;
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (fault.name && fault.unlink && streq(name, fault.name) && !(flags & O_CREAT))
		unlinkat(dir, name, 0);
	return (int)syscall(SYS_openat, dir, name, flags, mode);
}

ssize_t pread64(int fd, void *p, size_t n, off_t off)
{
	if (is_faulty(fd, "/from/")) {
		_cleanup_free_ char *path = xasprintf("%s/%s", fault.dir, fault.name);

		fault.reads++;
		if (fault.reads > 1 && fault.read_errno) {
			errno = fault.read_errno;
			return -1;
		}
		if (fault.reads == 1 && fault.truncate >= 0 &&
		    truncate(path, fault.truncate) < 0)
			abort();
		if (fault.reads == 1 && fault.append)
			put_file(fault.dir, fault.name, "something else");
	}
	return syscall(SYS_pread64, fd, p, n, off);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t off)
{
	if (fault.write_errno && is_faulty(fd, "/to/")) {
		errno = fault.write_errno;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, p, n, off);
}

static void on_note(void *arg, enum clone_note what, const char *path, const char *text)
{
	static const char *const names[] = { "unreadable", "changed", "lost",
					     "vanished" };
	struct fixture *f = arg;

	assert_non_null(text);
	strv_addf(&f->notes, "%s %s", names[what], path);
}

static void put_large(const char *dir, const char *name)
{
	_cleanup_free_ char *text = xmalloc(LARGE + 1);

	memset(text, 'x', LARGE);
	text[LARGE] = '\0';
	put_file(dir, name, text);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err err = { 0 };

	fault = (typeof(fault)){ .truncate = -1 };
	f->from = f->to = (struct root)ROOT_INIT;
	f->dir = scratch_new();
	_cleanup_free_ char *from = xasprintf("%s/from", f->dir);
	_cleanup_free_ char *sub = xasprintf("%s/from/sub", f->dir);
	_cleanup_free_ char *to = xasprintf("%s/to", f->dir);
	if (mkdir(from, 0755) < 0 || mkdir(sub, 0755) < 0 || mkdir(to, 0755) < 0)
		return -1;
	put_file(from, "before", "before\n");
	put_large(from, "faulty");
	put_file(sub, "after", "after\n");
	assert_ok(root_open(&f->from, from, &err), &err);
	assert_ok(root_open(&f->to, to, &err), &err);
	f->manifest = xasprintf("%s/manifest", f->dir);
	fault.dir = f->from.path;
	f->job = (struct clone_job){
		.from = &f->from,
		.to = &f->to,
		.manifest = f->manifest,
		.threads = 4,
		.note = on_note,
		.note_arg = f,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fault.name = NULL;
	root_done(&f->from);
	root_done(&f->to);
	strv_done(&f->notes);
	scratch_free(f->dir);
	free(f->manifest);
	free(f);
	return 0;
}

static void assert_verifies(struct fixture *f)
{
	struct err err = { 0 };

	fault.name = NULL;
	assert_ok(clone_verify(&f->to, NULL, f->manifest, 2, NULL, &err), &err);
}

static bool manifest_has(const struct fixture *f, const char *text)
{
	_cleanup_str_ struct str all = STR_INIT;
	struct err err = { 0 };

	assert_ok(files_read(f->manifest, 0, &all, &err), &err);
	return strstr(str_c(&all), text) != NULL;
}

/* What the last report said. */
struct told {
	uint64_t done, total;
	char item[64];
};

static void keep_told(void *arg, enum progress_unit unit, uint64_t done, uint64_t total,
		      const char *item)
{
	struct told *told = arg;

	*told = (struct told){ .done = done, .total = total };
	snprintf(told->item, sizeof(told->item), "%s", item);
}

static void nothing_happens(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct told told = { 0 };
	const struct progress p = { keep_told, &told };

	assert_ok(clone_run(&f->job, &p, &f->res, &err), &err);
	assert_int_equal(f->notes.n, 0);
	assert_int_equal(f->res.files, 5);
	assert_string_equal(told.item, "5 of 5 files");
	assert_int_equal(f->res.bytes, LARGE + strlen("before\nafter\n"));
	assert_int_equal(strlen(f->res.digest), 64);
	assert_true(told.total >= f->res.bytes);
	assert_true(told.done == told.total);
	assert_verifies(f);
}

static void error_on_read(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	fault.name = "faulty";
	fault.read_errno = EIO;
	assert_int_equal(clone_run(&f->job, NULL, &f->res, &err), 1);
	assert_int_equal(f->res.unreadable, 1);
	assert_int_equal(f->notes.n, 1);
	assert_string_equal(f->notes.v[0], "unreadable faulty");
	assert_true(root_exists(&f->to, "before") && root_exists(&f->to, "sub/after"));
	assert_false(manifest_has(f, "faulty"));
	assert_true(manifest_has(f, "sub/after"));
}

/* The one who waits for the first name must get an answer too. */
static void error_on_read_of_several_names(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	if (linkat(f->from.fd, "faulty", f->from.fd, "sub/faulty", 0) < 0 ||
	    linkat(f->from.fd, "faulty", f->from.fd, "also-faulty", 0) < 0)
		fail_msg("cannot link");
	fault.name = "faulty";
	fault.read_errno = EIO;
	assert_int_equal(clone_run(&f->job, NULL, &f->res, &err), 1);
	assert_true(f->res.unreadable >= 1 && f->res.unreadable <= 3);
	assert_true(root_exists(&f->to, "sub/after"));
}

static void vanishes(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	fault.name = "faulty";
	fault.unlink = true;
	assert_ok(clone_run(&f->job, NULL, &f->res, &err), &err);
	assert_int_equal(f->res.vanished, 1);
	assert_string_equal(f->notes.v[0], "vanished faulty");
	assert_false(root_exists(&f->to, "faulty"));
	assert_verifies(f);
}

static void shrinks(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct stat st;

	fault.name = "faulty";
	fault.truncate = 300000;
	assert_ok(clone_run(&f->job, NULL, &f->res, &err), &err);
	assert_int_equal(f->res.changed, 1);
	assert_string_equal(f->notes.v[0], "changed faulty");
	assert_int_equal(root_lstat(&f->to, "faulty", &st), 0);
	assert_int_equal(st.st_size, 300000);
	assert_verifies(f);
}

static void is_written_anew(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	fault.name = "faulty";
	fault.append = true;
	assert_ok(clone_run(&f->job, NULL, &f->res, &err), &err);
	assert_int_equal(f->res.changed, 1);
	assert_verifies(f);
	/* A second pass sees it, and names it. */
	f->job.update = true;
	strv_done(&f->notes);
	assert_ok(clone_run(&f->job, NULL, &f->res, &err), &err);
	assert_int_equal(f->res.changed, 1);
	assert_int_equal(f->notes.n, 1);
	assert_string_equal(f->notes.v[0], "changed faulty");
	assert_int_equal(f->res.bytes, strlen("something else"));
	assert_verifies(f);
}

static enum clone_known by_manifest(void *arg, const char *path, const struct statx *sx,
				    struct manifest_entry *ret)
{
	return manifest_index_find(arg, path, ret) && ret->type == 'f'
		       ? CLONE_KNOWN_CONTENT
		       : CLONE_KNOWN_NOT;
}

/* What the first pass has read is not read for its digest once more; what differs is copied whatever is known. */
static void second_pass_knows(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	_cleanup_manifest_map_ struct manifest_map map = { 0 };
	_cleanup_manifest_index_ struct manifest_index index = { 0 };
	char digest[sizeof(f->res.digest)];

	fault.name = "faulty";
	assert_ok(clone_run(&f->job, NULL, &f->res, &err), &err);
	assert_int_not_equal(fault.reads, 0);
	memcpy(digest, f->res.digest, sizeof(digest));
	assert_ok(manifest_map_open(&map, f->manifest, &err), &err);
	assert_ok(manifest_index_make(&index, &map, &err), &err);
	f->job.update = true;
	f->job.known = by_manifest;
	f->job.known_arg = &index;
	fault.reads = 0;
	assert_ok(clone_run(&f->job, NULL, &f->res, &err), &err);
	assert_int_equal(fault.reads, 0);
	assert_int_equal(f->res.bytes, 0);
	assert_string_equal(f->res.digest, digest);
	assert_verifies(f);

	put_file(fault.dir, "faulty", "other");
	assert_ok(clone_run(&f->job, NULL, &f->res, &err), &err);
	assert_int_equal(f->res.changed, 1);
	assert_int_equal(f->res.bytes, strlen("other"));
	assert_verifies(f);
}

static void no_room(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	fault.name = "faulty";
	fault.write_errno = ENOSPC;
	assert_err(clone_run(&f->job, NULL, &f->res, &err), &err, ERR_OPERATOR,
		   "the copy of /faulty: cannot write it: No space");
	assert_true(strstr(err.remedy, "larger target") != NULL);
	assert_false(files_exists(f->manifest));
}

static void wrong_pattern(void **state)
{
	struct fixture *f = *state;
	_cleanup_strv_ struct strv patterns = STRV_INIT;
	struct err err = { 0 };
	struct told told = { 0 };
	const struct progress p = { keep_told, &told };

	strv_add(&patterns, "^\\./sub$");
	f->job.excludes = &patterns;
	assert_ok(clone_run(&f->job, &p, &f->res, &err), &err);
	assert_string_equal(told.item, "3 of 3 files");
	assert_int_equal(f->res.files, 3);
	assert_false(root_exists(&f->to, "sub"));
	strv_add(&patterns, "\\(");
	assert_err(clone_run(&f->job, NULL, &f->res, &err), &err, ERR_USAGE,
		   "exclude pattern '\\('");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_happens),   T(error_on_read), T(error_on_read_of_several_names),
		T(vanishes),	      T(shrinks),	T(is_written_anew),
		T(second_pass_knows), T(no_room),	T(wrong_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
