/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks and their roles out of what lsblk and pvs print, which of them may be targets, and the plan of a clone. */
#include "test.h"

#include "storage/tools.h"

/* Answers of the programs, by the first word of the command line. */
struct answers {
	struct runner runner;
	const char *lsblk, *pvs, *vgs, *lvs, *wipefs, *blkid;
	unsigned looked, waited; /* calls of lsblk and udevadm */
};

static int answer(struct runner *runner, const struct proc_spec *spec,
		  struct proc_result *res, struct err *err)
{
	struct answers *a = (struct answers *)runner;
	const struct {
		const char *name, *text;
	} table[] = {
		{ "lsblk", a->lsblk }, { "pvs", a->pvs },	{ "vgs", a->vgs },
		{ "lvs", a->lvs },     { "wipefs", a->wipefs }, { "blkid", a->blkid },
	};

	*res = (struct proc_result){ .how = PROC_EXITED };
	a->looked += streq(spec->argv[0], "lsblk");
	a->waited += streq(spec->argv[0], "udevadm");
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (streq(spec->argv[0], table[i].name) && table[i].text && spec->out) {
			str_add(spec->out, table[i].text);
			return 0;
		}
	res->status = 1;
	return 1;
}

static const struct runner_ops answer_ops = { .name = "answers", .run = answer };

static const char lsblk[] =
	"{\"blockdevices\":["
	"{\"path\":\"/dev/sda\",\"type\":\"disk\",\"size\":21474836480,\"pttype\":\"gpt\","
	" \"serial\":\"A1\",\"children\":[{\"path\":\"/dev/sda3\",\"type\":\"part\","
	"  \"size\":1,\"fstype\":\"LVM2_member\",\"children\":["
	"  {\"path\":\"/dev/mapper/rootvg-hd4\",\"type\":\"lvm\",\"mountpoints\":[\"/\"]}]}]},"
	"{\"path\":\"/dev/sdb\",\"type\":\"disk\",\"size\":21474836480,\"serial\":\"B2\"},"
	"{\"path\":\"/dev/sdc\",\"type\":\"disk\",\"size\":21474836480,\"serial\":\"C3\","
	" \"fstype\":\"ext4\",\"label\":\"data\"},"
	"{\"path\":\"/dev/sdd\",\"type\":\"disk\",\"size\":21474836480,\"pttype\":\"gpt\","
	" \"serial\":\"D4\",\"children\":[{\"path\":\"/dev/sdd2\",\"type\":\"part\","
	"  \"size\":1,\"fstype\":\"LVM2_member\",\"partlabel\":\"nimadm:pv\"}]},"
	"{\"path\":\"/dev/sde\",\"type\":\"disk\",\"size\":21474836480,\"fstype\":\"xfs\","
	" \"uuid\":\"5678\",\"mountpoints\":[\"/data\"]},"
	/* The kernel has not read this table yet. */
	"{\"path\":\"/dev/sdf\",\"type\":\"disk\",\"size\":21474836480,\"pttype\":\"gpt\","
	" \"ptuuid\":\"4e494d41-444d-4aaa-8bbb-123456789abc\"}]}";
static const char pvs[] =
	"{\"report\":[{\"pv\":["
	"{\"pv_name\":\"/dev/sda3\",\"vg_name\":\"rootvg\",\"vg_tags\":\"\"},"
	"{\"pv_name\":\"/dev/sdd2\",\"vg_name\":\"altinst_rootvg\",\"vg_tags\":\"nimadm,nimadm.altinst\"}"
	"]}]}";

#define FS(mount, device, type, used)                                                    \
	"fs_data:\n    FS_NAME= " mount "\n    FS_DEVICE= " device                       \
	"\n    FS_TYPE= " type "\n    FS_UUID= 1\n    FS_USED= " used "\n"
#define LV(vg, name, type, mount, mb)                                                    \
	"lv_data:\n    VOLUME_GROUP= " vg "\n    LOGICAL_VOLUME= " name                  \
	"\n    TYPE= " type                                                              \
	"\n    LV_SOURCE_DISK_LIST= /dev/sda\n    MOUNT_POINT= " mount "\n    LPs= " mb  \
	"\n    PP_SIZE= 1\n"
