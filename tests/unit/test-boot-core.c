/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Partition tables in image files, and GRUB's boot sector and core image as bytes. */
#include "test.h"

#include <fcntl.h>

#include "boot/install-core.h"
#include "boot/install-disk.h"
#include "boot/install-env.h"

#define SECTORS 4096u

struct fixture {
	char *dir;
	int fd;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	_cleanup_free_ char *path = NULL;

	f->dir = scratch_new();
	path = xasprintf("%s/disk", f->dir);
	f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(f->fd, (off_t)SECTORS * INSTALL_SECTOR), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	scratch_free(f->dir);
	free(f);
	return 0;
}

static void put(const struct fixture *f, uint64_t offset, const void *data, size_t n)
{
	struct err err = { 0 };

	assert_ok(install_pwrite(f->fd, data, n, offset, "disk", &err), &err);
}

static void put_byte(const struct fixture *f, uint64_t offset, uint8_t byte)
{
	put(f, offset, &byte, 1);
}

static void put_le(const struct fixture *f, uint64_t offset, uint64_t value, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put_byte(f, offset + i, (uint8_t)(value >> (8 * i)));
}

static void put_dos(const struct fixture *f, unsigned i, uint8_t type, uint32_t start,
		    uint32_t n)
{
	uint64_t at = 0x1be + 16ull * i;

	put_byte(f, at + 4, type);
	put_le(f, at + 8, start, 4);
	put_le(f, at + 12, n, 4);
	put(f, 0x1fe, "\x55\xaa", 2);
}

static void put_gpt(const struct fixture *f, unsigned entry_size)
{
	put_dos(f, 0, 0xee, 1, SECTORS - 1);
	put(f, 512, "EFI PART", 8);
	put_le(f, 512 + 72, 2, 8);
	put_le(f, 512 + 80, 8, 4);
	put_le(f, 512 + 84, entry_size, 4);
}

static void put_gpt_part(const struct fixture *f, unsigned i, const char *type,
			 uint64_t first, uint64_t last)
{
	uint64_t at = 1024 + 128ull * i;

	put(f, at, type, 16);
	put(f, at + 16,
	    "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10", 16);
	put_le(f, at + 32, first, 8);
	put_le(f, at + 40, last, 8);
}

static void reads_an_empty_disk(void **state)
{
	const struct fixture *f = *state;
	_cleanup_install_disk_ struct install_disk d = INSTALL_DISK_INIT;
	struct err err = { 0 };

	assert_ok(install_disk_read(&d, f->fd, "disk", &err), &err);
	assert_string_equal(d.label, "");
	assert_int_equal(d.area_sectors, 0);
	assert_int_equal(install_env_sector(&d), 0);
}

static void reads_an_mbr(void **state)
{
	const struct fixture *f = *state;
	_cleanup_install_disk_ struct install_disk d = INSTALL_DISK_INIT;
	struct err err = { 0 };

	put_le(f, 0x1b8, 0x12ab34cd, 4);
	put_dos(f, 0, 0x83, 3000, 100);
	put_dos(f, 2, 0x8e, 2048, 900);
	put_dos(f, 3, 0x05, 1024, 900);
	assert_ok(install_disk_read(&d, f->fd, "disk", &err), &err);
	assert_string_equal(d.label, "dos");
	assert_int_equal(d.n_parts, 2);
	assert_int_equal(d.parts[1].number, 3);
	assert_string_equal(d.parts[1].uuid, "12ab34cd-03");
	assert_int_equal(d.area_start, 1);
	assert_int_equal(d.area_sectors, 1023);
	assert_int_equal(install_env_sector(&d), 1022);
}

static void reads_a_gpt(void **state)
{
	const struct fixture *f = *state;
	_cleanup_install_disk_ struct install_disk d = INSTALL_DISK_INIT;
	struct err err = { 0 };

	put_gpt(f, 128);
	put_gpt_part(f, 1, "any type of part", 2048, 3000);
	put_gpt_part(f, 3, "Hah!IdontNeedEFI", 40, 99);
	assert_ok(install_disk_read(&d, f->fd, "disk", &err), &err);
	assert_string_equal(d.label, "gpt");
	assert_int_equal(d.n_parts, 2);
	assert_int_equal(d.parts[0].number, 2);
	assert_int_equal(d.parts[0].sectors, 953);
	assert_string_equal(d.parts[0].uuid, "04030201-0605-0807-090a-0b0c0d0e0f10");
	assert_false(d.parts[0].bios_boot);
	assert_true(d.parts[1].bios_boot);
	assert_int_equal(d.area_start, 40);
	assert_int_equal(d.area_sectors, 60);
}

static void refuses_a_damaged_gpt(void **state)
{
	const struct fixture *f = *state;
	_cleanup_install_disk_ struct install_disk d = INSTALL_DISK_INIT;
	struct err err = { 0 };

	put_gpt(f, 16);
	assert_err(install_disk_read(&d, f->fd, "sdx", &err), &err, ERR_OPERATOR,
		   "sdx: its partition table (GPT) is damaged");
	put_gpt(f, 128);
	put_le(f, 512 + 80, 4000000, 4);
	assert_err(install_disk_read(&d, f->fd, "sdx", &err), &err, ERR_OPERATOR,
		   "damaged");
	put_le(f, 512 + 80, 8, 4);
	put_le(f, 512 + 72, UINT64_MAX, 8);
	assert_err(install_disk_read(&d, f->fd, "sdx", &err), &err, ERR_OPERATOR,
		   "damaged");
	put_le(f, 512 + 72, SECTORS, 8);
	assert_err(install_disk_read(&d, f->fd, "sdx", &err), &err, ERR_OPERATOR, "sdx");
}

