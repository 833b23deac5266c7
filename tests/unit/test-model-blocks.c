/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block devices out of what lsblk prints, old and new. */
#include "test.h"

#include "model/blocks.h"

#define COLUMNS "NAME,PATH,TYPE"

/* What the programs print; NULL: an error. */
struct host {
	struct runner runner;
	const char *many, *one,
		*mounts; /* lsblk with MOUNTPOINTS, with MOUNTPOINT; findmnt */
};

static int answer(struct runner *runner, const struct proc_spec *spec,
		  struct proc_result *res, struct err *err)
{
	struct host *h = (struct host *)runner;
	const char *text = h->mounts;

	if (streq(spec->argv[0], "lsblk")) {
		bool all = streq(spec->argv[4], COLUMNS ",MOUNTPOINTS");

		assert_true(all || streq(spec->argv[4], COLUMNS ",MOUNTPOINT"));
		text = all ? h->many : h->one;
	}
	*res = (struct proc_result){ .how = PROC_EXITED, .status = text ? 0 : 1 };
	if (text)
		str_add(spec->out, text);
	return text ? 0 : 1;
}

static const struct runner_ops ops = { .name = "host", .run = answer };

/* util-linux 2.36 */
static const char old[] =
	"{\"blockdevices\":[{\"name\":\"vda\",\"path\":\"/dev/vda\",\"type\":\"disk\","
	"\"mountpoint\":null,\"children\":["
	"{\"name\":\"vda1\",\"path\":\"/dev/vda1\",\"type\":\"part\",\"mountpoint\":\"/home\"},"
	"{\"name\":\"vda11\",\"path\":\"/dev/vda11\",\"type\":\"part\",\"mountpoint\":\"[SWAP]\"}]}]}";
static const char mounts[] =
	"{\"filesystems\":[{\"target\":\"/\",\"source\":\"/dev/vda1[/@rootfs]\"},"
	"{\"target\":\"/proc\",\"source\":\"proc\"},"
	"{\"target\":\"/home\",\"source\":\"/dev/vda1[/@home]\"}]}";
static const char many[] =
	"{\"blockdevices\":[{\"path\":\"/dev/vda\",\"mountpoints\":[\"/\",\"/home\"]}]}";

/* The mount points of a device as "/ /home". */
static char *mounts_of(const json_t *dev)
{
	_cleanup_str_ struct str out = STR_INIT;
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(dev, "mountpoints"), i, item)
		str_addf(&out, "%s%s", i ? " " : "", json_string_value(item));
	return str_take(&out);
}

static void test_new(void **state)
{
	struct host h = { { &ops }, many, NULL, NULL };
	struct err err = { 0 };
	_cleanup_json_ json_t *list = NULL;

	assert_ok(blocks_read(&h.runner, COLUMNS, &list, &err), &err);
	_cleanup_free_ char *got = mounts_of(json_array_get(list, 0));

	assert_string_equal(got, "/ /home");
}

static void test_old(void **state)
{
	struct host h = { { &ops }, NULL, old, mounts };
	struct err err = { 0 };
	_cleanup_json_ json_t *list = NULL;

	assert_ok(blocks_read(&h.runner, COLUMNS, &list, &err), &err);
	const json_t *disk = json_array_get(list, 0);
	const json_t *parts = json_object_get(disk, "children");
	_cleanup_free_ char *of_disk = mounts_of(disk);
	_cleanup_free_ char *first = mounts_of(json_array_get(parts, 0));
	_cleanup_free_ char *second = mounts_of(json_array_get(parts, 1));

	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(of_disk, "");
	assert_string_equal(first, "/home /");
	assert_string_equal(second, "[SWAP]");
}

static void test_none(void **state)
{
	struct host h = { { &ops }, NULL, NULL, mounts };
	_cleanup_json_ json_t *list = NULL;
	struct err err = { 0 };

	assert_int_equal(blocks_read(&h.runner, COLUMNS, &list, &err), 1);
	assert_non_null(strstr(err.msg, "lsblk"));
	h.one = "no JSON";
	assert_int_equal(blocks_read(&h.runner, COLUMNS, &list, &err), -1);
	assert_non_null(strstr(err.msg, "lsblk: not JSON"));
	h.one = "{}";
	assert_int_equal(blocks_read(&h.runner, COLUMNS, &list, &err), -1);
	assert_non_null(strstr(err.msg, "no block devices"));
	h.one = old;
	h.mounts = NULL;
	assert_int_equal(blocks_read(&h.runner, COLUMNS, &list, &err), 1);
	assert_non_null(strstr(err.msg, "findmnt"));
	assert_null(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
