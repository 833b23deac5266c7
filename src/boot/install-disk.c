/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MBR and GPT, read for what booting needs. */
#include "boot/install-disk.h"

#include <endian.h>
#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* UEFI specification, 5.2.1 and 5.3. */
#define MBR_SIGNATURE	0x1b8
#define MBR_TABLE	0x1be
#define MBR_MAGIC	0x1fe
#define TYPE_GPT	0xee
#define GPT_ENTRY_MAX	4096u
#define GPT_ENTRIES_MAX 1024u

/* 21686148-6449-6E6F-744E-656564454649: "Hah!IdontNeedEFI" */
static const uint8_t bios_boot_type[16] = "Hah!IdontNeedEFI";

struct dos_entry {
	uint8_t status, first[3], type, last[3];
	uint8_t start[4], sectors[4];
};
struct gpt_header {
	char signature[8];
	uint32_t revision, size, crc, reserved;
	uint64_t self, backup, first, last;
	uint8_t uuid[16];
	uint64_t entries;
	uint32_t n_entries, entry_size, entries_crc;
} __attribute__((packed));
struct gpt_entry {
	uint8_t type[16], uuid[16];
	uint64_t first, last, attributes;
} __attribute__((packed));

void install_disk_done(struct install_disk *d)
{
	free(d->parts);
	*d = (struct install_disk)INSTALL_DISK_INIT;
}

int install_pread(int fd, void *data, size_t n, uint64_t offset, const char *path,
		  struct err *err)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(fd, (char *)data + done, n - done,
				    (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_OPERATOR, "cannot read %s", path);
		if (got == 0)
			return err_set(err, ERR_OPERATOR, "%s: ends before byte %llu",
				       path, (unsigned long long)(offset + n));
		done += (size_t)got;
	}
	return 0;
}

int install_pwrite(int fd, const void *data, size_t n, uint64_t offset, const char *path,
		   struct err *err)
{
	for (size_t done = 0; done < n;) {
		ssize_t put = pwrite(fd, (const char *)data + done, n - done,
				     (off_t)(offset + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return err_set_errno(err, ERR_OPERATOR, "cannot write to %s",
					     path);
		done += (size_t)put;
	}
	return 0;
}

/* What holds logical partitions: GRUB does not show it as a partition. */
static bool is_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

static uint32_t le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static struct install_part *add_part(struct install_disk *d, unsigned number)
{
	d->parts = xrealloc(d->parts, (d->n_parts + 1) * sizeof(*d->parts));
	d->parts[d->n_parts] = (struct install_part){ .number = number };
	return &d->parts[d->n_parts++];
}

/* The gap between the table and the first partition. */
static void read_dos(struct install_disk *d, const uint8_t *mbr)
{
	uint32_t signature = le32(mbr + MBR_SIGNATURE);
	uint64_t first = UINT64_MAX;
	struct dos_entry e[4];

	memcpy(d->label, "dos", sizeof("dos"));
	memcpy(e, mbr + MBR_TABLE, sizeof(e));
	for (unsigned i = 0; i < ARRAY_SIZE(e); i++) {
		struct install_part *part;

		if (e[i].type == 0 || le32(e[i].sectors) == 0)
			continue;
		first = MIN(first, (uint64_t)le32(e[i].start));
		if (is_extended(e[i].type))
			continue;
		part = add_part(d, i + 1);
		part->start = le32(e[i].start);
		part->sectors = le32(e[i].sectors);
		snprintf(part->uuid, sizeof(part->uuid), "%08x-%02x", signature, i + 1);
	}
	if (first == UINT64_MAX || first < 2 || d->sector != INSTALL_SECTOR)
		return;
	d->area_start = 1;
	d->area_sectors = first - 1;
}

/* The first three fields of a GUID are little-endian. */
static void format_guid(char *out, size_t n, const uint8_t *g)
{
	snprintf(out, n,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11],
		 g[12], g[13], g[14], g[15]);
}

static void take_entry(struct install_disk *d, unsigned number, const struct gpt_entry *e)
{
	static const uint8_t unused[16];
	uint64_t first = le64toh(e->first), last = le64toh(e->last);
	struct install_part *part;

	if (memcmp(e->type, unused, sizeof(unused)) == 0 || last < first)
		return;
	part = add_part(d, number);
	part->start = first;
	part->sectors = last - first + 1;
	part->bios_boot = memcmp(e->type, bios_boot_type, sizeof(bios_boot_type)) == 0;
	format_guid(part->uuid, sizeof(part->uuid), e->uuid);
	if (!part->bios_boot || d->area_sectors > 0 || d->sector != INSTALL_SECTOR)
		return;
	d->area_start = part->start;
	d->area_sectors = part->sectors;
}

static int read_gpt(struct install_disk *d, int fd, const char *path, struct err *err)
{
	struct gpt_header h;
	uint32_t n, size;

	if (install_pread(fd, &h, sizeof(h), d->sector, path, err) < 0)
		return -1;
	n = le32toh(h.n_entries);
	size = le32toh(h.entry_size);
	if (memcmp(h.signature, "EFI PART", sizeof(h.signature)) != 0 ||
	    size < sizeof(struct gpt_entry) || size > GPT_ENTRY_MAX ||
	    n > GPT_ENTRIES_MAX || le64toh(h.entries) > INT64_MAX / d->sector / 2)
		return err_set(err, ERR_OPERATOR,
			       "%s: its partition table (GPT) is damaged", path);
	memcpy(d->label, "gpt", sizeof("gpt"));
	for (uint32_t i = 0; i < n; i++) {
		struct gpt_entry e;

		if (install_pread(fd, &e, sizeof(e),
				  le64toh(h.entries) * d->sector + (uint64_t)i * size,
				  path, err) < 0)
			return -1;
		take_entry(d, i + 1, &e);
	}
	return 0;
}

static unsigned sector_size(int fd)
{
	struct stat st;
	int size = 0;

	if (fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) &&
	    ioctl(fd, BLKSSZGET, &size) == 0 && size >= (int)INSTALL_SECTOR)
		return (unsigned)size;
	return INSTALL_SECTOR;
}

int install_disk_read(struct install_disk *d, int fd, const char *path, struct err *err)
{
	uint8_t mbr[INSTALL_SECTOR];

	install_disk_done(d);
	d->sector = sector_size(fd);
	if (install_pread(fd, mbr, sizeof(mbr), 0, path, err) < 0)
		return -1;
	if (mbr[MBR_MAGIC] != 0x55 || mbr[MBR_MAGIC + 1] != 0xaa)
		return 0;
	for (unsigned i = 0; i < 4; i++)
		if (mbr[MBR_TABLE + i * sizeof(struct dos_entry) +
			offsetof(struct dos_entry, type)] == TYPE_GPT)
			return read_gpt(d, fd, path, err);
	read_dos(d, mbr);
	return 0;
}

uint64_t install_env_sector(const struct install_disk *d)
{
	if (d->area_sectors <= INSTALL_ENV_SECTORS)
		return 0;
	return d->area_start + d->area_sectors - INSTALL_ENV_SECTORS;
}
