/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Partitions, physical volumes, volumes and file systems as a layout says; and their removal. */
#include <ctype.h>

#include "storage/tools.h"
#include "sys/files.h"

struct part_type {
	const char *type, *uuid,
		*name; /* name: behind PART_PREFIX; NULL: the mount point */
};
static const struct part_type part_types[] = {
	{ "bios", "21686148-6449-6E6F-744E-656564454649", "bios" },
	{ "esp", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", NULL },
	{ "pv", "E6D6D379-F507-44C2-A23C-238F2A3DF928", "pv" },
	{ "swap", "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", "swap" },
	{ "partition", "0FC63DAF-8483-4772-8E79-3D69D8477DE4", NULL },
};

static const struct part_type *part_type(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(part_types); i++)
		if (streq(part_types[i].type, type))
			return &part_types[i];
	return &part_types[ARRAY_SIZE(part_types) - 1];
}

static int new_uuid(struct str *out, struct err *err)
{
	if (files_read("/proc/sys/kernel/random/uuid", 64, out, err) < 0)
		return -1;
	while (out->len > 0 && out->p[out->len - 1] == '\n')
		out->p[--out->len] = '\0';
	return 0;
}

static void sfdisk_script(const struct layout *l, const char *disk, const char *id,
			  struct str *out)
{
	str_addf(out, "label: gpt\nlabel-id: " TABLE_ID "%s\n", id + strlen(TABLE_ID));
	for (size_t i = 0; i < l->n_lvs; i++) {
		const struct layout_lv *lv = &l->lvs[i];
		const struct part_type *t = part_type(lv->type);

		if (*lv->vg != '\0' || !streq(lv->disks, disk))
			continue;
		str_addf(out, "size=%lluKiB, type=%s, name=\"" PART_PREFIX "%.28s\"\n",
			 (unsigned long long)(lv->size / 1024), t->uuid,
			 t->name ? t->name : lv->mount_point);
	}
}

static int make_table(const struct storage *s, const struct layout *l, const char *disk,
		      struct err *err)
{
	_cleanup_str_ struct str script = STR_INIT, id = STR_INIT;
	_cleanup_strv_ struct strv argv = STRV_INIT;

	if (new_uuid(&id, err) < 0)
		return -1;
	events_step(s->events, "Partitioning %s", disk);
	sfdisk_script(l, disk, str_c(&id), &script);
	strv_add_all(&argv, "sfdisk", "--quiet", "--wipe", "always", "--wipe-partitions",
		     "always", disk, NULL);
	return tools_run(s, &argv, str_c(&script), err);
}

/* udev makes the nodes a little later. */
static int wait_for(const struct layout *l, struct err *err)
{
	for (size_t i = 0; i < l->n_lvs; i++) {
		const char *path = l->lvs[i].name;

		for (int n = 0; *l->lvs[i].vg == '\0' && !files_exists(path); n++) {
			if (n == 100)
				return err_set(err, ERR_OPERATOR,
					       "%s: the kernel does not show it", path);
			usleep(100000);
		}
	}
	return 0;
}

static int make_group(const struct storage *s, const struct layout *l, struct err *err)
{
	_cleanup_strv_ struct strv pvs = STRV_INIT, argv = STRV_INIT;

	for (size_t i = 0; i < l->n_lvs; i++)
		if (streq(l->lvs[i].type, "pv"))
			strv_add(&pvs, l->lvs[i].name);
	if (pvs.n == 0)
		return 0;
	events_step(s->events, "Making the volume group %s", l->vg_name);
	for (size_t i = 0; i < pvs.n; i++)
		if (tools_call(s, err, "pvcreate", "-qq", "-y", "-ff", pvs.v[i], NULL) <
		    0)
			return -1;
	strv_add_all(&argv, "vgcreate", "-qq", "-y", NO_BACKUP, "--addtag", TAG,
		     "--addtag", TAG_ALTINST, NULL);
	strv_addf(&argv, "--addtag");
	strv_addf(&argv, TAG_BOOT "%s", *l->boot_method ? l->boot_method : "none");
	strv_add(&argv, l->vg_name);
	strv_add_strv(&argv, &pvs);
	return tools_run(s, &argv, NULL, err);
}