#define HEAD                                                                                 \
	"image_data:\n    IMAGE_TYPE= mksysb\n    PLATFORM= amd64\n    OSLEVEL= debian 12\n" \
	"    BOOT_METHOD= grub-pc\n    BOOT_DISK= /dev/sda\n"                                \
	"source_disk_data:\n    SIZE_MB= 20480\n    HDISKNAME= /dev/sda\n"

#define LVM_VOLUMES                                                                      \
	LV("rootvg", "hd4", "linear", "/", "4096")                                       \
	LV("rootvg", "hd-9var", "linear", "/var", "2048")                                \
	LV("rootvg", "hd6", "linear", "", "512")
#define PARTITIONS                                                                       \
	LV("", "/dev/sda1", "partition", "", "1")                                        \
	LV("", "/dev/sda2", "partition", "/boot", "512")
#define LVM_FS                                                                           \
	FS("/", "/dev/mapper/rootvg-hd4", "ext4", "1000")                                \
	FS("/var", "UUID=1", "ext4", "100")                                              \
	FS("/boot", "LABEL=boot", "ext4", "60")                                          \
	FS("swap", "UUID=2", "swap", "0")                                                \
	FS("/data", "/dev/sde", "xfs", "9")
static const char lvm_text[] = HEAD
	"vg_data:\n    VGNAME= rootvg\n    PPSIZE= 4\n" LVM_VOLUMES PARTITIONS LVM_FS;

struct bed {
	struct answers answers;
	struct storage s;
	struct root root;
	struct layout running;
	struct disks disks;
	bool unmirror;
};

static void bed_open(struct bed *b, const char *layout)
{
	struct err err = { 0 };

	*b = (struct bed){
		.answers = { .runner = { &answer_ops }, .lsblk = lsblk, .pvs = pvs },
		.root = ROOT_INIT
	};
	/* A root without /dev/disk. */
	assert_ok(root_open(&b->root, "/proc/self/fdinfo", &err), &err);
	b->s = (struct storage){ &b->root, &b->answers.runner, NULL };
	assert_ok(layout_parse(&b->running, layout, strlen(layout), &err), &err);
	assert_ok(disks_read(&b->disks, &b->s, &b->running, &err), &err);
}

static void bed_close(struct bed *b)
{
	disks_done(&b->disks);
	layout_done(&b->running);
	root_done(&b->root);
}

/* While udev reads a partition anew it tells what it has from the disk, and nothing of the partition itself. */
static void test_not_read_yet(void **state)
{
	struct answers answers = {
		.runner = { &answer_ops },
		.lsblk =
			"{\"blockdevices\":[{\"path\":\"/dev/sda\",\"type\":\"disk\",\"size\":9,"
			"\"pttype\":\"gpt\",\"children\":[{\"path\":\"/dev/sda1\",\"type\":\"part\","
			"\"size\":1,\"pttype\":\"gpt\",\"fstype\":null}]}]}",
		.blkid = "TYPE=vfat\nUUID=6A1F-5B00\n",
	};
	const struct storage s = { NULL, &answers.runner, NULL };
	struct err err = { 0 };
	_cleanup_json_ json_t *blocks = tools_blocks(&s, &err);
	const json_t *disk = json_array_get(blocks, 0);
	const json_t *part = json_array_get(json_object_get(disk, "children"), 0);

	assert_string_equal(json_field(part, "fstype"), "vfat");
	assert_string_equal(json_field(part, "uuid"), "6A1F-5B00");
	assert_string_equal(json_field(disk, "fstype"), "");
}

static void test_roles(void **state)
{
	struct bed b;

	bed_open(&b, lvm_text);
	assert_int_equal(b.disks.n, 6);
	assert_int_equal(disks_find(&b.disks, "sda")->role, DISK_ROOTVG);
	assert_int_equal(disks_find(&b.disks, "B2")->role, DISK_NONE);
	assert_int_equal(disks_find(&b.disks, "/dev/sdc")->role, DISK_OTHER);
	const struct disk *d = disks_find(&b.disks, "/dev/sdd");
	assert_int_equal(d->role, DISK_ALTINST);
	assert_string_equal(d->vg, "altinst_rootvg");
	assert_true(d->ours && !d->awake && !d->busy);
	assert_true(disks_find(&b.disks, "/dev/sde")->busy);
	assert_int_equal(disks_find(&b.disks, "/dev/sdf")->role, DISK_ALTINST);
	assert_null(disks_find(&b.disks, "/dev/sdg"));
	bed_close(&b);
}

