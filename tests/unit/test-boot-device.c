/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layout as grub names it, and the script that answers for grub-probe. */
#include "test.h"

#include "boot/device.h"
#include "boot/grub-scripts.h"
#include "sys/proc.h"

#define COUNTED(a) .a = a, .n_##a = ARRAY_SIZE(a)

/* The records own their texts, so these are writable. */
#define T(text) ((char[]){ text })

static struct layout_disk disks[] = {
	{ .name = T("/dev/nvme0n1"), .label = T("gpt") },
	{ .name = T("/dev/sdb"), .label = T("dos") },
};
static struct layout_lv lvs[] = {
	{ .vg = T("root-vg"),
	  .name = T("root"),
	  .type = T("linear"),
	  .disks = T("/dev/sdb2"),
	  .mount_point = T("/") },
	{ .vg = T("root-vg"),
	  .name = T("swap"),
	  .type = T("swap"),
	  .mount_point = T("") },
};
static struct layout_fs fs[] = {
	{ .mount_point = T("/"),
	  .device = T("/dev/root-vg/root"),
	  .type = T("ext4"),
	  .uuid = T("aaaa-1"),
	  .label = T("a|b\n") },
	{ .mount_point = T("/boot"),
	  .device = T("/dev/nvme0n1p2"),
	  .type = T("xfs"),
	  .uuid = T("bbbb-2") },
	{ .mount_point = T("/boot/efi"),
	  .device = T("UUID=CCCC-3"),
	  .type = T("vfat"),
	  .uuid = T("CCCC-3") },
	{ .mount_point = T("/srv"),
	  .device = T("/dev/sdb3"),
	  .type = T("btrfs"),
	  .uuid = T("dddd-4"),
	  .options = T("rw,subvol=@srv,compress=zstd") },
	{ .mount_point = T("swap"),
	  .device = T("UUID=eeee"),
	  .type = T("swap"),
	  .uuid = T("eeee") },
};
static const struct layout layout = { COUNTED(disks), COUNTED(lvs), COUNTED(fs) };

static void describes_each_file_system(void **state)
{
	_cleanup_boot_devices_ struct boot_devices ds = BOOT_DEVICES_INIT;
	_cleanup_str_ struct str text = STR_INIT;

	boot_devices_from_layout(&ds, &layout);
	boot_devices_write(&ds, &text);
	assert_string_equal(
		str_c(&text),
		"/|/dev/mapper/root--vg-root|ext2|aaaa-1|ab|msdos|lvm|lvm/root--vg-root|"
		"--hint='lvm/root--vg-root'|\n"
		"/boot|/dev/nvme0n1p2|xfs|bbbb-2||gpt||hd0,gpt2|"
		"--hint-bios=hd0,gpt2 --hint-efi=hd0,gpt2|\n"
		"/boot/efi|/dev/disk/by-uuid/CCCC-3|fat|CCCC-3||||||\n"
		"/srv|/dev/sdb3|btrfs|dddd-4||msdos||hd1,msdos3|"
		"--hint-bios=hd1,msdos3 --hint-efi=hd1,msdos3|/@srv\n");
	assert_null(boot_devices_find(&ds, "swap"));
}

static char *bed;

static int make_bed(void **state)
{
	_cleanup_boot_devices_ struct boot_devices ds = BOOT_DEVICES_INIT;
	_cleanup_str_ struct str answers = STR_INIT;

	bed = scratch_new();
	boot_devices_from_layout(&ds, &layout);
	boot_devices_write(&ds, &answers);
	put_file(bed, "answers", str_c(&answers));
	for (const struct grub_script *s = grub_scripts; s->name; s++)
		put_file(bed, s->name, s->text);
	return 0;
}

static int drop_bed(void **state)
{
	scratch_free(bed);
	return 0;
}

/* Output of a stand-in, or NULL where it fails. */
static char *ask(const char *program, const char *a, const char *b, const char *c)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", bed, program);
	const char *const argv[] = { "/bin/sh", path, a, b, c, NULL };
	_cleanup_str_ struct str out = STR_INIT;
	struct proc_spec spec = { .argv = argv, .out = &out };
	struct err err = { 0 };
	int rc = proc_run(&spec, NULL, &err);

	if (rc < 0)
		fail_msg("%s", err.msg);
	return rc == 0 ? str_take(&out) : NULL;
}

struct question {
	const char *program, *a, *b, *c;
	const char *want; /* NULL: fails */
};

static void answers_for_grub_probe(void **state)
{
	static const struct question questions[] = {
		{ "grub-probe", "--target=device", "/", NULL,
		  "/dev/mapper/root--vg-root\n" },
		{ "grub-probe", "--target=device", "/boot/grub/fonts", NULL,
		  "/dev/nvme0n1p2\n" },
		{ "grub-probe", "--target=device", "/bootleg", NULL,
		  "/dev/mapper/root--vg-root\n" },
		{ "grub-probe", "-t", "fs", "/boot", "xfs\n" },
		{ "grub-probe", "--device", "/dev/nvme0n1p2", "--target=fs_uuid",
		  "bbbb-2\n" },
		{ "grub-probe", "--device", "/dev/mapper/root--vg-root",
		  "--target=abstraction", "lvm\n" },
		{ "grub-probe", "--device", "/dev/nvme0n1p2", "--target=abstraction",
		  "" },
		{ "grub-probe", "--device", "/dev/mapper/root--vg-root",
		  "--target=fs_label", "ab\n" },
		{ "grub-probe", "--device", "/dev/nvme0n1p2", "--target=partuuid", NULL },
		{ "grub-probe", "--device", "/dev/vda", "--target=fs", NULL },
		{ "grub-probe", "--device", "/dev/disk/by-uuid/CCCC-3",
		  "--target=compatibility_hint", "\n" },
		{ "grub-mkrelpath", "/boot", NULL, NULL, "\n" },
		{ "grub-mkrelpath", "/boot/vmlinuz", NULL, NULL, "/vmlinuz\n" },
		{ "grub-mkrelpath", "/usr/share/x", NULL, NULL, "/usr/share/x\n" },
		{ "grub-mkrelpath", "/srv/x", NULL, NULL, "/@srv/x\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		const struct question *q = &questions[i];
		_cleanup_free_ char *got = ask(q->program, q->a, q->b, q->c);

		if (!streq0(got, q->want))
			fail_msg("%s %s %s: \"%s\"", q->program, q->a, q->b ? q->b : "",
				 got ? got : "(fails)");
	}
}

static void rewrites_mkconfig(void **state)
{
	_cleanup_str_ struct str out = STR_INIT;
	struct err err = { 0 };

	assert_ok(grub_mkconfig_rewrite("#!/bin/sh\n"
					"grub_probe=\"${sbindir}/grub-probe\"\n"
					"set $grub_probe dummy\n",
					&out, &err),
		  &err);
	assert_string_equal(str_c(&out),
			    "#!/bin/sh\n"
			    "grub_probe=/run/nimadm/grub/grub-probe\n"
			    "grub_mkrelpath=/run/nimadm/grub/grub-mkrelpath\n"
			    "export grub_probe grub_mkrelpath\n"
			    "set $grub_probe dummy\n");
	assert_err(grub_mkconfig_rewrite("#!/bin/sh\n", &out, &err), &err, ERR_OPERATOR,
		   "grub_probe=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(describes_each_file_system),
		cmocka_unit_test_setup_teardown(answers_for_grub_probe, make_bed,
						drop_bed),
		cmocka_unit_test(rewrites_mkconfig),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
