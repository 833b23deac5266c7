/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UEFI's boot list: what efibootmgr prints, and what we tell it to do. */
#include "test.h"

#include "boot/bootlist-efi.h"
#include "boot/bootlist.h"

/* Version 17; 18 prints a path without "File(...)". */
static const char listing[] =
	"BootCurrent: 0003\n"
	"Timeout: 0 seconds\n"
	"BootOrder: 0003,0000,0007\n"
	"Boot0000* UiApp\tFvVol(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)/FvFile(462caa21)\n"
	"Boot0003* my debian\tHD(1,GPT,01020304-0506-0708-090A-0B0C0D0E0F10,0x800,0x20000)"
	"/File(\\EFI\\debian\\shimx64.efi)\n"
	"      dp: 04 01 2a 00\n"
	"Boot0007  altinst_rootvg\tHD(1,GPT,aaaaaaaa-0506-0708-090a-0b0c0d0e0f10,0x800,0x20000)"
	"/\\EFI\\nimadm-altinst\\BOOTX64.EFI\n";

static void parses_a_listing(void **state)
{
	_cleanup_efi_list_ struct efi_list l = EFI_LIST_INIT;

	efi_list_parse(&l, listing);
	assert_string_equal(l.current, "0003");
	assert_string_equal(l.next, "");
	assert_int_equal(l.order.n, 3);
	assert_string_equal(l.order.v[2], "0007");
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[0].part_uuid, "");
	assert_string_equal(l.v[0].loader, "");
	assert_string_equal(l.v[1].label, "my debian");
	assert_true(l.v[1].active);
	assert_string_equal(l.v[1].part_uuid, "01020304-0506-0708-090a-0b0c0d0e0f10");
	assert_string_equal(l.v[1].loader, "\\EFI\\debian\\shimx64.efi");
	assert_false(l.v[2].active);
	assert_string_equal(l.v[2].loader, "\\EFI\\nimadm-altinst\\BOOTX64.EFI");
	assert_ptr_equal(efi_list_find(&l, "0007"), &l.v[2]);
	assert_null(efi_list_find(&l, "0001"));
}

static void stands_odd_listings(void **state)
{
	_cleanup_efi_list_ struct efi_list l = EFI_LIST_INIT;

	efi_list_parse(&l, "No BootOrder is set; firmware will attempt recovery\n"
			   "BootNext: 00AB\nBoot00AB*\nBoot00ac* x\tHD(1\nBootable\n"
			   "Boot0001* m\tHD(3,MBR,0x1A2b3c,0x800,0x100)/\\EFI\\x.efi\n");
	assert_string_equal(l.next, "00AB");
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[2].part_uuid, "001a2b3c-03");
	assert_string_equal(l.v[0].label, "");
	assert_string_equal(l.v[1].number, "00AC");
	assert_string_equal(l.v[1].part_uuid, "");
}

/* A runner that keeps a boot list as efibootmgr would. */
struct firmware {
	struct runner runner;
	struct str calls;
	bool has_clone;
	char order[32], next[8];
};

static void print_list(const struct firmware *f, struct str *out)
{
	str_addf(out, "BootCurrent: 0003\n");
	if (*f->next)
		str_addf(out, "BootNext: %s\n", f->next);
	str_addf(out,
		 "BootOrder: %s\n"
		 "Boot0003* debian\tHD(1,GPT,01020304-0506-0708-090a-0b0c0d0e0f01,0x800)/"
		 "File(\\EFI\\debian\\shimx64.efi)\n"
		 "Boot0004* other system\tHD(1,GPT,99999999-0506-0708-090a-0b0c0d0e0f01)/"
		 "File(\\EFI\\other\\x.efi)\n",
		 f->order);
	if (f->has_clone)
		str_add(out, "Boot0009* altinst_rootvg\tHD(1,GPT,01020304-0506-0708-090a-"
			     "0b0c0d0e0f02,0x800)/File(\\EFI\\nimadm-altinst\\"
			     "BOOTX64.EFI)\n");
}

