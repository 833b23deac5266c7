/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layout of a root from its files, and of a host from what its tools print. */
#include "test.h"

#include "inventory/layout-read.h"
#include "sys/files.h"

static void put(const char *top, const char *path, const char *text)
{
	_cleanup_free_ char *full = xasprintf("%s/%s", top, path);
	_cleanup_free_ char *dir = xstrndup(full, (size_t)(strrchr(full, '/') - full));
	struct err err = { 0 };

	assert_ok(files_mkdirs(dir, 0755, &err), &err);
	assert_ok(files_write_atomic(full, text, strlen(text), 0644, &err), &err);
}

static char *make_root(void)
{
	char *top = scratch_new();

	put(top, "etc/os-release",
	    "PRETTY_NAME=\"Debian\"\nID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n");
	put(top, "etc/hostname", "web1\n");
	put(top, "var/lib/dpkg/status",
	    "Package: zsh\nArchitecture: i386\n\nPackage: dpkg\nStatus: install ok "
	    "installed\nArchitecture: amd64\n\n");
	put(top, "var/lib/dpkg/info/grub-pc.list", "/.\n");
	put(top, "etc/fstab",
	    "# comment\n"
	    "/dev/mapper/root--vg-hd4 / ext4 errors=remount-ro 0 1\n"
	    "UUID=abcd /boot ext4 defaults 0 2\n"
	    "LABEL=my\\040data /srv/my\\040data xfs noatime 0 2\n"
	    "/dev/mapper/root--vg-hd6 none swap sw 0 0\n"
	    "proc /proc proc defaults 0 0\n"
	    "server:/export /mnt nfs defaults 0 0\n"
	    "/srv /mnt/bind none bind 0 0\n"
	    "/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0\n");
	return top;
}

static void test_root(void **state)
{
	char *top = make_root();
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_layout_ struct layout l = LAYOUT_INIT, again = LAYOUT_INIT;
	_cleanup_strv_ struct strv mounts = STRV_INIT;
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };

	assert_ok(root_open(&root, top, &err), &err);
	assert_ok(layout_read_root(&l, &root, &err), &err);
	assert_string_equal(l.os_level, "debian 12 bookworm");
	assert_string_equal(l.arch, "amd64");
	assert_string_equal(l.host, "web1");
	assert_string_equal(l.boot_method, "grub-pc");
	assert_string_equal(l.vg_name, "root-vg");
	assert_int_equal(l.n_fs, 4);
	assert_string_equal(l.fs[1].uuid, "abcd");
	assert_string_equal(l.fs[2].mount_point, "/srv/my data");
	assert_string_equal(l.fs[2].label, "my data");
	assert_int_equal(l.n_lvs, 2);
	assert_true(l.fs[0].used > 0);
	layout_mounts(&l, &mounts);
	assert_int_equal(mounts.n, 3);
	layout_write(&l, &text);
	assert_ok(layout_parse(&again, str_c(&text), text.len, &err), &err);
	scratch_free(top);
}

static void test_no_system(void **state)
{
	char *top = scratch_new();
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	struct err err = { 0 };

	assert_ok(root_open(&root, top, &err), &err);
	assert_err(layout_read_root(&l, &root, &err), &err, ERR_OPERATOR,
		   "not the root of a system");
	scratch_free(top);
}

/* What the tools of a host print; NULL: not installed. */
static const struct {
	const char *program, *prints;
} tools[] = {
	{ "findmnt",
	  "{\"filesystems\":[{\"target\":\"/\",\"source\":\"/dev/mapper/root--vg-hd4\","
	  "\"fstype\":\"ext4\",\"size\":10000000000,\"used\":2000000000,"
	  "\"uuid\":\"u-root\",\"label\":null},{\"target\":\"/proc\",\"source\":"
	  "\"proc\",\"fstype\":\"proc\",\"size\":0,\"used\":0}]}" },
	{ "lsblk",
	  "{\"blockdevices\":[{\"path\":\"/dev/sda\",\"type\":\"disk\",\"size\":20000000000,"
	  "\"pttype\":\"gpt\",\"serial\":\"S1\",\"mountpoints\":[null],\"children\":["
	  "{\"path\":\"/dev/sda1\",\"type\":\"part\",\"size\":500000000,\"fstype\":\"ext4\","
	  "\"mountpoints\":[\"/boot\"]},{\"path\":\"/dev/sda2\",\"type\":\"part\",\"size\":"
	  "19000000000,\"fstype\":\"LVM2_member\",\"mountpoints\":[null],\"children\":["
	  "{\"path\":\"/dev/mapper/root--vg-hd4\",\"type\":\"lvm\",\"mountpoints\":[\"/\"]}"
	  "]}]},{\"path\":\"/dev/sdb\",\"type\":\"disk\",\"size\":1,\"mountpoints\":[null]}]}" },
	{ "lvs", "{\"report\":[{\"lv\":[{\"vg_name\":\"root-vg\",\"lv_name\":\"hd4\","
		 "\"lv_size\":\"10737418240\",\"segtype\":\"linear\",\"devices\":"
		 "\"/dev/sda2(0),/dev/sda2(900)\"}]}]}" },
	{ "vgs", "{\"report\":[{\"vg\":[{\"vg_name\":\"root-vg\",\"vg_extent_size\":"
		 "\"4194304\"}]}]}" },
};

