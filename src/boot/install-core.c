/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boot sector and core image: the fields that depend on the disk. */
#include "boot/install-core.h"

#include <endian.h>

#define BPB_START     0x3u
#define BPB_END	      0x5au
#define KERNEL_SECTOR 0x5cu
#define BOOT_DRIVE    0x64u
#define DRIVE_CHECK   0x66u
#define TABLE_START   0x1b8u
#define TABLE_END     0x1feu
#define ANY_DRIVE     0xffu /* the one that the BIOS has started */
#define LOAD_SEGMENT  0x800u

struct blocklist {
	uint64_t start;
	uint16_t sectors, segment;
} __attribute__((packed));

/* The BIOS transfers at most this many bytes below 640 KiB, beside what GRUB itself needs there. */
#define CORE_MAX (0x78000u)

static bool is_boot_sector(const uint8_t *sector)
{
	return sector[TABLE_END] == 0x55 && sector[TABLE_END + 1] == 0xaa;
}

int install_core_boot_sector(uint8_t sector[INSTALL_SECTOR], const struct str *boot_img,
			     uint64_t core_start, struct err *err)
{
	const uint64_t start = htole64(core_start);
	uint8_t fresh[INSTALL_SECTOR];

	if (boot_img->len != sizeof(fresh))
		return err_set(err, ERR_OPERATOR,
			       "boot.img: has %zu bytes instead of %zu", boot_img->len,
			       sizeof(fresh));
	memcpy(fresh, boot_img->p, sizeof(fresh));
	if (!is_boot_sector(fresh))
		return err_set(err, ERR_OPERATOR, "boot.img: is no boot sector");
	memcpy(fresh + BPB_START, sector + BPB_START, BPB_END - BPB_START);
	memcpy(fresh + TABLE_START, sector + TABLE_START, TABLE_END - TABLE_START);
	memcpy(fresh + KERNEL_SECTOR, &start, sizeof(start));
	fresh[BOOT_DRIVE] = ANY_DRIVE;
	/* Two NOPs over the jump: some BIOSes do not tell which drive it is, and it is a hard disk for sure. */
	fresh[DRIVE_CHECK] = fresh[DRIVE_CHECK + 1] = 0x90;
	memcpy(sector, fresh, sizeof(fresh));
	return 0;
}

int install_core_place(struct str *core, uint64_t core_start, struct err *err)
{
	static const char zeros[INSTALL_SECTOR];
	struct blocklist list = { .segment =
					  htole16(LOAD_SEGMENT + INSTALL_SECTOR / 16) };
	uint64_t rest;

	if (core->len < 2 * (size_t)INSTALL_SECTOR || core->len > CORE_MAX)
		return err_set(err, ERR_OPERATOR,
			       "grub-mkimage has made a core image of %zu bytes",
			       core->len);
	if (core->len % INSTALL_SECTOR)
		str_addn(core, zeros, INSTALL_SECTOR - core->len % INSTALL_SECTOR);
	rest = core->len / INSTALL_SECTOR - 1;
	list.start = htole64(core_start + 1);
	list.sectors = htole16((uint16_t)rest);
	memcpy(core->p + INSTALL_SECTOR - sizeof(list), &list, sizeof(list));
	/* An entry of no sectors ends the list. */
	memset(core->p + INSTALL_SECTOR - 2 * sizeof(list), 0, sizeof(list));
	return 0;
}

uint64_t install_core_start(const uint8_t sector[INSTALL_SECTOR])
{
	uint64_t start;

	memcpy(&start, sector + KERNEL_SECTOR, sizeof(start));
	return le64toh(start);
}

bool install_core_same_code(const uint8_t a[INSTALL_SECTOR],
			    const uint8_t b[INSTALL_SECTOR])
{
	return memcmp(a, b, BPB_START) == 0 &&
	       memcmp(a + BPB_END, b + BPB_END, TABLE_START - BPB_END) == 0 &&
	       memcmp(a + TABLE_END, b + TABLE_END, INSTALL_SECTOR - TABLE_END) == 0;
}