/* Tags hold letters, digits and a few signs; a mount point with others is left to be found by hand. */
static bool can_tag(const char *text)
{
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("_+.-/=!:&#", *text))
			return false;
	return true;
}

static const struct layout_fs *fs_on(const struct layout *l, const struct layout_lv *lv)
{
	_cleanup_free_ char *mapper = layout_mapper(lv->vg, lv->name);
	const char *device = *lv->vg ? mapper : lv->name;

	for (size_t i = 0; i < l->n_fs; i++)
		if (streq(l->fs[i].device, device))
			return &l->fs[i];
	return NULL;
}

static int make_volume(const struct storage *s, const struct layout *l,
		       const struct layout_lv *lv, struct err *err)
{
	const struct layout_fs *fs = fs_on(l, lv);
	_cleanup_strv_ struct strv argv = STRV_INIT;

	if (!can_tag(lv->mount_point))
		return err_set(
			err, ERR_UNFIT,
			"%s: such a mount point cannot be written into a tag of LVM",
			lv->mount_point);
	strv_add_all(&argv, "lvcreate", "-qq", "-y", NO_BACKUP, "-W", "y", "-n", lv->name,
		     "--addtag", NULL);
	strv_addf(&argv, TAG_MOUNT "%s", lv->mount_point);
	strv_add(&argv, "--addtag");
	strv_addf(&argv, TAG_FS "%s", fs ? fs->type : "none");
	if (lv->copies > 1) {
		strv_add_all(&argv, "--type", "raid1", "-m", NULL);
		strv_addf(&argv, "%llu", (unsigned long long)lv->copies - 1);
	}
	strv_add(&argv, "-L");
	strv_addf(&argv, "%llub", (unsigned long long)lv->size);
	strv_add(&argv, lv->vg);
	return tools_run(s, &argv, NULL, err);
}

/* Mirrored ones first: they cannot choose their disks. */
static int make_volumes(const struct storage *s, const struct layout *l, struct err *err)
{
	for (int plain = 0; plain < 2; plain++)
		for (size_t i = 0; i < l->n_lvs; i++) {
			const struct layout_lv *lv = &l->lvs[i];

			if (*lv->vg && (lv->copies <= 1) == plain &&
			    make_volume(s, l, lv, err) < 0)
				return -1;
		}
	return 0;
}

struct mkfs {
	const char *type;
	const char *argv[8]; /* before the identifier */
	const char *prefix;  /* of the identifier's word: "uuid=" */
};
/* Inodes of 128 bytes, which mke2fs before 1.46.4 makes in a small file system, have no room for nanoseconds. */
static const struct mkfs mkfs_table[] = {
	{ "ext2", { "mkfs.ext2", "-q", "-F", "-I", "256", "-U" }, "" },
	{ "ext3", { "mkfs.ext3", "-q", "-F", "-I", "256", "-U" }, "" },
	{ "ext4", { "mkfs.ext4", "-q", "-F", "-I", "256", "-U" }, "" },
	{ "xfs", { "mkfs.xfs", "-q", "-f", "-m" }, "uuid=" },
	{ "btrfs", { "mkfs.btrfs", "-q", "-f", "-U" }, "" },
	{ "vfat", { "mkfs.vfat", "-i" }, "" },
	{ "swap", { "mkswap", "-f", "-U" }, "" },
};

