/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shared store and a job's pull: what a client may make of it, and what it may not. */
#include "test.h"

#include <fcntl.h>

#include "cache/pull.h"
#include "sys/files.h"

#define HEX	 "0123456789abcdef"
#define SOME_SHA HEX HEX HEX HEX

struct fixture {
	char *dir, *cache, *pins, *manifest, *wants, *tree;
	struct objects store;
	struct str lines;
	uint64_t members;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err err = { 0 };

	f->dir = scratch_new();
	f->cache = xasprintf("%s/cache", f->dir);
	f->pins = xasprintf("%s/cache/pins", f->dir);
	f->manifest = xasprintf("%s/manifest", f->dir);
	f->wants = xasprintf("%s/wants", f->dir);
	f->tree = xasprintf("%s/tree", f->dir);
	f->store = (struct objects)OBJECTS_INIT;
	assert_ok(objects_open(&f->store, f->cache, &err), &err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	objects_done(&f->store);
	scratch_free(f->dir);
	free(f->cache);
	free(f->pins);
	free(f->manifest);
	free(f->wants);
	free(f->tree);
	str_done(&f->lines);
	free(f);
	return 0;
}

static void sha_of(const char *text, char hex[SHA256_HEX_LEN])
{
	uint8_t digest[SHA256_LEN];

	sha256_buf(text, strlen(text), digest);
	sha256_hex(digest, hex);
}

/* A line of the manifest to come. */
static void add(struct fixture *f, const char *line)
{
	str_addf(&f->lines, "%s\n", line);
	f->members++;
}

static void add_file(struct fixture *f, const char *mode, const char *text,
		     const char *path)
{
	char sha[SHA256_HEX_LEN];

	sha_of(text, sha);
	str_addf(&f->lines, "f %s %u %u 1600000000.000000000 %zu %s - - %s\n", mode,
		 geteuid(), getegid(), strlen(text), sha, path);
	f->members++;
}

/* Writes the manifest and begins a pull with it. */
static int begin(struct fixture *f, struct pull *p, struct pull_plan *plan,
		 struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	struct manifest_head head = { .members = f->members };

	manifest_head_write(&head, &text);
	str_add(&text, str_c(&f->lines));
	put_file(f->dir, "manifest", text.p);
	str_reset(&f->lines);
	f->members = 0;
	if (pull_open(p, &f->store, f->pins, f->manifest, err) < 0)
		return -1;
	return pull_want(p, f->wants, plan, err);
}

/* The next wanted content. */
static int give(struct pull *p, const char *text, struct err *err)
{
	const struct manifest_entry *e;
	struct xattrs none = { 0 };
	bool data;

	if (pull_next(p, &e, &data, err) != 0 || pull_begin(p, &none, err) < 0)
		return -1;
	if (data && pull_data(p, 0, text, strlen(text), err) < 0)
		return -1;
	return pull_end(p, err);
}

static bool has_object(const struct fixture *f, const char *text)
{
	char sha[SHA256_HEX_LEN], name[OBJECT_NAME_LEN];
	struct stat st;

	sha_of(text, sha);
	object_name(sha, 'f', name);
	return fstatat(f->store.fd, name, &st, 0) == 0;
}

/* One job that brings a file. */
static void bring(struct fixture *f, const char *text)
{
	_cleanup_pull_ struct pull p = PULL_INIT;
	struct pull_plan plan;
	struct err err = { 0 };

	add_file(f, "0644", text, "file");
	assert_ok(begin(f, &p, &plan, &err), &err);
	if (plan.wanted_files > 0)
		assert_ok(give(&p, text, &err), &err);
	assert_ok(pull_keep(&p, &err), &err);
}

static void drop_pins(struct fixture *f)
{
	struct err err = { 0 };

	assert_ok(files_rmtree(f->pins, NULL, &err), &err);
}

static void test_plan(void **state)
{
	struct fixture *f = *state;
	_cleanup_pull_ struct pull p = PULL_INIT;
	struct pull_plan plan;
	struct err err = { 0 };

	add(f, "d 0755 0 0 1.000000000 0 - - - .");
	add_file(f, "0644", "one", "a");
	add_file(f, "0644", "one", "b");
	add_file(f, "0644", "", "empty");
	add_file(f, "0640", "hidden", "shadow");
	assert_ok(begin(f, &p, &plan, &err), &err);
	assert_int_equal(plan.files, 3);
	assert_int_equal(plan.wanted_files, 2);
	assert_int_equal(plan.wanted_bytes, 9);
	assert_int_equal(plan.proofs, 0);
	assert_ok(pull_check_room(&p, &plan, 0, &err), &err);
	assert_err(pull_check_room(&p, &plan, 10, &err), &err, ERR_OPERATOR,
		   "this one needs");
}

static void test_wrong_content(void **state)
{
	struct fixture *f = *state;
	_cleanup_pull_ struct pull p = PULL_INIT;
	struct pull_plan plan;
	struct err err = { 0 };

	add_file(f, "0644", "good", "a");
	assert_ok(begin(f, &p, &plan, &err), &err);
	assert_err(give(&p, "evil", &err), &err, ERR_OPERATOR, "not the SHA-256");
	assert_err(pull_keep(&p, &err), &err, ERR_OPERATOR, "cannot keep");
	assert_false(has_object(f, "good"));
	assert_false(has_object(f, "evil"));
}

static void test_too_much(void **state)
{
	struct fixture *f = *state;
	_cleanup_pull_ struct pull p = PULL_INIT;
	struct pull_plan plan;
	struct err err = { 0 };
	const struct manifest_entry *e;
	struct xattrs none = { 0 };
	bool data;

	add_file(f, "0644", "good", "a");
	assert_ok(begin(f, &p, &plan, &err), &err);
	assert_ok(pull_next(&p, &e, &data, &err), &err);
	assert_ok(pull_begin(&p, &none, &err), &err);
	assert_err(pull_data(&p, 0, "12345", 5, &err), &err, ERR_OPERATOR, "longer");
	assert_err(pull_data(&p, 4, "1", 1, &err), &err, ERR_OPERATOR, "longer");
	assert_err(pull_data(&p, UINT64_MAX, "12", 2, &err), &err, ERR_OPERATOR,
		   "longer");
	p.budget = 3;
	assert_err(pull_data(&p, 0, "1234", 4, &err), &err, ERR_OPERATOR, "room");
}

static void test_secrets(void **state)
{
	struct fixture *f = *state;
	_cleanup_pull_ struct pull p = PULL_INIT;
	struct pull_plan plan;
	struct err err = { 0 };

	add_file(f, "0640", "shadow", "a");
	add(f, "d 0700 0 0 1.000000000 0 - - - root");
	add(f, "d 0755 0 0 1.000000000 0 - - - root/sub");
	add_file(f, "0644", "key", "root/sub/key");
	add_file(f, "0644", "open", "z");
	assert_ok(begin(f, &p, &plan, &err), &err);
	assert_ok(give(&p, "shadow", &err), &err);
	assert_ok(give(&p, "key", &err), &err);
	assert_ok(give(&p, "open", &err), &err);
	assert_ok(pull_keep(&p, &err), &err);
	assert_false(has_object(f, "shadow"));
	assert_false(has_object(f, "key"));
	assert_true(has_object(f, "open"));
}

static void test_proof(void **state)
{
	struct fixture *f = *state;
	_cleanup_pull_ struct pull p = PULL_INIT;
	_cleanup_free_ char *text = NULL;
	struct pull_plan plan;
	struct err err = { 0 };
	char hex[SHA256_HEX_LEN];

	bring(f, "content of another client");
	drop_pins(f);
	add_file(f, "0644", "content of another client", "a");
	assert_ok(begin(f, &p, &plan, &err), &err);
	assert_int_equal(plan.wanted_files, 0);
	assert_int_equal(plan.proofs, 1);
	/* Who knows only the SHA-256 gets nothing. */
	sha_of("content of another client", hex);
	text = xasprintf("%s\n", hex);
	assert_err(pull_prove(&p, text, strlen(text), &err), &err, ERR_OPERATOR,
		   "cannot prove");
	assert_err(pull_prove(&p, "", 0, &err), &err, ERR_OPERATOR, "cannot prove");
	free(text);
	text = xasprintf("%scontent of another client", p.nonce.p);
	sha_of(text, hex);
	free(text);
	text = xasprintf("%s\n", hex);
	assert_ok(pull_prove(&p, text, strlen(text), &err), &err);
	free(text);
	text = xasprintf("%s\n%s\n", hex, hex);
	assert_err(pull_prove(&p, text, strlen(text), &err), &err, ERR_OPERATOR,
		   "more proofs");
}

static void check_hostile(struct fixture *f, const char *line, const char *want)
{
	_cleanup_pull_ struct pull p = PULL_INIT;
	struct pull_plan plan;
	struct err err = { 0 };

	add(f, line);
	assert_err(begin(f, &p, &plan, &err), &err, ERR_OPERATOR, want);
}

static void test_hostile_manifests(void **state)
{
	struct fixture *f = *state;

	check_hostile(f, "f 0644 0 0 1.000000000 1 " SOME_SHA " - - a/b",
		      "lies in no directory");
	add(f, "l 0777 0 0 1.000000000 0 - - - a /etc");
	check_hostile(f, "f 0644 0 0 1.000000000 1 " SOME_SHA " - - a/b",
		      "lies in no directory");
	check_hostile(f, "h 0644 0 0 1.000000000 0 - - - b a", "another name of no file");
	add(f, "d 0755 0 0 1.000000000 0 - - - a");
	check_hostile(f, "h 0644 0 0 1.000000000 0 - - - b a", "another name of no file");
	check_hostile(f, "f 0644 0 0 1.000000000 9223372036854775807 " SOME_SHA " - - b",
		      "a size that no disk has");
	check_hostile(f, "f 0644 0 0 1.000000000 1 " SOME_SHA " - - ../b", "no path");
}

static void test_build(void **state)
{
	struct fixture *f = *state;
	_cleanup_pull_ struct pull p = PULL_INIT;
	_cleanup_root_ struct root tree = ROOT_INIT;
	struct build_result r;
	struct pull_plan plan;
	struct err err = { 0 };
	struct stat a, b, c;

	add_file(f, "0644", "twice", "a");
	add_file(f, "0644", "twice", "b");
	add(f, "h 0644 0 0 1.000000000 0 - - - c b");
	assert_ok(begin(f, &p, &plan, &err), &err);
	assert_ok(give(&p, "twice", &err), &err);
	assert_ok(mkdir(f->tree, 0755), &err);
	assert_ok(root_open(&tree, f->tree, &err), &err);
	assert_ok(build_tree(&p, &tree, true, NULL, &r, &err), &err);
	assert_int_equal(r.linked, 1);
	assert_int_equal(r.copied, 1);
	assert_ok(root_stat(&tree, "a", &a), &err);
	assert_ok(root_stat(&tree, "b", &b), &err);
	assert_ok(root_stat(&tree, "c", &c), &err);
	assert_true(a.st_ino != b.st_ino && b.st_ino == c.st_ino);
	assert_int_equal(a.st_mtim.tv_sec, 1600000000);
	assert_int_equal(b.st_mtim.tv_sec, 1600000000);
}

/* A content that is named a thousand times must not become a thousand copies without end. */
static void test_build_budget(void **state)
{
	struct fixture *f = *state;
	_cleanup_pull_ struct pull p = PULL_INIT;
	_cleanup_root_ struct root tree = ROOT_INIT;
	struct build_result r;
	struct pull_plan plan;
	struct err err = { 0 };

	add_file(f, "0644", "0123456789", "a");
	add_file(f, "0644", "0123456789", "b");
	add_file(f, "0644", "0123456789", "c");
	assert_ok(begin(f, &p, &plan, &err), &err);
	p.budget = 25;
	assert_ok(give(&p, "0123456789", &err), &err);
	assert_ok(mkdir(f->tree, 0755), &err);
	assert_ok(root_open(&tree, f->tree, &err), &err);
	assert_err(build_tree(&p, &tree, true, NULL, &r, &err), &err, ERR_OPERATOR,
		   "/c: cannot be copied: No space left");
}

static void test_resume(void **state)
{
	struct fixture *f = *state;
	struct pull_plan plan;
	struct err err = { 0 };

	for (int i = 0; i < 2; i++) {
		_cleanup_pull_ struct pull p = PULL_INIT;
		add_file(f, "0644", "one", "a");
		add_file(f, "0644", "two", "b");
		assert_ok(begin(f, &p, &plan, &err), &err);
		assert_int_equal(plan.wanted_files, 2 - i);
		assert_int_equal(plan.proofs, i);
		assert_ok(give(&p, i == 0 ? "one" : "two", &err), &err);
	}
	/* Another boot: what was not synced may be anything. */
	put_file(f->pins, "boot", "another\n");
	_cleanup_pull_ struct pull p = PULL_INIT;
	add_file(f, "0644", "one", "a");
	assert_ok(begin(f, &p, &plan, &err), &err);
	assert_int_equal(plan.wanted_files, 1);
}

static void test_collect(void **state)
{
	struct fixture *f = *state;
	struct objects_usage u;
	struct err err = { 0 };

	bring(f, "old");
	drop_pins(f);
	usleep(20000);
	bring(f, "new");
	drop_pins(f);
	usleep(20000);
	bring(f, "pinned");
	assert_ok(objects_usage(&f->store, &u, &err), &err);
	assert_int_equal(u.objects, 3);
	assert_int_equal(u.used_objects, 1);
	uint64_t each = u.bytes / 3;
	assert_ok(objects_collect(&f->store, each * 3, &u, &err), &err);
	assert_int_equal(u.objects, 0);
	assert_ok(objects_collect(&f->store, each * 2, &u, &err), &err);
	assert_int_equal(u.objects, 1);
	assert_false(has_object(f, "old"));
	assert_true(has_object(f, "new"));
	assert_ok(objects_collect(&f->store, 0, &u, &err), &err);
	assert_false(has_object(f, "new"));
	assert_true(has_object(f, "pinned"));
}

static void count_bad(void *arg, const char *name, const char *what)
{
	++*(unsigned *)arg;
}

static void test_check(void **state)
{
	struct fixture *f = *state;
	unsigned told = 0;
	const struct objects_check check = { .bad = count_bad, .arg = &told };
	char sha[SHA256_HEX_LEN], name[OBJECT_NAME_LEN];
	struct err err = { 0 };
	uint64_t bad;

	bring(f, "one");
	bring(f, "two");
	assert_ok(objects_check(&f->store, &check, &bad, &err), &err);
	assert_int_equal(bad, 0);
	sha_of("one", sha);
	object_name(sha, 'f', name);
	put_file(f->store.dir, name, "One");
	put_file(f->store.dir, "00/rubbish", "x");
	assert_ok(objects_check(&f->store, &check, &bad, &err), &err);
	assert_int_equal(bad, 2);
	assert_int_equal(told, 2);
	assert_false(has_object(f, "one"));
	assert_true(has_object(f, "two"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_plan),     TEST(test_wrong_content),
		TEST(test_too_much), TEST(test_secrets),
		TEST(test_proof),    TEST(test_hostile_manifests),
		TEST(test_build),    TEST(test_build_budget),
		TEST(test_resume),   TEST(test_collect),
		TEST(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
