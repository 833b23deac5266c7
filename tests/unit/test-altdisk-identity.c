/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A clone's files name the clone's devices, and nothing of the running disks that it has a counterpart for. */
#include "test.h"

#include "altdisk/grub-answer.h"
#include "altdisk/identity.h"

#define OLD_ROOT "11111111-1111-1111-1111-111111111111"
#define NEW_ROOT "aaaaaaaa-1111-1111-1111-111111111111"
#define OLD_SWAP "33333333-3333-3333-3333-333333333333"
#define NEW_SWAP "cccccccc-3333-3333-3333-333333333333"

#define FS(mount, device, type, uuid, label)                                             \
	"fs_data:\n    FS_NAME= " mount "\n    FS_DEVICE= " device                       \
	"\n    FS_TYPE= " type "\n    FS_UUID= " uuid "\n    FS_LABEL= " label "\n"
#define HEAD                                                                             \
	"image_data:\n    IMAGE_TYPE= mksysb\n    PLATFORM= amd64\n    OSLEVEL= debian 12\n"

static const char running_text[] = HEAD
	"lv_data:\n    VOLUME_GROUP= my-vg\n    LOGICAL_VOLUME= root\n    TYPE= linear\n"
	"    MOUNT_POINT= /\n    LPs= 1\n    PP_SIZE= 4\n" FS(
		"/", "/dev/mapper/my--vg-root", "ext4", OLD_ROOT, "root")
		FS("/boot", "LABEL=boot", "ext4", "22222222-2222-2222-2222-222222222222",
		   "boot") FS("/boot/efi", "UUID=ABCD-0001", "vfat", "ABCD-0001",
			      "") FS("swap", "UUID=" OLD_SWAP, "swap", OLD_SWAP, "")
			FS("swap", "/dev/sda9", "swap", "", "")
				FS("/srv/my data", "UUID=dddd", "xfs", "dddd", "")
					FS("/data", "/dev/sdz1", "xfs", "eeee", "");
static const char target_text[] = HEAD FS("/", "/dev/mapper/altinst_rootvg-root", "ext4",
					  NEW_ROOT, "")
	FS("/boot", "/dev/sdb2", "ext4", "bbbbbbbb-2222-2222-2222-222222222222", "")
		FS("/boot/efi", "/dev/sdb1", "vfat", "ABCD-0002", "")
			FS("swap", "/dev/sdb3", "swap", NEW_SWAP, "")
				FS("/srv/my data", "/dev/sdb4", "xfs", "ffff", "");
static struct layout running, target;

static int setup(void **state)
{
	struct err err = { 0 };

	assert_ok(layout_parse(&running, running_text, strlen(running_text), &err), &err);
	assert_ok(layout_parse(&target, target_text, strlen(target_text), &err), &err);
	return 0;
}

static int teardown(void **state)
{
	layout_done(&running);
	layout_done(&target);
	return 0;
}

static void test_fstab(void **state)
{
	static const char text[] =
		"# / was on /dev/sda2 during installation\n"
		"/dev/mapper/my--vg-root /\text4 errors=remount-ro 0 1\n"
		"\n"
		"  LABEL=boot   /boot ext4 defaults 0 2\n"
		"UUID=ABCD-0001 /boot/efi vfat umask=0077 0 1 # esp\n"
		"UUID=" OLD_SWAP " none swap sw 0 0\n"
		"/dev/sda9 none swap sw 0 0\n"
		"UUID=dddd /srv/my\\040data xfs defaults 0 0\n"
		"/dev/sdz1 /data xfs defaults 0 0\n"
		"tmpfs /tmp tmpfs size=1G 0 0\n"
		"server:/home /home nfs rw 0 0";
	static const char want[] =
		"# / was on /dev/sda2 during installation\n"
		"UUID=" NEW_ROOT " /\text4 errors=remount-ro 0 1\n"
		"\n"
		"  UUID=bbbbbbbb-2222-2222-2222-222222222222   /boot ext4 defaults 0 2\n"
		"UUID=ABCD-0002 /boot/efi vfat umask=0077 0 1 # esp\n"
		"UUID=" NEW_SWAP " none swap sw 0 0\n"
		"# not in this clone: /dev/sda9 none swap sw 0 0\n"
		"UUID=ffff /srv/my\\040data xfs defaults 0 0\n"
		"/dev/sdz1 /data xfs defaults 0 0\n"
		"tmpfs /tmp tmpfs size=1G 0 0\n"
		"server:/home /home nfs rw 0 0";
	_cleanup_str_ struct str out = STR_INIT, again = STR_INIT;

	identity_fstab(text, &running, &target, &out);
	assert_string_equal(str_c(&out), want);
	identity_fstab(str_c(&out), &running, &target, &again);
	assert_string_equal(str_c(&again), want);
}