/* A system that was cloned from the one on /dev/sdd. */
static void test_old(void **state)
{
	_cleanup_scratch_ char *top = scratch_new();
	struct bed b;
	struct err err = { 0 };

	bed_open(&b, lvm_text);
	disks_done(&b.disks);
	root_done(&b.root);
	assert_ok(root_open(&b.root, top, &err), &err);
	assert_ok(root_mkdirs(&b.root, "/etc/nimadm", 0755, &err), &err);
	put_file(top, "etc/nimadm/old_rootvg", "oldvg\n1234\n");
	b.answers.pvs = "{\"report\":[{\"pv\":[{\"pv_name\":\"/dev/sde\","
			"\"vg_name\":\"oldvg\",\"vg_tags\":\"\"}]}]}";
	assert_ok(disks_read(&b.disks, &b.s, &b.running, &err), &err);
	assert_int_equal(disks_find(&b.disks, "/dev/sde")->role, DISK_OLD);
	assert_false(disks_find(&b.disks, "/dev/sde")->ours);

	_cleanup_layout_ struct layout old = LAYOUT_INIT, more = LAYOUT_INIT;
	assert_int_equal(storage_find_old(&b.s, &b.disks, &old), 0);
	assert_int_equal(old.n_disks, 1);
	assert_string_equal(old.boot_disk, "/dev/sde");
	assert_null(layout_find_fs(&old, "/boot"));
	put_file(top, "etc/nimadm/old_rootvg", "oldvg\n1234\n5678 /boot\n");
	assert_int_equal(storage_find_old(&b.s, &b.disks, &more), 0);
	assert_string_equal(more.vg_name, "old_rootvg");
	const struct layout_fs *boot = layout_find_fs(&more, "/boot");
	assert_non_null(boot);
	assert_string_equal(boot->uuid, "5678");
	assert_string_equal(boot->device, "/dev/sde");
	/* udev may keep disks_read waiting for long: once is enough for all */
	assert_int_equal(b.answers.looked, 2);
	assert_int_equal(b.answers.waited, 2);
	bed_close(&b);

	_cleanup_layout_ struct layout none = LAYOUT_INIT;
	bed_open(&b, lvm_text);
	assert_int_equal(storage_find_old(&b.s, &b.disks, &none), 1);
	bed_close(&b);
}

static int target(const struct bed *b, const char *name, bool force, const char *wipe,
		  struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT, serials = STRV_INIT;
	const struct target_policy p = { force, &serials };

	strv_add(&names, name);
	if (wipe)
		strv_add(&serials, wipe);
	return targets_check(&b->disks, &names, &p, err);
}

static void test_targets(void **state)
{
	struct bed b;
	struct err err = { 0 };

	bed_open(&b, lvm_text);
	assert_ok(target(&b, "/dev/sdb", false, NULL, &err), &err);
	assert_err(target(&b, "/dev/sda", true, "A1", &err), &err, ERR_UNFIT,
		   "belongs to the running system");
	assert_err(target(&b, "/dev/sdc", true, "B2", &err), &err, ERR_UNFIT,
		   "ext4 on /dev/sdc (label data)");
	assert_ok(target(&b, "/dev/sdc", false, "C3", &err), &err);
	assert_err(target(&b, "/dev/sdd", false, NULL, &err), &err, ERR_UNFIT,
		   "altinst_rootvg");
	assert_ok(target(&b, "/dev/sdd", true, NULL, &err), &err);
	assert_err(target(&b, "/dev/sde", true, "", &err), &err, ERR_UNFIT, "on /data");
	bed_close(&b);
}

static int plan_with(const struct bed *b, const char *disks, const char *image_data,
		     bool any_room, struct layout *ret, struct err *err)
{
	_cleanup_strv_ struct strv targets = STRV_INIT;
	_cleanup_layout_ struct layout given = LAYOUT_INIT;
	struct target_options o = { .bios = true,
				    .unmirror = b->unmirror,
				    .any_room = any_room,
				    .vg_name = "altinst_rootvg" };

	strv_split(&targets, disks, " ");
	if (image_data) {
		assert_ok(layout_parse(&given, image_data, strlen(image_data), err), err);
		o.image_data = &given;
	}
	return target_plan(ret, &b->running, &b->disks, &targets, &o, err);
}