static void finds_the_environment(void **state)
{
	const struct fixture *f = *state;
	_cleanup_install_disk_ struct install_disk d = INSTALL_DISK_INIT;
	_cleanup_free_ char *fs = xmalloc(INSTALL_ENV_SIZE);
	_cleanup_free_ char *other = xmalloc(INSTALL_ENV_SIZE);
	struct install_env e;
	char block[ENV_BLOCK_SIZE];
	struct err err = { 0 };

	put_gpt(f, 128);
	put_gpt_part(f, 0, "Hah!IdontNeedEFI", 40, 1039);
	assert_ok(install_disk_read(&d, f->fd, "disk", &err), &err);
	assert_ok(install_env_find(&e, &d, f->fd, "disk", &err), &err);
	assert_true(e.sector == 0);

	/* At the end of the area, for GRUB to read alone. */
	env_block_init(block);
	put(f, install_env_sector(&d) * INSTALL_SECTOR, block, sizeof(block));
	assert_ok(install_env_find(&e, &d, f->fd, "disk", &err), &err);
	assert_true(e.sector == 1038);
	assert_string_equal(e.uuid, "");

	install_env_make(fs, "seed");
	install_env_make(other, "seed");
	assert_memory_equal(fs, other, INSTALL_ENV_SIZE);
	put(f, 40 * INSTALL_SECTOR, fs, INSTALL_ENV_SIZE);
	assert_ok(install_env_find(&e, &d, f->fd, "disk", &err), &err);
	assert_memory_equal(fs + (e.sector - 40) * INSTALL_SECTOR, block, sizeof(block));
	assert_int_equal(strlen(e.uuid), 36);
	assert_true(e.spare == 1038);
	install_env_make(other, "another seed");
	assert_memory_not_equal(fs, other, INSTALL_ENV_SIZE);

	/* Somebody else's core image has been written over it. */
	put(f, e.sector * INSTALL_SECTOR, "not what was here", 17);
	assert_ok(install_env_find(&e, &d, f->fd, "disk", &err), &err);
	assert_true(e.sector == 1038);
	assert_true(e.spare == 0);
	assert_string_equal(e.uuid, "");
	put(f, e.sector * INSTALL_SECTOR, "not what was here", 17);
	assert_ok(install_env_find(&e, &d, f->fd, "disk", &err), &err);
	assert_true(e.sector == 0);
}

static void keeps_what_is_the_disks(void **state)
{
	uint8_t sector[INSTALL_SECTOR], boot[INSTALL_SECTOR];
	_cleanup_str_ struct str img = STR_INIT;
	struct err err = { 0 };

	memset(sector, 0x11, sizeof(sector));
	memset(boot, 0x22, sizeof(boot));
	boot[510] = 0x55;
	boot[511] = 0xaa;
	str_addn(&img, boot, sizeof(boot));
	assert_ok(install_core_boot_sector(sector, &img, 0x123456789aull, &err), &err);
	assert_int_equal(sector[2], 0x22);
	assert_int_equal(sector[3], 0x11);
	assert_int_equal(sector[0x59], 0x11);
	assert_int_equal(sector[0x5a], 0x22);
	assert_memory_equal(sector + 0x5c,
			    "\x9a\x78\x56\x34\x12\0\0\0\xff\x22\x90\x90\x22", 13);
	assert_int_equal(sector[0x1b7], 0x22);
	assert_int_equal(sector[0x1b8], 0x11);
	assert_int_equal(sector[0x1fd], 0x11);
	assert_int_equal(sector[0x1fe], 0x55);
	assert_true(install_core_start(sector) == 0x123456789aull);

	memcpy(boot, sector, sizeof(boot));
	assert_true(install_core_same_code(boot, sector));
	boot[0x1c0] ^= 1;
	boot[5] ^= 1;
	assert_true(install_core_same_code(boot, sector));
	boot[0x60] ^= 1;
	assert_false(install_core_same_code(boot, sector));

	img.len = 100;
	assert_err(install_core_boot_sector(sector, &img, 1, &err), &err, ERR_OPERATOR,
		   "100 bytes");
	img.len = INSTALL_SECTOR;
	img.p[511] = 0;
	assert_err(install_core_boot_sector(sector, &img, 1, &err), &err, ERR_OPERATOR,
		   "no boot sector");
}

static void lists_the_core_images_sectors(void **state)
{
	_cleanup_str_ struct str core = STR_INIT;
	struct err err = { 0 };

	for (unsigned i = 0; i < 3 * INSTALL_SECTOR + 1; i++)
		str_addc(&core, 'x');
	assert_ok(install_core_place(&core, 0x800, &err), &err);
	assert_int_equal(core.len, 4 * INSTALL_SECTOR);
	/* From sector 0x801 three of them to 0x820:0; before it the end of the list. */
	assert_memory_equal(core.p + 500, "\x01\x08\0\0\0\0\0\0\x03\0\x20\x08", 12);
	assert_memory_equal(core.p + 488, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
	assert_int_equal(core.p[487], 'x');
	assert_int_equal(core.p[512], 'x');
	assert_int_equal(core.p[3 * 512 + 1], 0);
	core.len = 600;
	assert_err(install_core_place(&core, 1, &err), &err, ERR_OPERATOR, "600 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_an_empty_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_an_mbr, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_a_gpt, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_a_damaged_gpt, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_the_environment, setup, teardown),
		cmocka_unit_test(keeps_what_is_the_disks),
		cmocka_unit_test(lists_the_core_images_sectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
