/* SPDX-License-Identifier: GPL-2.0-or-later */
/* image.data there and back, and what is wrong with a bad one. */
#include "test.h"

#include "model/layout.h"

static const char good[] = "image_data:\n"
			   "    IMAGE_TYPE= mksysb\n"
			   "    DATE_TIME= Mon Nov 23 06:00:00 UTC 2026\n"
			   "    HOSTNAME= web1\n"
			   "    PRODUCT_TAPE= no\n"
			   "    PLATFORM= amd64\n"
			   "    OSLEVEL= debian 12 bookworm\n"
			   "    BOOT_METHOD= grub-pc\n"
			   "    BOOT_DISK= /dev/sda\n"
			   "\n"
			   "logical_volume_policy:\n"
			   "    SHRINK= yes\n"
			   "    EXACT_FIT= no\n"
			   "\n"
			   "ils_data:\n"
			   "    LANG= C\n"
			   "\n"
			   "vg_data:\n"
			   "    VGNAME= rootvg\n"
			   "    PPSIZE= 4\n"
			   "    VARYON= yes\n"
			   "\n"
			   "source_disk_data:\n"
			   "    PVID= QM00001\n"
			   "    SIZE_MB= 20480\n"
			   "    HDISKNAME= /dev/sda\n"
			   "    DISK_LABEL= gpt\n"
			   "\n"
			   "lv_data:\n"
			   "    VOLUME_GROUP= rootvg\n"
			   "    LV_SOURCE_DISK_LIST= /dev/sda2\n"
			   "    LOGICAL_VOLUME= hd4\n"
			   "    TYPE= linear\n"
			   "    MOUNT_POINT= /\n"
			   "    LPs= 2560\n"
			   "    PP_SIZE= 4\n"
			   "\n"
			   "fs_data:\n"
			   "    FS_NAME= /\n"
			   "    FS_DEVICE= /dev/mapper/rootvg-hd4\n"
			   "    FS_TYPE= ext4\n"
			   "    FS_UUID= 1234\n"
			   "    FS_LABEL= root fs\n"
			   "    FS_OPTIONS= errors=remount-ro\n"
			   "    FS_SIZE= 10240\n"
			   "    FS_USED= 1400\n"
			   "    FS_LV= /dev/mapper/rootvg-hd4\n"
			   "\n"
			   "post_install_data:\n"
			   "    BOSINST_FILE=\n";

static void test_round_trip(void **state)
{
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	_cleanup_str_ struct str out = STR_INIT;
	struct err err = { 0 };

	assert_ok(layout_parse(&l, good, strlen(good), &err), &err);
	assert_true(l.shrink);
	assert_false(l.exact_fit);
	assert_string_equal(l.os_level, "debian 12 bookworm");
	assert_int_equal(l.n_lvs, 1);
	assert_int_equal(l.lvs[0].size, (uint64_t)10240 << 20);
	assert_int_equal(l.vg_extent, 4 << 20);
	assert_string_equal(layout_find_fs(&l, "/")->label, "root fs");
	assert_int_equal(layout_find_fs(&l, "/")->used, (uint64_t)1400 << 20);
	assert_null(layout_find_fs(&l, "/boot"));
	layout_write(&l, &out);
	assert_string_equal(str_c(&out), good);
}

static void test_original(void **state)
{
	static const char aix[] =
		"image_data:\n IMAGE_TYPE= bff\n PLATFORM= chrp\n OSLEVEL= 7.2\n CPU_ID= 1\n"
		"lv_data:\n LOGICAL_VOLUME= hd4\n LPs= 3\n PP_SIZE= 32\n COPIES= 2\n"
		"fs_data:\n FS_NAME= /\n FS_TYPE= jfs2\n FS_LV= /dev/hd4\n FS_JFS2_BS= 4096\n";
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	struct err err = { 0 };

	assert_ok(layout_parse(&l, aix, strlen(aix), &err), &err);
	assert_int_equal(l.lvs[0].size, (uint64_t)96 << 20);
	assert_int_equal(l.lvs[0].copies, 2);
	/* FS_LV stands in for the device; what is not given is "". */
	assert_string_equal(l.fs[0].device, "/dev/hd4");
	assert_string_equal(l.fs[0].uuid, "");
	assert_string_equal(l.vg_name, "");
}