static int plan(const struct bed *b, const char *disks, const char *image_data,
		struct layout *ret, struct err *err)
{
	return plan_with(b, disks, image_data, false, ret, err);
}

static const struct layout_lv *volume(const struct layout *l, const char *name)
{
	for (size_t i = 0; i < l->n_lvs; i++)
		if (streq(l->lvs[i].name, name))
			return &l->lvs[i];
	fail_msg("no volume %s", name);
	return NULL;
}

static void test_plan_lvm(void **state)
{
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	struct bed b;
	struct err err = { 0 };

	bed_open(&b, lvm_text);
	assert_ok(plan(&b, "/dev/sdb", NULL, &l, &err), &err);
	assert_string_equal(l.vg_name, "altinst_rootvg");
	assert_string_equal(l.boot_disk, "/dev/sdb");
	assert_string_equal(l.boot_method, "grub-pc");
	assert_string_equal(layout_find_fs(&l, "/boot")->device, "/dev/sdb2");
	assert_string_equal(layout_find_fs(&l, "/")->device,
			    "/dev/mapper/altinst_rootvg-hd4");
	assert_string_equal(layout_find_fs(&l, "/var")->device,
			    "/dev/mapper/altinst_rootvg-hd--9var");
	assert_string_equal(layout_find_fs(&l, "swap")->device,
			    "/dev/mapper/altinst_rootvg-hd6");
	assert_null(layout_find_fs(&l, "/data"));
	assert_true(layout_find_fs(&l, "/")->size == 4096ull << 20);
	assert_string_equal(layout_find_fs(&l, "/")->uuid, "");
	bed_close(&b);
}

static void test_plan_sizes(void **state)
{
	static const char larger[] = HEAD FS("/", "x", "ext4",
					     "0") "    FS_SIZE= 30000\n";
	static const char small[] = HEAD FS("/", "x", "ext4", "0") "    FS_SIZE= 900\n";
	static const char shrink[] = HEAD
		"logical_volume_policy:\n    SHRINK= yes\n" FS("/", "x", "ext4", "0");
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	struct bed b;
	struct err err = { 0 };

	bed_open(&b, lvm_text);
	assert_err(plan(&b, "/dev/sdb", larger, &l, &err), &err, ERR_UNFIT, "too small");
	assert_ok(plan(&b, "/dev/sdb /dev/sdc", larger, &l, &err), &err);
	assert_int_equal(l.n_disks, 2);
	assert_err(plan(&b, "/dev/sdb", small, &l, &err), &err, ERR_UNFIT, "/: holds");
	assert_ok(plan(&b, "/dev/sdb", shrink, &l, &err), &err);
	assert_true(layout_find_fs(&l, "/")->size < 1400ull << 20);
	/* -S: what is not copied may make it fit */
	assert_ok(plan_with(&b, "/dev/sdb", small, true, &l, &err), &err);
	assert_true(layout_find_fs(&l, "/")->size == 900ull << 20);
	bed_close(&b);
}

static void test_plan_mirrored(void **state)
{
	static const char mirrored[] = HEAD
		"vg_data:\n    VGNAME= rootvg\n    PPSIZE= 4\n" LV(
			"rootvg", "hd4", "raid1", "/",
			"4096") "    COPIES= 2\n" LV("rootvg", "hd-9var", "linear",
						     "/var", "2048")
			LV("rootvg", "hd6", "linear", "", "512") PARTITIONS LVM_FS;
	static const char plain[] = HEAD LV("rootvg", "hd4", "raid1", "/",
					    "4096") "    COPIES= 1\n" FS("/", "x", "ext4",
									 "0");
	static const char larger[] = HEAD FS("/", "x", "ext4",
					     "0") "    FS_SIZE= 20000\n";
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	struct bed b;
	struct err err = { 0 };

	bed_open(&b, mirrored);
	assert_err(plan(&b, "/dev/sdb", NULL, &l, &err), &err, ERR_UNFIT,
		   "hd4: is mirrored on 2 disks, and 1 target was named");
	assert_non_null(strstr(err.remedy, "--unmirror"));
	assert_ok(plan(&b, "/dev/sdb /dev/sdc", NULL, &l, &err), &err);
	assert_string_equal(volume(&l, "hd4")->type, "raid1");
	assert_int_equal(volume(&l, "hd4")->copies, 2);
	assert_string_equal(volume(&l, "hd-9var")->type, "linear");
	/* One copy each is as large as the first disk, which has /boot, too; both together would fit. */
	assert_err(plan(&b, "/dev/sdb /dev/sdc", larger, &l, &err), &err, ERR_UNFIT,
		   "too small");
	assert_ok(plan(&b, "/dev/sdb", plain, &l, &err), &err);
	assert_string_equal(volume(&l, "hd4")->type, "linear");
	b.unmirror = true;
	assert_ok(plan(&b, "/dev/sdb", NULL, &l, &err), &err);
	assert_int_equal(volume(&l, "hd4")->copies, 1);
	bed_close(&b);
}