/* The number of a subvolume is another in the clone, and so may be the default. */
static void test_fstab_subvolumes(void **state)
{
	static const char old[] =
		HEAD FS("/", "UUID=b", "btrfs", "b", "") "    FS_OPTIONS= subvol=/@\n" FS(
			"/home", "UUID=b", "btrfs", "b",
			"") "    FS_OPTIONS= subvol=/@home\n" FS("/srv", "UUID=b",
								 "btrfs", "b",
								 "") "    FS_OPTIONS= subvol=/@srv\n";
	_cleanup_layout_ struct layout from = LAYOUT_INIT, to = LAYOUT_INIT;
	_cleanup_str_ struct str out = STR_INIT;
	struct err err = { 0 };

	assert_ok(layout_parse(&from, old, strlen(old), &err), &err);
	assert_ok(layout_parse(&to, old, strlen(old), &err), &err);
	for (size_t i = 0; i < to.n_fs; i++)
		to.fs[i].uuid[0] = 'c';
	identity_fstab("UUID=b / btrfs defaults 0 0\n"
		       "UUID=b /home btrfs noatime,subvolid=258 0 0\n"
		       "UUID=b /srv btrfs subvol=@srv,ro 0 0\n",
		       &from, &to, &out);
	assert_string_equal(str_c(&out), "UUID=c / btrfs defaults,subvol=/@ 0 0\n"
					 "UUID=c /home btrfs noatime,subvol=/@home 0 0\n"
					 "UUID=c /srv btrfs subvol=@srv,ro 0 0\n");
}

static void check_text(const char *text, const char *want)
{
	_cleanup_str_ struct str out = STR_INIT;
	bool changed = identity_text(text, &running, &target, &out);

	assert_string_equal(str_c(&out), want);
	assert_int_equal(changed, !streq(text, want));
}

static void test_text(void **state)
{
	check_text("RESUME=UUID=" OLD_SWAP "\n", "RESUME=UUID=" NEW_SWAP "\n");
	check_text("GRUB_CMDLINE_LINUX=\"root=/dev/mapper/my--vg-root quiet\"\n",
		   "GRUB_CMDLINE_LINUX=\"root=UUID=" NEW_ROOT " quiet\"\n");
	check_text("root=/dev/my-vg/root\n", "root=UUID=" NEW_ROOT "\n");
	check_text("root=LABEL=root ro", "root=UUID=" NEW_ROOT " ro");
	check_text("/dev/mapper/my--vg-root2 x-" OLD_ROOT,
		   "/dev/mapper/my--vg-root2 x-" OLD_ROOT);
	check_text("", "");
}

static void make_clone(const char *top)
{
	static const char *const dirs[] = { "etc",
					    "etc/default",
					    "etc/initramfs-tools",
					    "etc/initramfs-tools/conf.d",
					    "etc/lvm",
					    "etc/lvm/devices" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", top, dirs[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	put_file(top, "etc/fstab", "LABEL=boot /boot ext4 defaults 0 2\n");
	put_file(top, "etc/default/grub", "X=" OLD_ROOT "\n");
	put_file(top, "etc/lvm/devices/system.devices", "IDTYPE=devname\n");
}

static void check_file(const struct root *r, const char *path, const char *want)
{
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };

	assert_ok(root_read(r, path, 0, &text, &err), &err);
	assert_string_equal(str_c(&text), want);
}

static void test_apply(void **state)
{
	_cleanup_scratch_ char *top = scratch_new();
	_cleanup_root_ struct root alt = ROOT_INIT;
	struct err err = { 0 };

	make_clone(top);
	assert_ok(root_open(&alt, top, &err), &err);
	for (int i = 0; i < 2; i++) {
		assert_ok(identity_apply(&alt, &running, &target, NULL, &err), &err);
		check_file(
			&alt, "etc/fstab",
			"UUID=bbbbbbbb-2222-2222-2222-222222222222 /boot ext4 defaults 0 2\n");
		check_file(&alt, "etc/default/grub", "X=" NEW_ROOT "\n");
		check_file(&alt, "etc/initramfs-tools/conf.d/resume",
			   "RESUME=UUID=" NEW_SWAP "\n");
		assert_false(root_exists(&alt, "etc/lvm/devices/system.devices"));
	}
}

static void test_resume_kept(void **state)
{
	_cleanup_scratch_ char *top = scratch_new();
	_cleanup_root_ struct root alt = ROOT_INIT;
	struct err err = { 0 };

	make_clone(top);
	put_file(top, "etc/initramfs-tools/conf.d/mine", "# mine\nRESUME=none\n");
	assert_ok(root_open(&alt, top, &err), &err);
	assert_ok(identity_apply(&alt, &running, &target, NULL, &err), &err);
	assert_false(root_exists(&alt, "etc/initramfs-tools/conf.d/resume"));
}

