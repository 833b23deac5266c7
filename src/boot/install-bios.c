/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BIOS: boot sector and core image on the clone's disks, written and read back. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "boot/install-core.h"
#include "boot/install-env.h"
#include "boot/install-internal.h"

#define BOOT_IMG GRUB_LIB_DIR "/i386-pc/boot.img"

/* What is to be on each disk, but for what depends on the disk. */
struct images {
	struct str boot, core;
	char *seed; /* for the identifier of the environment's file system */
};

static void images_done(struct images *im)
{
	str_done(&im->boot);
	str_done(&im->core);
	free(im->seed);
}

static int make_images(const struct boot_install *b, struct images *im, struct err *err)
{
	if (root_read(b->alt, BOOT_IMG, INSTALL_SECTOR, &im->boot, err) < 0)
		return err_remedy(err, "install %s in the system that is cloned",
				  install_bios.package);
	im->seed = install_boot_uuid(b->target);
	return install_make_core(b, &install_bios, &im->core, err);
}

static bool same_device(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) || S_ISBLK(b->st_mode))
		return S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode) &&
		       a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int install_open_disk(const struct boot_install *b, const char *name, int flags,
		      struct err *err)
{
	_cleanup_close_ int fd = open(name, flags | O_CLOEXEC);
	struct stat st, other;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot open %s", name);
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return err_set(err, ERR_OPERATOR, "%s: is no disk", name);
	for (size_t i = 0; b->running && i < b->running->n_disks; i++)
		if (stat(b->running->disks[i].name, &other) == 0 &&
		    same_device(&st, &other))
			return err_set(err, ERR_INTERNAL,
				       "%s: is a disk of the running system, its boot "
				       "sector is not ours to write",
				       name);
	return TAKE_FD(fd);
}

bool install_bios_has_room(const struct boot_install *b)
{
	for (size_t i = 0; i < b->target->n_disks; i++) {
		const char *name = b->target->disks[i].name;
		_cleanup_install_disk_ struct install_disk d = INSTALL_DISK_INIT;
		_cleanup_close_ int fd = install_open_disk(b, name, O_RDONLY, NULL);

		if (fd >= 0 && install_disk_read(&d, fd, name, NULL) == 0 &&
		    d.area_sectors > INSTALL_ENV_SECTORS)
			return true;
	}
	return false;
}

/* NULL: the disk has room for this core image; else why not. */
static char *why_no_room(const struct install_disk *d, const struct str *core)
{
	size_t room = d->area_sectors > INSTALL_ENV_SECTORS
			      ? (size_t)(d->area_sectors - INSTALL_ENV_SECTORS) *
					INSTALL_SECTOR
			      : 0;

	if (*d->label == '\0')
		return xstrdup("it has no partition table");
	if (d->sector != INSTALL_SECTOR)
		return xasprintf("no BIOS starts a disk with sectors of %u bytes",
				 d->sector);
	if (d->area_sectors == 0)
		return xstrdup(streq(d->label, "gpt")
				       ? "it has no BIOS boot partition"
				       : "there is no gap before its first partition");
	if (room < core->len)
		return xasprintf("GRUB needs %zu bytes, there are %zu before the first "
				 "file system",
				 core->len, room);
	return NULL;
}

/* Behind the file system of the environment where there is room for both. */
static bool has_env_fs(const struct install_disk *d, const struct str *core)
{
	return streq(d->label, "gpt") &&
	       d->area_sectors * INSTALL_SECTOR >=
		       INSTALL_ENV_SIZE + core->len +
			       (1 + INSTALL_ENV_SECTORS) * INSTALL_SECTOR;
}

static uint64_t core_start(const struct install_disk *d, const struct str *core)
{
	return d->area_start +
	       (has_env_fs(d, core) ? INSTALL_ENV_SIZE / INSTALL_SECTOR : 0);
}

static int write_env(const char *name, int fd, const struct install_disk *d,
		     const struct images *im, struct err *err)
{
	_cleanup_free_ char *fs = xmalloc(INSTALL_ENV_SIZE);

	if (has_env_fs(d, &im->core)) {
		install_env_make(fs, im->seed);
		if (install_pwrite(fd, fs, INSTALL_ENV_SIZE,
				   d->area_start * INSTALL_SECTOR, name, err) < 0)
			return -1;
	}
	env_block_init(fs);
	return install_pwrite(fd, fs, ENV_BLOCK_SIZE,
			      install_env_sector(d) * INSTALL_SECTOR, name, err);
}

/*
 * The core image first, the sector that leads to it last: a crash in between leaves the old boot sector with a new core
 * image at the same place, which is what it is about to lead to.
 */
