/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernels of a root, what is built for them, and what grub.cfg and fstab may name. */
#include "test.h"

#include "boot/boot-internal.h"

/* The records own their texts, so these are writable. */
#define T(text) ((char[]){ text })

static struct layout_fs fs[] = {
	{ .mount_point = T("/"),
	  .device = T("/dev/sda2"),
	  .type = T("ext4"),
	  .uuid = T("aaaa") },
	{ .mount_point = T("/boot"),
	  .device = T("/dev/sda1"),
	  .type = T("ext4"),
	  .uuid = T("bbbb") },
	{ .mount_point = T("swap"),
	  .device = T("/dev/sda3"),
	  .type = T("swap"),
	  .uuid = T("cccc") },
};
static const struct layout layout = { .fs = fs, .n_fs = ARRAY_SIZE(fs) };

static const char good_config[] =
	"### BEGIN /etc/grub.d/10_linux ###\n"
	"  search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt1 bbbb\n"
	"  linux /vmlinuz-6.12.1-amd64 root=UUID=aaaa ro quiet\n"
	"  linux\t/vmlinuz-6.1.0-9-amd64 root=/dev/sda2 ro single\n"
	"### END /etc/grub.d/10_linux ###\n";

static void fill(struct strv *kernels)
{
	strv_add_all(kernels, "6.1.0-9-amd64", "6.12.1-amd64", NULL);
}

static void good_config_passes(void **state)
{
	_cleanup_strv_ struct strv kernels = STRV_INIT;
	struct findings fs_ = FINDINGS_INIT;

	fill(&kernels);
	grubcfg_verify(good_config, &layout, &kernels, &fs_);
	assert_int_equal(fs_.n, 1);
	assert_int_equal(fs_.v[0].severity, FINDING_PASS);
	findings_done(&fs_);
}

struct bad {
	const char *text;
	const char *id, *evidence;
	enum finding_severity severity;
};

static void bad_configs_are_named(void **state)
{
	static const struct bad bads[] = {
		{ "linux /vmlinuz-6.12.1-amd64 root=UUID=eeee ro\n", "boot.device",
		  "line 6: UUID=eeee", FINDING_INHIBIT },
		{ "linux /vmlinuz-6.12.1-amd64 root=/dev/vda ro\n", "boot.device",
		  "/dev/vda is not in image.data", FINDING_INHIBIT },
		{ "search --fs-uuid --set=root ffff\n", "boot.device", "UUID=ffff",
		  FINDING_INHIBIT },
		{ "### BEGIN /etc/grub.d/40_custom ###\nsearch --fs-uuid 99-1\n",
		  "boot.device", "UUID=99-1", FINDING_WARN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bads); i++) {
		_cleanup_strv_ struct strv kernels = STRV_INIT;
		_cleanup_free_ char *text = xasprintf("%s%s", good_config, bads[i].text);
		struct findings fs_ = FINDINGS_INIT;

		fill(&kernels);
		grubcfg_verify(text, &layout, &kernels, &fs_);
		assert_int_equal(fs_.n, 1);
		assert_string_equal(fs_.v[0].id, bads[i].id);
		assert_int_equal(fs_.v[0].severity, bads[i].severity);
		assert_non_null(strstr(fs_.v[0].evidence, bads[i].evidence));
		findings_done(&fs_);
	}
}

static void missing_kernel_is_named(void **state)
{
	_cleanup_strv_ struct strv kernels = STRV_INIT;
	struct findings fs_ = FINDINGS_INIT;
	struct err err = { 0 };

	strv_add(&kernels, "6.13.0-amd64");
	grubcfg_verify(good_config, &layout, &kernels, &fs_);
	assert_err(boot_verdict(&fs_, 0, &err), &err, ERR_OPERATOR,
		   "does not start vmlinuz-6.13.0-amd64");
	assert_int_equal(boot_verdict(&fs_, 1, &err), 0);
	findings_done(&fs_);
}

static void fstab_is_held_against_the_layout(void **state)
{
	struct findings fs_ = FINDINGS_INIT;

	fstab_verify("# comment UUID=zzzz\n"
		     "UUID=aaaa / ext4 defaults 0 1\n"
		     "/dev/sda1 /boot ext4 defaults 0 2\n"
		     "UUID=cccc none swap sw 0 0\n"
		     "tmpfs /tmp tmpfs defaults 0 0\n"
		     "PARTUUID=1234-01 /data ext4 nofail 0 0\n",
		     &layout, &fs_);
	assert_int_equal(fs_.n, 1);
	assert_int_equal(fs_.v[0].severity, FINDING_PASS);
	findings_done(&fs_);

	fstab_verify("UUID=dddd / ext4 defaults 0 1\n"
		     "UUID=eeee /srv ext4 defaults 0 2\n",
		     &layout, &fs_);
	assert_int_equal(fs_.n, 2);
	assert_int_equal(fs_.v[0].severity, FINDING_INHIBIT);
	assert_non_null(strstr(fs_.v[0].evidence, "/etc/fstab: line 1: UUID=dddd"));
	assert_int_equal(fs_.v[1].severity, FINDING_WARN);
	findings_done(&fs_);
}

