/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices as grub names them, out of the layout. */
#include "boot/device.h"

#include <ctype.h>

#include "base/strv.h"

/* grub has one module for ext2, ext3 and ext4. */
static const struct {
	const char *type, *module;
} modules[] = {
	{ "ext2", "ext2" },   { "ext3", "ext2" },	  { "ext4", "ext2" },
	{ "vfat", "fat" },    { "msdos", "fat" },	  { "xfs", "xfs" },
	{ "btrfs", "btrfs" }, { "f2fs", "f2fs" },	  { "jfs", "jfs" },
	{ "zfs", "zfs" },     { "reiserfs", "reiserfs" },
};
static const struct {
	const char *label, *partmap;
} labels[] = {
	{ "gpt", "gpt" },
	{ "dos", "msdos" },
};

static const char *module_of(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		if (streq(modules[i].type, type))
			return modules[i].module;
	return type;
}

static const char *partmap_of(const struct layout_disk *disk)
{
	for (size_t i = 0; disk && i < ARRAY_SIZE(labels); i++)
		if (streq0(labels[i].label, disk->label))
			return labels[i].partmap;
	return "";
}

static const struct layout_lv *find_lv(const struct layout *l, const char *mount_point)
{
	for (size_t i = 0; i < l->n_lvs; i++)
		if (streq0(l->lvs[i].mount_point, mount_point))
			return &l->lvs[i];
	return NULL;
}

static bool is_partition(const struct layout_lv *lv)
{
	return streq0(lv->type, "partition") || lv->vg == NULL || *lv->vg == '\0';
}

/* "sda" of "/dev/sda2", "nvme0n1" of "/dev/nvme0n1p2"; *ret_number: 2. NULL: no partition's name. */
static char *split_partition(const char *device, unsigned *ret_number)
{
	size_t n = strlen(device), digits = n;

	while (digits > 0 && isdigit((unsigned char)device[digits - 1]))
		digits--;
	if (digits == n || digits == 0 || n - digits > 4 || !starts_with(device, "/dev/"))
		return NULL;
	*ret_number = 0;
	for (size_t i = digits; i < n; i++)
		*ret_number = *ret_number * 10 + (unsigned)(device[i] - '0');
	if (device[digits - 1] == 'p' && digits > 1 &&
	    isdigit((unsigned char)device[digits - 2]))
		digits--;
	return xstrndup(device, digits);
}

/* Disk of that name, as "/dev/sda" or "sda"; else the only one there is. */
static const struct layout_disk *find_disk(const struct layout *l, const char *name)
{
	for (size_t i = 0; name && i < l->n_disks; i++) {
		const char *disk = l->disks[i].name;

		if (streq(disk, name) ||
		    (starts_with(disk, "/dev/") && streq(disk + strlen("/dev/"), name)))
			return &l->disks[i];
	}
	return l->n_disks == 1 ? &l->disks[0] : NULL;
}

static char *device_of(const struct layout_fs *fs, const struct layout_lv *lv)
{
	if (lv && !is_partition(lv))
		return layout_mapper(lv->vg, lv->name);
	if (fs->device && starts_with(fs->device, "/dev/") &&
	    !starts_with(fs->device, "/dev/disk/"))
		return xstrdup(fs->device);
	if (lv && lv->name && *lv->name)
		return starts_with(lv->name, "/") ? xstrdup(lv->name)
						  : xasprintf("/dev/%s", lv->name);
	if (fs->uuid && *fs->uuid)
		return xasprintf("/dev/disk/by-uuid/%s", fs->uuid);
	return xstrdup(fs->device ? fs->device : "");
}

/* Which disk comes first to the firmware is a guess, as grub-probe's own is; the UUID decides. */
static void describe_partition(struct boot_device *d, const struct layout *l)
{
	unsigned number = 0;
	_cleanup_free_ char *name = split_partition(d->device, &number);
	const struct layout_disk *disk = find_disk(l, name);

	d->abstraction = xstrdup("");
	d->partmap = xstrdup(partmap_of(disk));
	if (name == NULL || disk == NULL || *d->partmap == '\0') {
		d->hint = xstrdup("");
		d->hints = xstrdup("");
		return;
	}
	d->hint = xasprintf("hd%zu,%s%u", (size_t)(disk - l->disks), d->partmap, number);
	d->hints = xasprintf("--hint-bios=%s --hint-efi=%s", d->hint, d->hint);
}