static void test_plan_exact_fit(void **state)
{
#define EXACT "logical_volume_policy:\n    EXACT_FIT= yes\n" FS("/", "x", "ext4", "0")
	static const char exact[] = HEAD EXACT;
	static const char other[] = HEAD
		"source_disk_data:\n    SIZE_MB= 10240\n    HDISKNAME= /dev/sdb\n" EXACT;
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	struct bed b;
	struct err err = { 0 };

	bed_open(&b, lvm_text);
	assert_err(plan(&b, "/dev/sdb /dev/sdc", other, &l, &err), &err, ERR_UNFIT,
		   "/dev/sdc: EXACT_FIT= yes wants a disk of 10.7 GB");
	assert_err(plan(&b, "/dev/sdb", other, &l, &err), &err, ERR_UNFIT,
		   "EXACT_FIT= yes wants 2 disks");
	assert_ok(plan(&b, "/dev/sdb", exact, &l, &err), &err);
	bed_close(&b);
}

static void test_plan_refuses(void **state)
{
	static const char luks[] = HEAD FS("/", "/dev/mapper/sda2_crypt", "ext4", "1");
	static const char raid[] = HEAD FS("/", "/dev/md0", "ext4", "1");
	static const char zfs[] = HEAD FS("/", "rpool/ROOT/debian", "zfs", "1");
	static const struct {
		const char *text, *says;
	} cases[] = { { luks, "LUKS" }, { raid, "software RAID" }, { zfs, "ZFS" } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_layout_ struct layout l = LAYOUT_INIT;
		struct bed b;
		struct err err = { 0 };

		bed_open(&b, cases[i].text);
		assert_err(plan(&b, "/dev/sdb", NULL, &l, &err), &err, ERR_UNFIT,
			   cases[i].says);
		bed_close(&b);
	}
}

static void test_plan_plain(void **state)
{
	static const char text[] = HEAD LV("", "/dev/sda1", "partition", "/", "8000")
		LV("", "/dev/sda2", "swap", "", "512") FS("/", "UUID=1", "ext4", "900")
			FS("swap", "UUID=2", "swap", "0");
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	struct bed b;
	struct err err = { 0 };

	bed_open(&b, text);
	assert_ok(plan(&b, "/dev/sdb", NULL, &l, &err), &err);
	assert_string_equal(layout_find_fs(&l, "swap")->device, "/dev/sdb2");
	assert_string_equal(layout_find_fs(&l, "/")->device, "/dev/sdb3");
	assert_true(layout_find_fs(&l, "/")->size > 19000ull << 20);
	assert_err(plan(&b, "/dev/sdb /dev/sdc", NULL, &l, &err), &err, ERR_UNFIT,
		   "to one disk");
	bed_close(&b);
}

#define BTRFS(mount, options)                                                            \
	FS(mount, "UUID=1", "btrfs", "900") "    FS_OPTIONS= " options "\n"

static void test_plan_btrfs(void **state)
{
	static const char text[] = HEAD LV("", "/dev/sda1", "partition", "/", "8000")
		BTRFS("/", "rw,subvol=/@") BTRFS("/home", "subvol=/@home");
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	struct bed b;
	struct err err = { 0 };

	bed_open(&b, text);
	assert_ok(plan(&b, "/dev/sdb", NULL, &l, &err), &err);
	assert_int_equal(l.n_fs, 2);
	assert_string_equal(layout_find_fs(&l, "/")->device, "/dev/sdb2");
	assert_string_equal(layout_find_fs(&l, "/home")->device, "/dev/sdb2");
	assert_string_equal(layout_find_fs(&l, "/home")->options, "subvol=/@home");
	bed_close(&b);
}