static void make_dirs(const char *root, const char *const *names)
{
	for (; *names; names++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", root, *names);

		assert_int_equal(mkdir(path, 0755), 0);
	}
}

/* Two kernels with modules, one without, and what a removed one has left. */
static void make_root(const char *dir)
{
	static const char *const dirs[] = { "boot",
					    "lib",
					    "lib/modules",
					    "lib/modules/6.12.1-amd64",
					    "lib/modules/6.1.0-9-amd64",
					    "usr",
					    "usr/sbin",
					    NULL };
	static const char *const files[] = {
		"boot/vmlinuz-6.12.1-amd64",
		"boot/vmlinuz-6.1.0-9-amd64",
		"boot/vmlinuz-5.10.0-own",
		"boot/vmlinuz--rf",
		"boot/initrd.img-6.12.1-amd64",
		"boot/initrd.img-6.1.0-9-amd64.bak",
		"boot/initrd.img-5.10.0-own",
		"boot/initrd.img-4.19.0-1-amd64",
		"boot/initrd.img-4.19.0-1-amd64.bak",
		"usr/sbin/update-initramfs",
	};

	make_dirs(dir, dirs);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put_file(dir, files[i], "");
}

static void kernels_are_sorted_and_stale_images_go(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_strv_ struct strv kernels = STRV_INIT;
	_cleanup_strv_ struct strv left = STRV_INIT;
	_cleanup_free_ char *joined = NULL;
	struct events events = { 0 };
	const struct boot_ctx c = { .root = &root, .layout = &layout, .events = &events };
	struct err err = { 0 };

	make_root(dir);
	assert_ok(root_open(&root, dir, &err), &err);
	assert_ok(boot_kernels(&root, &kernels, &err), &err);
	assert_int_equal(kernels.n, 2);
	assert_string_equal(kernels.v[0], "6.1.0-9-amd64");
	assert_string_equal(kernels.v[1], "6.12.1-amd64");
	assert_ok(boot_remove_stale(&c, &err), &err);
	assert_ok(root_list(&root, "/boot", &left, &err), &err);
	joined = strv_join(&left, " ");
	assert_string_equal(joined, "initrd.img-5.10.0-own initrd.img-6.1.0-9-amd64.bak "
				    "initrd.img-6.12.1-amd64 vmlinuz--rf "
				    "vmlinuz-5.10.0-own vmlinuz-6.1.0-9-amd64 "
				    "vmlinuz-6.12.1-amd64");
}

struct recorder {
	struct runner runner;
	struct strv commands;
};

static int record(struct runner *r, const struct proc_spec *spec, struct proc_result *res,
		  struct err *err)
{
	struct recorder *rec = (struct recorder *)r;
	_cleanup_strv_ struct strv argv = STRV_INIT;

	for (const char *const *a = spec->argv; *a; a++)
		strv_add(&argv, *a);
	strv_add_take(&rec->commands, strv_join(&argv, " "));
	return 0;
}

static void every_kernel_gets_one_image(void **state)
{
	static const struct runner_ops ops = { .name = "recorder", .run = record };
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_root_ struct root root = ROOT_INIT;
	struct recorder rec = { { &ops }, STRV_INIT };
	struct events events = { 0 };
	const struct boot_ctx c = {
		.root = &root, .run = &rec.runner, .layout = &layout, .events = &events
	};
	struct err err = { 0 };

	make_root(dir);
	assert_ok(root_open(&root, dir, &err), &err);
	assert_string_equal(boot_backend_for(&root, &layout)->name, "none");
	assert_ok(boot_none.build(&c, &err), &err);
	assert_int_equal(rec.commands.n, 2);
	assert_string_equal(rec.commands.v[0], "chroot /alt_inst update-initramfs -c -k "
					       "6.1.0-9-amd64");
	assert_string_equal(rec.commands.v[1], "chroot /alt_inst update-initramfs -c -k "
					       "6.12.1-amd64");
	strv_done(&rec.commands);
	assert_ok(root_unlink(&root, "/usr/sbin/update-initramfs", &err), &err);
	assert_err(boot_none.build(&c, &err), &err, ERR_OPERATOR,
		   "no program that builds an initramfs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_config_passes),
		cmocka_unit_test(bad_configs_are_named),
		cmocka_unit_test(missing_kernel_is_named),
		cmocka_unit_test(fstab_is_held_against_the_layout),
		cmocka_unit_test(kernels_are_sorted_and_stale_images_go),
		cmocka_unit_test(every_kernel_gets_one_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