#define DATABASE "var/cache/debconf/config.dat"
#define BY_ID	 "/dev/disk/by-id/scsi-new"
#define AROUND(devices, nowhere)                                                         \
	"Name: grub-pc/disk_descriptions\nTemplate: grub-pc/disk_descriptions\n"         \
	"Owners: grub-pc\n\n"                                                            \
	"Name: grub-pc/install_devices\nTemplate: grub-pc/install_devices\n" devices     \
	"Owners: grub-pc\nFlags: seen\n\n"                                               \
	"Name: grub-pc/install_devices_disks_changed\nValue: /dev/sda\n"                 \
	"Owners: grub-pc\n\n"                                                            \
	"Name: grub-pc/install_devices_empty\nTemplate: "                                \
	"grub-pc/install_devices_empty\n" nowhere                                        \
	"Owners: grub-pc\n\nName: tzdata/Areas\nValue: Etc\n\n"

/* A copied answer would have the clone's updates write the old system's boot sector. */
static void test_grub_answer(void **state)
{
	static const struct {
		const char *before, *disk, *after;
	} cases[] = {
		{ AROUND("Value: /dev/disk/by-id/scsi-old\n", "Value: false\n"), BY_ID,
		  AROUND("Value: " BY_ID "\n", "Value: false\n") },
		{ AROUND("Value: /dev/sda, /dev/sdb\n", ""), BY_ID,
		  AROUND("Value: " BY_ID "\n", "Value: false\n") },
		{ AROUND("", ""), BY_ID, AROUND("Value: " BY_ID "\n", "Value: false\n") },
		{ AROUND("Value: /dev/vda\n", "Value: false\n"), "",
		  AROUND("Value: \n", "Value: true\n") },
		/* told so by the administrator */
		{ AROUND("Value: \n", "Value: true\n"), BY_ID,
		  AROUND("Value: \n", "Value: true\n") },
		{ "Name: tzdata/Areas\nValue: Etc\n\n", BY_ID,
		  "Name: tzdata/Areas\nValue: Etc\n\n" },
		{ "Name: grub-pc/install_devices\nValue: /dev/sda\n", "",
		  "Name: grub-pc/install_devices\nValue: \n\n"
		  "Name: grub-pc/install_devices_empty\n"
		  "Template: grub-pc/install_devices_empty\nValue: true\n"
		  "Owners: grub-pc\nFlags: seen\n\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_scratch_ char *top = scratch_new();
		_cleanup_root_ struct root alt = ROOT_INIT;
		struct err err = { 0 };

		assert_ok(root_open(&alt, top, &err), &err);
		assert_ok(root_mkdirs(&alt, "var/cache/debconf", 0755, &err), &err);
		assert_ok(grub_answer_apply(&alt, cases[i].disk, NULL, &err), &err);
		assert_false(root_exists(&alt, DATABASE));
		put_file(top, DATABASE, cases[i].before);
		for (int n = 0; n < 2; n++) {
			assert_ok(grub_answer_apply(&alt, cases[i].disk, NULL, &err),
				  &err);
			check_file(&alt, DATABASE, cases[i].after);
		}
	}
}

/* Each name that the swap may go by; what the clone has nothing for keeps its name. */
static void test_resume_note(void **state)
{
	static const char volumes[] = HEAD
		"lv_data:\n    VOLUME_GROUP= my-vg\n    LOGICAL_VOLUME= swap_1\n    LPs= 1\n    PP_SIZE= 4\n" FS(
			"/", "UUID=" OLD_ROOT, "ext4", OLD_ROOT, "")
			FS("swap", "/dev/my-vg/swap_1", "swap", OLD_SWAP, "my swap");
	static const char none[] = HEAD FS("/", "UUID=" NEW_ROOT, "ext4", NEW_ROOT, "");
	_cleanup_layout_ struct layout lvm = LAYOUT_INIT, bare = LAYOUT_INIT;
	_cleanup_str_ struct str out = STR_INIT, of_volume = STR_INIT, of_none = STR_INIT;
	struct err err = { 0 };

	identity_resume(&running, &target, &out);
	assert_string_equal(str_c(&out), "auto UUID=" NEW_SWAP "\n"
					 "UUID=" OLD_SWAP " UUID=" NEW_SWAP "\n"
					 "UUID=" OLD_SWAP " UUID=" NEW_SWAP "\n");
	assert_ok(layout_parse(&lvm, volumes, strlen(volumes), &err), &err);
	identity_resume(&lvm, &target, &of_volume);
	assert_string_equal(str_c(&of_volume),
			    "auto UUID=" NEW_SWAP "\n"
			    "UUID=" OLD_SWAP " UUID=" NEW_SWAP "\n"
			    "/dev/my-vg/swap_1 UUID=" NEW_SWAP "\n"
			    "/dev/mapper/my--vg-swap_1 UUID=" NEW_SWAP "\n"
			    "/dev/my-vg/swap_1 UUID=" NEW_SWAP "\n");
	assert_ok(layout_parse(&bare, none, strlen(none), &err), &err);
	identity_resume(&running, &bare, &of_none);
	assert_string_equal(str_c(&of_none), "auto none\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fstab),
		cmocka_unit_test(test_fstab_subvolumes),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_resume_kept),
		cmocka_unit_test(test_grub_answer),
		cmocka_unit_test(test_resume_note),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