static int act(struct runner *r, const struct proc_spec *spec, struct proc_result *res,
	       struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (streq(tools[i].program, spec->argv[0])) {
			str_add(spec->out, tools[i].prints);
			return 0;
		}
	return err_set(err, ERR_OPERATOR, "%s: not found", spec->argv[0]);
}

#define RAID_ROW(name, type, devices)                                                    \
	"{\"vg_name\":\"root-vg\",\"lv_name\":\"" name                                   \
	"\",\"lv_size\":\"4096\",\"segtype\":\"" type "\",\"devices\":\"" devices "\"}"

/* As lvs -a shows a mirror: two images, one of them in two pieces, and what tells which of them is fresh. */
static int act_mirrored(struct runner *r, const struct proc_spec *spec,
			struct proc_result *res, struct err *err)
{
	if (!streq(spec->argv[0], "lvs"))
		return act(r, spec, res, err);
	str_add(spec->out,
		"{\"report\":[{\"lv\":[" RAID_ROW("hd4", "raid1", "hd4_rimage_0(0),hd4_rimage_1(0)") "," RAID_ROW(
			"[hd4_rimage_0]", "linear",
			"/dev/sda2(1)") "," RAID_ROW("[hd4_rimage_1]", "linear",
						     "/dev/sdb2(1)") "," RAID_ROW("[hd4_rimage_1]",
										  "linear",
										  "/dev/sdc1(0)") "," RAID_ROW("[hd4_rmeta_0]",
													       "linear",
													       "/dev/sdd1(0)") "]}]}");
	return 0;
}

static int act_nothing(struct runner *r, const struct proc_spec *spec,
		       struct proc_result *res, struct err *err)
{
	return err_set(err, ERR_OPERATOR, "%s: not found", spec->argv[0]);
}

static void test_host(void **state)
{
	static const struct runner_ops ops = { .name = "actor", .run = act };
	static const struct runner_ops nothing = { .name = "nothing",
						   .run = act_nothing };
	struct runner actor = { &ops }, bare = { &nothing };
	char *top = make_root();
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	struct err err = { 0 };

	assert_ok(root_open(&root, top, &err), &err);
	assert_ok(layout_read_host(&l, &root, &actor, &err), &err);
	assert_int_equal(l.fs[0].size, 10000000000);
	assert_int_equal(l.fs[0].used, 2000000000);
	assert_string_equal(l.fs[0].uuid, "u-root");
	/* Only the disk that carries the system. */
	assert_int_equal(l.n_disks, 1);
	assert_string_equal(l.disks[0].serial, "S1");
	assert_string_equal(l.boot_disk, "/dev/sda");
	assert_int_equal(l.vg_extent, 4194304);
	assert_int_equal(l.lvs[0].size, 10737418240);
	assert_string_equal(l.lvs[0].disks, "/dev/sda2");
	assert_int_equal(l.lvs[0].copies, 1);
	assert_int_equal(l.n_lvs, 4);
	assert_string_equal(l.lvs[2].mount_point, "/boot");
	/* Without any tool the files must do. */
	assert_ok(layout_read_host(&l, &root, &bare, &err), &err);
	assert_int_equal(l.n_disks, 0);
	assert_int_equal(l.n_fs, 4);
	scratch_free(top);
}

static void test_host_mirrored(void **state)
{
	static const struct runner_ops ops = { .name = "mirrored", .run = act_mirrored };
	struct runner actor = { &ops };
	char *top = make_root();
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	struct err err = { 0 };

	assert_ok(root_open(&root, top, &err), &err);
	assert_ok(layout_read_host(&l, &root, &actor, &err), &err);
	assert_string_equal(l.lvs[0].type, "raid1");
	assert_int_equal(l.lvs[0].copies, 2);
	assert_int_equal(l.lvs[0].size, 4096);
	assert_string_equal(l.lvs[0].disks, "/dev/sda2 /dev/sdb2 /dev/sdc1");
	scratch_free(top);
}

/* As installers write it: the volumes are known from the disks only. */
static void test_host_uuids(void **state)
{
	static const struct runner_ops ops = { .name = "actor", .run = act };
	struct runner actor = { &ops };
	char *top = make_root();
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	struct err err = { 0 };

	put(top, "etc/fstab",
	    "UUID=u-root / ext4 defaults 0 1\nLABEL=boot /boot ext4 defaults 0 2\n");
	assert_ok(root_open(&root, top, &err), &err);
	assert_ok(layout_read_host(&l, &root, &actor, &err), &err);
	assert_string_equal(l.vg_name, "root-vg");
	assert_int_equal(l.vg_extent, 4194304);
	assert_int_equal(l.n_lvs, 3);
	assert_string_equal(l.lvs[2].name, "hd4");
	assert_string_equal(l.lvs[2].mount_point, "/");
	assert_int_equal(l.lvs[2].size, 10737418240);
	scratch_free(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root),	   cmocka_unit_test(test_no_system),
		cmocka_unit_test(test_host),	   cmocka_unit_test(test_host_mirrored),
		cmocka_unit_test(test_host_uuids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
