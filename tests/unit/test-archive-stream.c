/* SPDX-License-Identifier: GPL-2.0-or-later */
/* archive: an image sent as a stream, put together again from pieces of any size, and what else may arrive. */
#include <endian.h>
#include <fcntl.h>

#include "archive/mksysb.h"
#include "archive/sink.h"
#include "sys/files.h"
#include "test.h"

#define IMAGE_DATA "image_data:\n\tTYPE= bos\n"

static bool only_a(const char *path, bool is_dir)
{
	return starts_with(path, "a");
}

static void put(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	struct err err = { 0 };

	assert_ok(files_write_atomic(path, text, strlen(text), 0640, &err), &err);
}

/* The stream of a small tree. */
static void make_stream(const char *dir, bool (*want)(const char *, bool),
			struct str *stream)
{
	_cleanup_free_ char *tree = xasprintf("%s/tree", dir);
	_cleanup_root_ struct root root = ROOT_INIT;
	struct mksysb_written written = { 0 };
	struct err err = { 0 };

	assert_ok(files_mkdirs(tree, 0755, &err), &err);
	put(tree, "a1", "one\n");
	put(tree, "a2", "two\n");
	put(tree, "b", "three\n");
	assert_ok(root_open(&root, tree, &err), &err);
	_cleanup_close_ int fd = files_nameless(dir, &err);
	assert_true(fd >= 0);
	struct mksysb_write w = { .root = &root,
				  .image_data = IMAGE_DATA,
				  .bosinst_data = "control_flow:\n",
				  .want = want };
	assert_ok(mksysb_send(&w, fd, dir, NULL, &written, &err), &err);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(files_read_fd(fd, (size_t)64 << 20, stream), 0);
	assert_true(written.files > 0);
}

static int receive(const char *path, const struct str *stream, size_t step,
		   uint64_t limit, struct err *err)
{
	_cleanup_mksysb_receive_ struct mksysb_receive *r = NULL;

	if (mksysb_receive_open(&r, path, limit, err) < 0)
		return -1;
	for (size_t at = 0; at < stream->len; at += step)
		if (mksysb_receive_data(r, stream->p + at, MIN(step, stream->len - at),
					err) < 0)
			return -1;
	return mksysb_receive_end(r, err);
}

static void count(void *arg, const struct manifest_entry *e)
{
	unsigned *n = arg;

	if (e->type == 'f')
		(*n)++;
}

static unsigned files_in(const char *path)
{
	_cleanup_mksysb_ struct mksysb *m = NULL;
	struct err err = { 0 };
	unsigned n = 0;

	assert_ok(mksysb_open(&m, path, &err), &err);
	assert_string_equal(mksysb_image_data(m), IMAGE_DATA);
	assert_ok(mksysb_verify(m, NULL, NULL, NULL, 0, NULL, &err), &err);
	assert_ok(mksysb_each(m, count, &n, &err), &err);
	return n;
}

static void arrives_whole(void **state)
{
	static const size_t steps[] = { 1, 7, 16, 4096, 1 << 20 };
	_cleanup_(scratch_free_p) char *dir = scratch_new();
	_cleanup_free_ char *path = xasprintf("%s/image", dir);
	_cleanup_str_ struct str stream = STR_INIT, some = STR_INIT;
	struct err err = { 0 };

	make_stream(dir, NULL, &stream);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		assert_ok(receive(path, &stream, steps[i], 64 << 20, &err), &err);
		assert_int_equal(files_in(path), 3);
	}
	make_stream(dir, only_a, &some);
	assert_ok(receive(path, &some, 4096, 64 << 20, &err), &err);
	assert_int_equal(files_in(path), 2);
}

static void ends_early(void **state)
{
	_cleanup_(scratch_free_p) char *dir = scratch_new();
	_cleanup_free_ char *path = xasprintf("%s/image", dir);
	_cleanup_str_ struct str stream = STR_INIT;
	struct err err = { 0 };

	make_stream(dir, NULL, &stream);
	size_t whole = stream.len;
	for (size_t cut = 1; cut < whole; cut += whole / 7) {
		stream.len = whole - cut;
		assert_err(receive(path, &stream, 4096, 64 << 20, &err), &err,
			   ERR_TRANSIENT, "ends too early");
		assert_false(files_exists(path));
	}
}

static void add_header(struct str *s, uint32_t n, uint32_t mark, uint64_t offset)
{
	uint32_t words[] = { htole32(n), htole32(mark), htole32((uint32_t)offset),
			     htole32((uint32_t)(offset >> 32)) };

	str_addn(s, words, sizeof(words));
}

/* Nothing that arrives writes more than the limit, wherever it says that it belongs. */
static void believes_nothing(void **state)
{
	static const struct {
		uint32_t n, mark;
		uint64_t offset;
		const char *says;
	} cases[] = {
		{ 1, SINK_PIECE, 1 << 20, "larger than" },
		{ 1, SINK_PIECE, UINT64_MAX, "larger than" },
		{ 2, SINK_PIECE, (1 << 20) - 1, "larger than" },
		{ SINK_PIECE_MAX, SINK_PIECE, 0, "larger than" },
		{ SINK_PIECE_MAX + 1, SINK_PIECE, 0, "not an image" },
		{ UINT32_MAX, SINK_PIECE, 0, "not an image" },
		{ 0, SINK_PIECE, 0, "not an image" },
		{ 1, SINK_END, 0, "not an image" },
		{ 0x20687373, 0x6f727265, 0, "not an image" },
		{ 0, SINK_END, 1ull << 40, "larger than" },
	};
	_cleanup_(scratch_free_p) char *dir = scratch_new();
	_cleanup_free_ char *path = xasprintf("%s/image", dir);
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_str_ struct str s = STR_INIT;

		add_header(&s, cases[i].n, cases[i].mark, cases[i].offset);
		assert_err(receive(path, &s, 4096, 1 << 20, &err), &err, ERR_OPERATOR,
			   cases[i].says);
		assert_false(files_exists(path));
	}
	/* the same place over and over */
	_cleanup_str_ struct str s = STR_INIT;
	char block[65536] = "";
	for (int i = 0; i < 17; i++) {
		add_header(&s, sizeof(block), SINK_PIECE, 0);
		str_addn(&s, block, sizeof(block));
	}
	assert_err(receive(path, &s, 4096, 1 << 20, &err), &err, ERR_OPERATOR,
		   "larger than");
	/* well-formed, but no image: opening it tells */
	str_reset(&s);
	add_header(&s, 5, SINK_PIECE, 0);
	str_add(&s, "hello");
	add_header(&s, 0, SINK_END, 5);
	assert_ok(receive(path, &s, 3, 1 << 20, &err), &err);
	_cleanup_mksysb_ struct mksysb *m = NULL;
	assert_err(mksysb_open(&m, path, &err), &err, ERR_OPERATOR, "not an image");
	str_add(&s, "more");
	assert_err(receive(path, &s, 3, 1 << 20, &err), &err, ERR_OPERATOR,
		   "follows the end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrives_whole),
		cmocka_unit_test(ends_early),
		cmocka_unit_test(believes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