static int firmware_run(struct runner *r, const struct proc_spec *spec,
			struct proc_result *res, struct err *err)
{
	struct firmware *f = (struct firmware *)r;
	const char *const *argv = spec->argv;

	assert_string_equal(argv[0], "efibootmgr");
	if (streq(argv[1], "-v")) {
		print_list(f, spec->out);
		return 0;
	}
	for (const char *const *a = argv + 1; *a; a++)
		str_addf(&f->calls, "%s%s", *a, a[1] ? " " : "\n");
	if (streq(argv[1], "--create-only"))
		f->has_clone = true;
	else if (streq(argv[1], "--bootorder"))
		snprintf(f->order, sizeof(f->order), "%s", argv[2]);
	else if (streq(argv[1], "--bootnext"))
		snprintf(f->next, sizeof(f->next), "%s", argv[2]);
	else if (streq(argv[1], "--bootnum"))
		f->has_clone = false;
	return 0;
}

struct machine {
	struct firmware firmware;
	struct root root;
	char *dir;
	struct layout_disk disks[2];
	struct layout_fs esp[2];
	struct layout layouts[2];
	struct bootlist_ctx ctx;
};

/* A GPT with one partition, whose identifier ends with `digit`. */
static char *make_disk(const char *dir, int digit)
{
	char *path = xasprintf("%s/disk%d", dir, digit);
	_cleanup_fclose_ FILE *f = fopen(path, "we");
	unsigned char bytes[512 * 40] = { 0 };
	static const unsigned char uuid[16] = { 4, 3,  2,  1,  6,  5,  8,  7,
						9, 10, 11, 12, 13, 14, 15, 0 };

	assert_non_null(f);
	bytes[0x1be + 4] = 0xee;
	bytes[0x1fe] = 0x55;
	bytes[0x1ff] = 0xaa;
	memcpy(bytes + 512, "EFI PART", 8);
	bytes[512 + 72] = 2;
	bytes[512 + 80] = 4;
	bytes[512 + 84] = 128;
	bytes[1024] = 1;
	memcpy(bytes + 1024 + 16, uuid, 16);
	bytes[1024 + 31] = (unsigned char)digit;
	bytes[1024 + 32] = 8;
	bytes[1024 + 40] = 20;
	assert_int_equal(fwrite(bytes, 1, sizeof(bytes), f), sizeof(bytes));
	return path;
}

static int setup(void **state)
{
	static const struct runner_ops ops = { .name = "firmware", .run = firmware_run };
	struct machine *m = xcalloc(1, sizeof(*m));
	struct err err = { 0 };

	m->dir = scratch_new();
	m->root.fd = -1;
	assert_ok(root_open(&m->root, m->dir, &err), &err);
	assert_ok(root_mkdirs(&m->root, "sys/firmware/efi", 0755, &err), &err);
	m->firmware.runner.ops = &ops;
	memcpy(m->firmware.order, "0003,0004", sizeof("0003,0004"));
	for (int i = 0; i < 2; i++) {
		m->disks[i].name = make_disk(m->dir, i + 1);
		m->disks[i].label = xstrdup("gpt");
		m->esp[i].mount_point = xstrdup("/boot/efi");
		m->esp[i].type = xstrdup("vfat");
		m->esp[i].device = xstrdup("/dev/sdx1");
		m->layouts[i] = (struct layout){
			.disks = &m->disks[i], .n_disks = 1, .fs = &m->esp[i], .n_fs = 1
		};
	}
	m->ctx = (struct bootlist_ctx){ &m->root, &m->firmware.runner, &m->layouts[0],
					&m->layouts[1], 1 };
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct machine *m = *state;

	for (int i = 0; i < 2; i++) {
		free(m->disks[i].name);
		free(m->disks[i].label);
		free(m->esp[i].mount_point);
		free(m->esp[i].type);
		free(m->esp[i].device);
	}
	str_done(&m->firmware.calls);
	root_done(&m->root);
	scratch_free(m->dir);
	free(m);
	return 0;
}