/* Snapshots in a thin pool that is nearly full would stop the running system. */
static void test_room_in_a_pool(void **state)
{
#define LVS(data, meta)                                                                  \
	"{\"report\":[{\"lv\":["                                                         \
	"{\"vg_name\":\"rootvg\",\"lv_name\":\"hd4\",\"pool_lv\":\"pool\","              \
	"\"data_percent\":\"99.00\",\"metadata_percent\":\"\"},"                         \
	"{\"vg_name\":\"rootvg\",\"lv_name\":\"pool\",\"pool_lv\":\"\","                 \
	"\"data_percent\":\"" data "\",\"metadata_percent\":\"" meta "\"}]}]}"
	static const char text[] = HEAD
		"vg_data:\n    VGNAME= rootvg\n    PPSIZE= 4\n" LV("rootvg", "hd4",
								   "thin", "/", "4096")
			FS("/", "/dev/mapper/rootvg-hd4", "ext4", "1000");
	static const struct {
		const char *lvs;
		bool room;
	} cases[] = { { LVS("42.50", "9.10"), true },
		      { LVS("93.75", "9.10"), false },
		      { LVS("42.50", "88.00"), false },
		      { NULL, false } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_strv_ struct strv mounts = STRV_INIT;
		struct bed b;

		bed_open(&b, text);
		strv_add(&mounts, "/");
		b.answers.lvs = cases[i].lvs;
		assert_int_equal(snapshot_lvm_has_room(&b.s, &b.running, &mounts),
				 cases[i].room);
		bed_close(&b);
	}
}

#define STACKED                                                                          \
	"{\"blockdevices\":[{\"path\":\"/dev/sda\",\"type\":\"disk\",\"size\":9,"        \
	"\"children\":[{\"path\":\"/dev/sda3\",\"type\":\"part\",\"children\":["         \
	"{\"path\":\"/dev/%s\",\"type\":\"%s\",\"children\":["                           \
	"{\"path\":\"/dev/mapper/rootvg-hd4\",\"type\":\"lvm\","                         \
	"\"mountpoints\":[\"/\"]}]}]}]}]}"

/* What lies between the disk and the file system. */
static void test_source_refuses(void **state)
{
	static const struct {
		const char *device, *type, *says;
	} cases[] = {
		{ "mapper/sda3_crypt", "crypt", "/dev/mapper/sda3_crypt, which is LUKS" },
		{ "md0", "raid1", "/dev/md0, which is software RAID" },
		{ "mapper/mpatha", "mpath", "multipath" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = xasprintf(STACKED, cases[i].device,
						      cases[i].type);
		struct bed b;
		struct err err = { 0 };

		bed_open(&b, lvm_text);
		assert_ok(storage_check_source(&b.s, &b.disks, &b.running, &err), &err);
		disks_done(&b.disks);
		b.answers.lsblk = text;
		assert_ok(disks_read(&b.disks, &b.s, &b.running, &err), &err);
		assert_err(storage_check_source(&b.s, &b.disks, &b.running, &err), &err,
			   ERR_UNFIT, cases[i].says);
		bed_close(&b);
	}
}

static void test_fingerprint(void **state)
{
	struct err err = { 0 };

	assert_ok(fingerprint_compare("a /dev/sda 1\nb x 2\n", "a /dev/sda 1\nb x 2\n",
				      &err),
		  &err);
	assert_err(fingerprint_compare("a /dev/sda 1\nb x 2\n", "a /dev/sda 1\nb x 3\n",
				       &err),
		   &err, ERR_INTERNAL, "what they were: b x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_not_read_yet),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_plan_lvm),
		cmocka_unit_test(test_plan_sizes),
		cmocka_unit_test(test_plan_mirrored),
		cmocka_unit_test(test_plan_exact_fit),
		cmocka_unit_test(test_plan_refuses),
		cmocka_unit_test(test_plan_plain),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_plan_btrfs),
		cmocka_unit_test(test_source_refuses),
		cmocka_unit_test(test_room_in_a_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