static int write_disk(const char *name, int fd, const struct install_disk *d,
		      const struct images *im, struct err *err)
{
	_cleanup_str_ struct str core = STR_INIT;
	const uint64_t start = core_start(d, &im->core);
	uint8_t sector[INSTALL_SECTOR];

	str_addn(&core, im->core.p, im->core.len);
	if (install_core_place(&core, start, err) < 0 ||
	    install_pread(fd, sector, sizeof(sector), 0, name, err) < 0 ||
	    install_core_boot_sector(sector, &im->boot, start, err) < 0)
		return -1;
	if (install_pwrite(fd, core.p, core.len, start * INSTALL_SECTOR, name, err) < 0 ||
	    write_env(name, fd, d, im, err) < 0)
		return -1;
	if (fdatasync(fd) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot write to %s", name);
	if (install_pwrite(fd, sector, sizeof(sector), 0, name, err) < 0)
		return -1;
	if (fdatasync(fd) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot write to %s", name);
	return 0;
}

/* 1: this disk cannot be started by a BIOS; *why. */
static int install_one(const struct boot_install *b, const char *name,
		       const struct images *im, char **why, struct err *err)
{
	_cleanup_install_disk_ struct install_disk d = INSTALL_DISK_INIT;
	_cleanup_close_ int fd = install_open_disk(b, name, O_RDWR, err);

	if (fd < 0 || install_disk_read(&d, fd, name, err) < 0)
		return -1;
	*why = why_no_room(&d, &im->core);
	if (*why)
		return 1;
	events_step(b->events, "Writing GRUB's boot sector and core image to %s", name);
	return write_disk(name, fd, &d, im, err);
}

/* Disks beyond the first are started only when that one is gone: they need not be able to. */
int install_bios_write(const struct boot_install *b, struct err *err)
{
	_cleanup_(images_done) struct images im = { STR_INIT, STR_INIT, NULL };
	_cleanup_str_ struct str reasons = STR_INIT;
	size_t written = 0;

	if (make_images(b, &im, err) < 0 ||
	    install_copy_modules(b, &install_bios, err) < 0)
		return -1;
	for (size_t i = 0; i < b->target->n_disks; i++) {
		const char *name = b->target->disks[i].name;
		_cleanup_free_ char *why = NULL;
		int rc = install_one(b, name, &im, &why, err);

		if (rc < 0)
			return -1;
		written += rc == 0;
		if (rc == 1)
			str_addf(&reasons, "%s%s: %s", reasons.len ? "; " : "", name,
				 why);
	}
	if (written > 0)
		return root_write(b->alt, GRUB_DIR "/i386-pc/core.img", im.core.p,
				  im.core.len, 0644, err);
	err_set(err, ERR_OPERATOR, "no disk of the clone can be started by a BIOS: %s",
		reasons.len ? str_c(&reasons) : "it has none");
	return err_remedy(err,
			  "give the clone a disk with a BIOS boot partition of 1 MiB "
			  "(GPT), or a first partition at 1 MiB (MBR)");
}

static void tell(struct findings *fs, const char *name, const char *fault)
{
	_cleanup_free_ char *evidence = xasprintf(
		"%s: %s", name,
		fault ? fault : "boot sector and core image are those of the clone");

	findings_add(fs, "boot.sector", fault ? FINDING_INHIBIT : FINDING_PASS,
		     "Boot sector", evidence,
		     fault ? "write them again: alt_rootvg_op -W, then -S" : "");
}

/* NULL: as it must be. */
static const char *find_disk_fault(int fd, const char *name, const struct install_disk *d,
				   const struct images *im)
{
	_cleanup_str_ struct str core = STR_INIT;
	_cleanup_free_ char *seen = NULL;
	const uint64_t start = core_start(d, &im->core);
	uint8_t sector[INSTALL_SECTOR], wanted[INSTALL_SECTOR];

	str_addn(&core, im->core.p, im->core.len);
	if (install_core_place(&core, start, NULL) < 0 ||
	    install_pread(fd, sector, sizeof(sector), 0, name, NULL) < 0)
		return "it cannot be read";
	memcpy(wanted, sector, sizeof(wanted));
	if (install_core_boot_sector(wanted, &im->boot, start, NULL) < 0)
		return "the clone's boot.img is damaged";
	if (!install_core_same_code(sector, wanted))
		return "its boot sector is not the clone's";
	seen = xmalloc(core.len);
	if (install_pread(fd, seen, core.len, start * INSTALL_SECTOR, name, NULL) < 0)
		return "its core image cannot be read";
	return memcmp(seen, core.p, core.len) == 0
		       ? NULL
		       : "its core image is not the one that the clone's GRUB makes";
}

int install_bios_verify(const struct boot_install *b, struct findings *fs,
			struct err *err)
{
	_cleanup_(images_done) struct images im = { STR_INIT, STR_INIT, NULL };
	_cleanup_free_ char *modules = install_check_modules(b, &install_bios);
	size_t able = 0;

	if (make_images(b, &im, err) < 0)
		return -1;
	for (size_t i = 0; i < b->target->n_disks; i++) {
		const char *name = b->target->disks[i].name;
		_cleanup_install_disk_ struct install_disk d = INSTALL_DISK_INIT;
		_cleanup_close_ int fd = install_open_disk(b, name, O_RDONLY, err);
		_cleanup_free_ char *why = NULL;

		if (fd < 0 || install_disk_read(&d, fd, name, err) < 0)
			return -1;
		/* From the disk and not from what was written a moment ago. */
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		why = why_no_room(&d, &im.core);
		if (why)
			continue;
		able++;
		tell(fs, name, find_disk_fault(fd, name, &d, &im));
	}
	if (able == 0)
		tell(fs, "the clone", "no disk of it can be started by a BIOS");
	if (*modules)
		findings_add(fs, "boot.modules", FINDING_INHIBIT, "GRUB's modules",
			     modules, "write them again: alt_rootvg_op -W, then -S");
	return 0;
}