static void reads_the_disks_of_entries(void **state)
{
	struct machine *m = *state;
	_cleanup_bootlist_ struct bootlist list = BOOTLIST_INIT;
	struct err err = { 0 };

	m->firmware.has_clone = true;
	memcpy(m->firmware.order, "0003,0004,0009", sizeof("0003,0004,0009"));
	memcpy(m->firmware.next, "0009", sizeof("0009"));
	assert_ok(bootlist_read(&m->ctx, &list, &err), &err);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[0].disk, m->disks[0].name);
	assert_string_equal(list.v[0].id, "Boot0003");
	assert_false(list.v[0].ours);
	assert_string_equal(list.v[1].disk, m->disks[1].name);
	assert_true(list.v[1].ours);
	assert_string_equal(list.once, m->disks[1].name);
	assert_string_equal(list.mechanism, "EFI BootOrder");
}

static void sets_the_order(void **state)
{
	struct machine *m = *state;
	_cleanup_strv_ struct strv disks = STRV_INIT;
	struct err err = { 0 };

	m->firmware.has_clone = true;
	strv_add_all(&disks, m->disks[1].name, m->disks[0].name, NULL);
	assert_ok(bootlist_set(&m->ctx, &disks, &err), &err);
	assert_string_equal(str_c(&m->firmware.calls), "--bootorder 0009,0003,0004\n");
	str_reset(&m->firmware.calls);
	assert_ok(bootlist_set_once(&m->ctx, m->disks[1].name, &err), &err);
	assert_string_equal(str_c(&m->firmware.calls), "--bootnext 0009\n");
	str_reset(&m->firmware.calls);
	assert_ok(bootlist_forget(&m->ctx, m->disks[1].name, &err), &err);
	assert_string_equal(str_c(&m->firmware.calls),
			    "--bootnum 0009 --delete-bootnum\n");
	str_reset(&m->firmware.calls);
	assert_ok(bootlist_forget(&m->ctx, m->disks[0].name, &err), &err);
	assert_string_equal(str_c(&m->firmware.calls), "");
}

static void makes_only_our_own_entry(void **state)
{
	struct machine *m = *state;
	struct err err = { 0 };

	_cleanup_free_ char *want = xasprintf(
		"--create-only --disk %s --part 1 --label altinst_rootvg --loader "
		"\\EFI\\nimadm-altinst\\BOOTX64.EFI\n--bootnext 0009\n",
		m->disks[1].name);

	assert_ok(bootlist_set_once(&m->ctx, m->disks[1].name, &err), &err);
	assert_string_equal(str_c(&m->firmware.calls), want);
	str_reset(&m->firmware.calls);
	_cleanup_strv_ struct strv unknown = STRV_INIT;

	strv_add(&unknown, "/dev/sdz");
	assert_err(bootlist_set(&m->ctx, &unknown, &err), &err, ERR_NOTFOUND, "/dev/sdz");
	assert_string_equal(str_c(&m->firmware.calls), "");
}

static void tells_what_has_no_entry(void **state)
{
	struct machine *m = *state;
	_cleanup_strv_ struct strv disks = STRV_INIT;
	struct err err = { 0 };

	m->layouts[0].disks = &m->disks[1];
	m->ctx.n_clones = 0;
	strv_add(&disks, m->disks[1].name);
	assert_err(bootlist_set(&m->ctx, &disks, &err), &err, ERR_OPERATOR,
		   "the firmware has no entry that starts it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_a_listing),
		cmocka_unit_test(stands_odd_listings),
		cmocka_unit_test_setup_teardown(reads_the_disks_of_entries, setup,
						teardown),
		cmocka_unit_test_setup_teardown(sets_the_order, setup, teardown),
		cmocka_unit_test_setup_teardown(makes_only_our_own_entry, setup,
						teardown),
		cmocka_unit_test_setup_teardown(tells_what_has_no_entry, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
