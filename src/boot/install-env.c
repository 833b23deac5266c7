/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file system of one file, as small as ext2 allows. */
#include "boot/install-env.h"

#include <endian.h>

#include "sys/sha256.h"

/* Blocks of 1 KiB; the first one is no part of ext2. */
#define BLOCK 1024u
enum {
	SUPER = 1,
	GROUP,
	BLOCK_BITMAP,
	INODE_BITMAP,
	INODES, /* two blocks */
	ROOT = INODES + 2,
	LOST_FOUND,
	ENV,
	FIRST_FREE
};
#define N_BLOCKS    (INSTALL_ENV_SIZE / BLOCK)
#define N_INODES    16u
#define INODE_SIZE  128u
#define MAGIC	    0xef53u
#define LABEL	    "nimadm-env"
#define INODE_ROOT  2u
#define INODE_FOUND 11u /* the first one that is not reserved */
#define INODE_ENV   12u

/* Offsets in the superblock; see the kernel's Documentation/filesystems/ext4/super.rst. */
#define SB_MAGIC 56u
#define SB_UUID	 104u
#define SB_LABEL 120u

static void put16(char *at, uint16_t value)
{
	value = htole16(value);
	memcpy(at, &value, sizeof(value));
}

static void put32(char *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static void make_uuid(uint8_t uuid[16], const char *seed)
{
	_cleanup_free_ char *text = xasprintf("nimadm environment of %s", seed);
	uint8_t digest[SHA256_LEN];

	sha256_buf(text, strlen(text), digest);
	memcpy(uuid, digest, 16);
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x80);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

static void make_super(char *sb, const char *seed)
{
	static const struct {
		unsigned offset;
		uint32_t value;
	} words[] = {
		{ 0, N_INODES },
		{ 4, N_BLOCKS },
		{ 12, N_BLOCKS - FIRST_FREE },
		{ 16, N_INODES - INODE_ENV },
		{ 20, SUPER }, /* first data block */
		{ 32, 8192 },  /* blocks a group */
		{ 36, 8192 },
		{ 40, N_INODES },
		{ 76, 1 }, /* revision */
		{ 84, INODE_FOUND },
		{ 96, 2 }, /* directory entries have types */
	};
	uint8_t uuid[16];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		put32(sb + words[i].offset, words[i].value);
	put16(sb + 54, 0xffff); /* no check after so many mounts */
	put16(sb + SB_MAGIC, MAGIC);
	put16(sb + 58, 1); /* clean */
	put16(sb + 60, 1); /* errors: go on */
	put16(sb + 88, INODE_SIZE);
	make_uuid(uuid, seed);
	memcpy(sb + SB_UUID, uuid, sizeof(uuid));
	memcpy(sb + SB_LABEL, LABEL, sizeof(LABEL) - 1);
}

static void make_group(char *group)
{
	put32(group, BLOCK_BITMAP);
	put32(group + 4, INODE_BITMAP);
	put32(group + 8, INODES);
	put16(group + 12, N_BLOCKS - FIRST_FREE);
	put16(group + 14, N_INODES - INODE_ENV);
	put16(group + 16, 2); /* directories */
}

/* The first `used` of `n` are in use; what is beyond `n` counts as that. */
static void make_bitmap(char *map, unsigned used, unsigned n)
{
	for (unsigned i = 0; i < BLOCK * 8; i++)
		if (i < used || i >= n)
			map[i / 8] = (char)(map[i / 8] | 1 << i % 8);
}

static void make_inode(char *table, unsigned number, uint16_t mode, uint16_t links,
		       uint32_t block)
{
	char *inode = table + (size_t)(number - 1) * INODE_SIZE;

	put16(inode, mode);
	put32(inode + 4, BLOCK); /* bytes */
	put16(inode + 26, links);
	put32(inode + 28, BLOCK / 512); /* on the disk */
	put32(inode + 40, block);
}

/* Returns where the next one goes; the last one takes what is left. */
static char *add_name(char *at, uint32_t inode, const char *name, uint8_t type,
		      uint16_t length)
{
	size_t n = strlen(name);

	put32(at, inode);
	put16(at + 4, length);
	at[6] = (char)n;
	at[7] = (char)type;
	memcpy(at + 8, name, n);
	return at + length;
}

void install_env_make(char fs[INSTALL_ENV_SIZE], const char *seed)
{
	enum { FILE_TYPE = 1, DIR_TYPE = 2 };
	char *p;

	memset(fs, 0, INSTALL_ENV_SIZE);
	make_super(fs + SUPER * BLOCK, seed);
	make_group(fs + GROUP * BLOCK);
	make_bitmap(fs + BLOCK_BITMAP * BLOCK, FIRST_FREE - SUPER, N_BLOCKS - SUPER);
	make_bitmap(fs + INODE_BITMAP * BLOCK, INODE_ENV, N_INODES);
	make_inode(fs + INODES * BLOCK, INODE_ROOT, 040755, 3, ROOT);
	make_inode(fs + INODES * BLOCK, INODE_FOUND, 040700, 2, LOST_FOUND);
	make_inode(fs + INODES * BLOCK, INODE_ENV, 0100644, 1, ENV);
	p = add_name(fs + ROOT * BLOCK, INODE_ROOT, ".", DIR_TYPE, 12);
	p = add_name(p, INODE_ROOT, "..", DIR_TYPE, 12);
	p = add_name(p, INODE_FOUND, "lost+found", DIR_TYPE, 20);
	add_name(p, INODE_ENV, &INSTALL_ENV_FILE[1], FILE_TYPE, BLOCK - 12 - 12 - 20);
	p = add_name(fs + LOST_FOUND * BLOCK, INODE_FOUND, ".", DIR_TYPE, 12);
	add_name(p, INODE_ROOT, "..", DIR_TYPE, BLOCK - 12);
	env_block_init(fs + ENV * BLOCK);
}

static void format_uuid(char out[INSTALL_ENV_UUID], const uint8_t *u)
{
	size_t n = 0;

	for (unsigned i = 0; i < 16; i++)
		n += (size_t)snprintf(out + n, INSTALL_ENV_UUID - n, "%s%02x",
				      i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
				      u[i]);
}

static bool is_ours(const uint8_t *sb)
{
	return (sb[SB_MAGIC] | sb[SB_MAGIC + 1] << 8) == MAGIC &&
	       memcmp(sb + SB_LABEL, LABEL, sizeof(LABEL)) == 0;
}

/* 1: there is one. */
static int look_for_block(int fd, uint64_t sector, const char *path, struct err *err)
{
	char block[ENV_BLOCK_SIZE];

	if (install_pread(fd, block, sizeof(block), sector * INSTALL_SECTOR, path, err) <
	    0)
		return -1;
	return env_block_is_valid(block);
}

int install_env_find(struct install_env *e, const struct install_disk *d, int fd,
		     const char *path, struct err *err)
{
	const uint64_t first = d->area_start + ENV * BLOCK / INSTALL_SECTOR;
	const uint64_t last = install_env_sector(d);
	uint8_t sb[BLOCK];
	int rc = 0;

	*e = (struct install_env){ 0 };
	if (d->area_sectors * INSTALL_SECTOR <= INSTALL_ENV_SIZE)
		return 0;
	if (install_pread(fd, sb, sizeof(sb), d->area_start * INSTALL_SECTOR + BLOCK,
			  path, err) < 0)
		return -1;
	if (is_ours(sb))
		rc = look_for_block(fd, first, path, err);
	if (rc < 0)
		return -1;
	if (rc > 0) {
		e->sector = first;
		format_uuid(e->uuid, sb + SB_UUID);
	}
	rc = look_for_block(fd, last, path, err);
	if (rc < 0)
		return -1;
	if (rc > 0 && e->sector)
		e->spare = last;
	else if (rc > 0)
		e->sector = last;
	return 0;
}