static void describe_lv(struct boot_device *d, const struct layout_lv *lv,
			const struct layout *l)
{
	_cleanup_strv_ struct strv disks = STRV_INIT;
	_cleanup_strv_ struct strv maps = STRV_INIT;

	strv_split(&disks, lv->disks ? lv->disks : "", " \t");
	for (size_t i = 0; i < disks.n; i++) {
		unsigned number;
		_cleanup_free_ char *name = split_partition(disks.v[i], &number);
		const char *map = partmap_of(find_disk(l, name ? name : disks.v[i]));

		if (*map && !strv_has(&maps, map))
			strv_add(&maps, map);
	}
	d->abstraction = xstrdup("lvm");
	d->partmap = strv_join(&maps, " ");
	d->hint = xasprintf("lvm/%s", d->device + strlen("/dev/mapper/"));
	d->hints = xasprintf("--hint='%s'", d->hint);
}

/* "/@rootfs" of "rw,subvol=@rootfs" */
static char *subvol_of(const struct layout_fs *fs)
{
	_cleanup_strv_ struct strv options = STRV_INIT;

	if (!streq0(fs->type, "btrfs"))
		return xstrdup("");
	strv_split(&options, fs->options ? fs->options : "", ",");
	for (size_t i = 0; i < options.n; i++)
		if (starts_with(options.v[i], "subvol=")) {
			const char *name = options.v[i] + strlen("subvol=");

			return xasprintf("/%s", name + strspn(name, "/"));
		}
	return xstrdup("");
}

static void describe(struct boot_device *d, const struct layout_fs *fs,
		     const struct layout *l)
{
	const struct layout_lv *lv = find_lv(l, fs->mount_point);

	d->mount_point = xstrdup(fs->mount_point);
	d->device = device_of(fs, lv);
	d->fs = xstrdup(module_of(fs->type ? fs->type : ""));
	d->uuid = xstrdup(fs->uuid ? fs->uuid : "");
	d->label = xstrdup(fs->label ? fs->label : "");
	d->subvol = subvol_of(fs);
	if (lv && !is_partition(lv))
		describe_lv(d, lv, l);
	else
		describe_partition(d, l);
}

void boot_devices_from_layout(struct boot_devices *ds, const struct layout *l)
{
	ds->v = xcalloc(l->n_fs ? l->n_fs : 1, sizeof(*ds->v));
	ds->n = 0;
	for (size_t i = 0; i < l->n_fs; i++)
		if (l->fs[i].mount_point && l->fs[i].mount_point[0] == '/')
			describe(&ds->v[ds->n++], &l->fs[i], l);
}

void boot_devices_done(struct boot_devices *ds)
{
	for (size_t i = 0; i < ds->n; i++) {
		struct boot_device *d = &ds->v[i];
		char *const fields[] = { d->mount_point, d->device, d->fs,
					 d->uuid,	 d->label,  d->partmap,
					 d->abstraction, d->hint,   d->hints,
					 d->subvol };

		for (size_t k = 0; k < ARRAY_SIZE(fields); k++)
			free(fields[k]);
	}
	free(ds->v);
	*ds = (struct boot_devices)BOOT_DEVICES_INIT;
}

const struct boot_device *boot_devices_find(const struct boot_devices *ds,
					    const char *mount_point)
{
	for (size_t i = 0; i < ds->n; i++)
		if (streq(ds->v[i].mount_point, mount_point))
			return &ds->v[i];
	return NULL;
}

char *boot_device_disk(const char *device, const struct layout *l)
{
	unsigned number;
	_cleanup_free_ char *name = split_partition(device, &number);
	const struct layout_disk *disk = name ? find_disk(l, name) : NULL;

	return disk ? xstrdup(disk->name) : NULL;
}

unsigned boot_device_number(const char *device)
{
	unsigned number = 0;
	_cleanup_free_ char *name = split_partition(device, &number);

	return name ? number : 0;
}

/* A label may hold anything; what would break the line is left out. */
static void add_field(struct str *out, const char *text)
{
	for (; *text; text++)
		if (!iscntrl((unsigned char)*text) && *text != '|')
			str_addc(out, *text);
}

void boot_devices_write(const struct boot_devices *ds, struct str *out)
{
	for (size_t i = 0; i < ds->n; i++) {
		const struct boot_device *d = &ds->v[i];
		const char *const fields[] = { d->mount_point, d->device, d->fs,
					       d->uuid,	       d->label,  d->partmap,
					       d->abstraction, d->hint,	  d->hints,
					       d->subvol };

		for (size_t k = 0; k < ARRAY_SIZE(fields); k++) {
			if (k > 0)
				str_addc(out, '|');
			add_field(out, fields[k]);
		}
		str_addc(out, '\n');
	}
}