static void test_refusals(void **state)
{
#define TOP  "image_data:\n PLATFORM= amd64\n OSLEVEL= x\n"
#define ROOT "fs_data:\n FS_NAME= /\n FS_TYPE= ext4\n"
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ TOP ROOT " FS_SIZE= x\n",
		  "image.data: line 7: FS_SIZE= wants a number of MB, has 'x'" },
		{ TOP ROOT " FS_SIZ= 1\n",
		  "line 7: a fs_data stanza has no FS_SIZ; did you "
		  "mean FS_SIZE" },
		{ TOP
		  "lv_data:\n LOGICAL_VOLUME= hd4\n LPs= 3\n PP_SIZE= 32\n COPIES= 9\n",
		  "line 4: COPIES= wants a number up to 8" },
		{ TOP "fs_dat:\n", "line 4: unknown stanza fs_dat" },
		{ TOP, "no fs_data stanza" },
		{ ROOT, "no image_data stanza" },
		{ TOP ROOT ROOT, "line 7: the file system / is described twice" },
		{ TOP "fs_data:\n FS_TYPE= ext4\n",
		  "line 4: the fs_data stanza has no FS_NAME=" },
		{ TOP "fs_data:\n FS_NAME= boot\n FS_TYPE= ext4\n",
		  "line 5: FS_NAME= wants an absolute path or swap, has 'boot'" },
		{ TOP "fs_data:\n FS_NAME= /boot\n FS_TYPE= ext4\n",
		  "no fs_data stanza for /" },
		{ TOP ROOT "logical_volume_policy:\n SHRINK= maybe\n",
		  "line 8: SHRINK= wants yes or no, has 'maybe'" },
		{ TOP ROOT TOP, "line 7: a second image_data stanza" },
		{ TOP ROOT "lv_data:\n LOGICAL_VOLUME= a\n LPs= 9999999999999999999\n "
			   "PP_SIZE= 4\n",
		  "line 7: LPs times PP_SIZE is beyond any disk" },
		{ "image_data\n", "line 1: " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_layout_ struct layout l = LAYOUT_INIT;
		struct err err = { 0 };

		assert_err(layout_parse(&l, cases[i].text, strlen(cases[i].text), &err),
			   &err, ERR_OPERATOR, cases[i].says);
		assert_null(l.fs);
	}
}

static void test_bosinst(void **state)
{
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	_cleanup_str_ struct str out = STR_INIT;
	struct err err = { 0 };

	assert_ok(layout_parse(&l, good, strlen(good), &err), &err);
	bosinst_default(&l, &out);
	assert_ok(bosinst_validate(str_c(&out), out.len, &err), &err);
	assert_non_null(strstr(str_c(&out), "HDISKNAME= /dev/sda"));
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "control_flow:\n PROMPT= no\n", "line 1: PROMPT= no wants a CONSOLE=" },
		{ "control_flow:\n PROMPT= maybe\n",
		  "line 2: PROMPT= wants one of: yes no" },
		{ "control_flow:\n PROMPTS= no\n",
		  "line 2: a control_flow stanza has no PROMPTS" },
		{ "locale:\n MESSAGES= C\n", "no control_flow stanza" },
		{ "control_flow:\ncontrol_flow:\n",
		  "line 2: a second control_flow stanza" },
		{ "disk:\n", "line 1: unknown stanza disk" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_err(bosinst_validate(cases[i].text, strlen(cases[i].text), &err),
			   &err, ERR_OPERATOR, cases[i].says);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_original),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bosinst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
