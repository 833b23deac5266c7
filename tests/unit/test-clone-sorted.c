/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manifest's lines: many runs become one order, and the first name of a file is the file. */
#include "test.h"

#include "clone/sorted.h"
#include "sys/files.h"

#define N 5000

struct fixture {
	char *dir, *manifest;
	struct sorted l;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err err = { 0 };

	f->dir = scratch_new();
	f->manifest = xasprintf("%s/manifest", f->dir);
	pthread_mutex_init(&f->l.lock, NULL);
	assert_ok(sorted_open(&f->l, f->dir, &err), &err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sorted_done(&f->l);
	pthread_mutex_destroy(&f->l.lock);
	scratch_free(f->dir);
	free(f->manifest);
	free(f);
	return 0;
}

static char *line_of(const char *path, uint64_t size)
{
	struct manifest_entry e = { .type = 'f', .mode = 0644, .size = size };
	struct str out = STR_INIT;

	memset(e.sha256, 'a', sizeof(e.sha256) - 1);
	str_add(&e.path, path);
	manifest_entry_write(&e, &out);
	manifest_entry_done(&e);
	return str_take(&out);
}

static int link_line(void *arg, uint32_t link, char **ret, struct err *err)
{
	assert_int_equal(link, 0);
	*ret = line_of("any name", 77);
	return 0;
}

static void add(struct fixture *f, struct sorted_buf *b, const char *path, uint64_t size)
{
	_cleanup_free_ char *line = line_of(path, size);
	struct err err = { 0 };

	assert_ok(sorted_add(&f->l, b, path, line, SORTED_NO_LINK, &err), &err);
}

static void merges(void **state)
{
	struct fixture *f = *state;
	const struct sorted_links links = { link_line, NULL, 1 };
	_cleanup_manifest_entry_ struct manifest_entry e = { 0 };
	_cleanup_str_ struct str text = STR_INIT;
	struct sorted_buf b[3] = { 0 };
	struct manifest_cursor c;
	struct manifest_head head;
	struct err err = { 0 };
	char digest[SHA256_HEX_LEN];
	uint64_t n = 0, bytes = 0;
	_cleanup_free_ char *last = xstrdup("");

	for (unsigned i = 0; i < N; i++) {
		_cleanup_free_ char *path = xasprintf("%u/file %u", (i * 7919u) % 97u, i);
		add(f, &b[i % 3], path, i);
		if (i % 700 == 0)
			assert_ok(sorted_flush(&f->l, &b[i % 3], &err), &err);
	}
	assert_ok(sorted_add(&f->l, &b[0], "z-second", "", 0, &err), &err);
	assert_ok(sorted_add(&f->l, &b[1], "a-first", "", 0, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(b); i++) {
		assert_ok(sorted_flush(&f->l, &b[i], &err), &err);
		str_done(&b[i].text);
	}
	assert_ok(sorted_write(&f->l, &links, f->manifest, digest, &err), &err);
	assert_ok(files_read(f->manifest, 0, &text, &err), &err);
	assert_ok(manifest_begin(&c, text.p, text.len, &head, &err), &err);
	assert_int_equal(head.members, N + 2);
	assert_int_equal(head.length, text.len);
	for (int rc; (rc = manifest_next(&c, &e, &err)) != 1; n++) {
		assert_ok(rc, &err);
		assert_true(strcmp(last, str_c(&e.path)) < 0);
		free(last);
		last = xstrdup(str_c(&e.path));
		bytes += e.size;
		if (streq(last, "a-first"))
			assert_true(e.type == 'f' && e.size == 77);
		if (streq(last, "z-second"))
			assert_true(e.type == 'h' && streq(str_c(&e.target), "a-first"));
	}
	assert_int_equal(n, N + 2);
	assert_int_equal(bytes, (uint64_t)N * (N - 1) / 2 + 77);
	assert_int_equal(head.bytes, bytes);
}

static void nothing_at_all(void **state)
{
	struct fixture *f = *state;
	const struct sorted_links links = { link_line, NULL, 0 };
	_cleanup_str_ struct str text = STR_INIT;
	char digest[SHA256_HEX_LEN];
	struct err err = { 0 };

	assert_ok(sorted_write(&f->l, &links, f->manifest, digest, &err), &err);
	assert_ok(files_read(f->manifest, 0, &text, &err), &err);
	assert_true(
		starts_with(text.p, "nimadm-manifest 1 members=00000000000000000000 "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(merges, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_at_all, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