/* FAT has 32 bits: "1234ABCD" for the program, "1234-ABCD" for everybody else. */
static int name_fs(struct layout_fs *fs, struct str *word, struct err *err)
{
	_cleanup_str_ struct str uuid = STR_INIT;

	if (new_uuid(&uuid, err) < 0)
		return -1;
	if (!streq(fs->type, "vfat")) {
		str_add(word, str_c(&uuid));
		xreplace(&fs->uuid, str_c(&uuid));
		return 0;
	}
	for (size_t i = 0; i < 8; i++)
		str_addc(word, (char)toupper((unsigned char)uuid.p[i]));
	_cleanup_free_ char *shown = xasprintf("%.4s-%.4s", word->p, word->p + 4);
	xreplace(&fs->uuid, shown);
	return 0;
}

static int make_fs(const struct storage *s, struct layout_fs *fs, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(mkfs_table); i++) {
		const struct mkfs *m = &mkfs_table[i];
		_cleanup_strv_ struct strv argv = STRV_INIT;
		_cleanup_str_ struct str word = STR_INIT;

		if (!streq(m->type, fs->type))
			continue;
		events_step(s->events, "Making the %s file system of %s on %s", fs->type,
			    fs->mount_point, fs->device);
		for (size_t k = 0; m->argv[k]; k++)
			strv_add(&argv, m->argv[k]);
		if (name_fs(fs, &word, err) < 0)
			return -1;
		strv_addf(&argv, "%s%s", m->prefix, str_c(&word));
		strv_add(&argv, fs->device);
		return tools_run(s, &argv, NULL, err);
	}
	return err_set(err, ERR_UNFIT, "%s: the file system %s is not supported",
		       fs->mount_point, fs->type);
}

/* Another subvolume of a file system that is made already. */
static bool take_first(struct layout *l, size_t fs)
{
	for (size_t i = 0; i < fs; i++)
		if (streq(l->fs[i].device, l->fs[fs].device)) {
			xreplace(&l->fs[fs].uuid, l->fs[i].uuid);
			return true;
		}
	return false;
}

static int make_all_fs(const struct storage *s, struct layout *l, struct err *err)
{
	for (size_t i = 0; i < l->n_fs; i++) {
		if (take_first(l, i))
			continue;
		if (make_fs(s, &l->fs[i], err) < 0 ||
		    (streq(l->fs[i].type, "btrfs") &&
		     btrfs_make_subvolumes(s, l, l->fs[i].device, err) < 0))
			return -1;
	}
	return 0;
}

int create_volumes(const struct storage *s, struct layout *target, struct err *err)
{
	for (size_t i = 0; i < target->n_disks; i++)
		if (make_table(s, target, target->disks[i].name, err) < 0)
			return -1;
	if (wait_for(target, err) < 0 || make_group(s, target, err) < 0 ||
	    make_volumes(s, target, err) < 0)
		return -1;
	return make_all_fs(s, target, err);
}

/* Only a group that carries our tag. */
static int remove_group(const struct storage *s, const char *vg, struct err *err)
{
	_cleanup_json_ json_t *rows = tools_lvm_rows(s, "vgs", "vg_name,vg_tags");
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		_cleanup_strv_ struct strv tags = STRV_INIT;

		strv_split(&tags, json_field(row, "vg_tags"), ",");
		if (*vg && streq(json_field(row, "vg_name"), vg) &&
		    strv_has(&tags, TAG_ALTINST))
			return tools_call(s, err, "vgremove", "-qq", "-y", "-ff",
					  NO_BACKUP, vg, NULL);
	}
	return 0;
}

static int wipe(const struct storage *s, const char *device, struct err *err)
{
	return files_exists(device)
		       ? tools_call(s, err, "wipefs", "--quiet", "--all", device, NULL)
		       : 0;
}

int destroy_volumes(const struct storage *s, const struct layout *target, struct err *err)
{
	if (remove_group(s, target->vg_name, err) < 0)
		return -1;
	for (size_t i = 0; i < target->n_disks; i++) {
		const char *disk = target->disks[i].name;

		for (unsigned n = 1; n <= 32; n++) {
			_cleanup_free_ char *part = tools_partition(disk, n);
			if (wipe(s, part, err) < 0)
				return -1;
		}
		if (wipe(s, disk, err) < 0)
			return -1;
	}
	return 0;
}
