/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clones by their tags alone: a volume group with our tag, partitions whose names begin with ours. */
#include <sys/utsname.h>

#include "storage/tools.h"

struct reports {
	const json_t *blocks;
	json_t *vgs, *lvs;
};

static void reports_done(struct reports *r)
{
	json_decref(r->vgs);
	json_decref(r->lvs);
}

static void reports_read(struct reports *r, const struct storage *s)
{
	r->vgs = tools_lvm_rows(s, "vgs", "vg_name,vg_tags,vg_extent_size");
	r->lvs = tools_lvm_rows(s, "lvs", "vg_name,lv_name,lv_size,lv_tags");
}

/* What follows the prefix in the first tag that has it; malloc'd, or NULL. */
static char *tag_value(const char *tags, const char *prefix)
{
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_split(&words, tags, ",");
	for (size_t i = 0; i < words.n; i++)
		if (starts_with(words.v[i], prefix))
			return xstrdup(words.v[i] + strlen(prefix));
	return NULL;
}

/* A device's row in the tree that lsblk shows. */
static const json_t *find_block(const json_t *list, const char *path)
{
	const json_t *dev, *below;
	size_t i;

	json_array_foreach(list, i, dev)
	{
		if (streq(json_field(dev, "path"), path))
			return dev;
		below = find_block(json_object_get(dev, "children"), path);
		if (below)
			return below;
	}
	return NULL;
}

static void take_fs(struct layout *l, const struct reports *r, const char *mount_point,
		    const char *device, const char *type, uint64_t size)
{
	const json_t *block = find_block(r->blocks, device);
	struct layout_fs *fs = layout_new_fs(l);

	xreplace(&fs->mount_point, mount_point);
	xreplace(&fs->device, device);
	xreplace(&fs->type, *type ? type : json_field(block, "fstype"));
	xreplace(&fs->uuid, json_field(block, "uuid"));
	fs->size = size;
}

static void take_volumes(struct layout *l, const struct reports *r)
{
	const json_t *row;
	size_t i;

	json_array_foreach(r->lvs, i, row)
	{
		const char *tags = json_field(row, "lv_tags");
		const char *name = json_field(row, "lv_name");
		_cleanup_free_ char *mount = tag_value(tags, TAG_MOUNT);
		_cleanup_free_ char *type = tag_value(tags, TAG_FS);
		_cleanup_free_ char *device = layout_mapper(l->vg_name, name);

		if (!streq(json_field(row, "vg_name"), l->vg_name))
			continue;
		struct layout_lv *lv = layout_new_lv(l);
		xreplace(&lv->vg, l->vg_name);
		xreplace(&lv->name, name);
		xreplace(&lv->type, "linear");
		xreplace(&lv->mount_point, mount);
		lv->size = json_number(row, "lv_size");
		if (mount)
			take_fs(l, r, mount, device, type ? type : "", lv->size);
	}
}

/* "nimadm:bios", "nimadm:pv", "nimadm:swap", "nimadm:/boot" */
static void take_partition(struct layout *l, const struct reports *r, const json_t *disk,
			   const json_t *part)
{
	const char *name = json_field(part, "partlabel");
	const char *path = json_field(part, "path");
	uint64_t size = json_number(part, "size");

	if (!starts_with(name, PART_PREFIX))
		return;
	name += strlen(PART_PREFIX);
	bool fs = *name == '/' || streq(name, "swap");
	struct layout_lv *lv = layout_new_lv(l);
	xreplace(&lv->name, path);
	xreplace(&lv->disks, json_field(disk, "path"));
	xreplace(&lv->type, streq(name, "/boot/efi") ? "esp"
			    : *name == '/'	     ? "partition"
						     : name);
	xreplace(&lv->mount_point, fs ? name : "");
	lv->size = size;
	if (fs)
		take_fs(l, r, name, path, "", size);
	if (streq(name, "bios") || streq(name, "/boot/efi"))
		xreplace(&l->boot_disk, json_field(disk, "path"));
	if (*l->boot_method == '\0' && streq(name, "bios"))
		xreplace(&l->boot_method, "grub-pc");
	if (*l->boot_method == '\0' && streq(name, "/boot/efi"))
		xreplace(&l->boot_method, "grub-efi");
}

static void take_disk(struct layout *l, const struct reports *r, const struct disk *d)
{
	const json_t *disk = find_block(r->blocks, d->path);
	struct layout_disk *to = layout_new_disk(l);
	const json_t *part;
	size_t i;

	xreplace(&to->name, d->path);
	xreplace(&to->serial, d->serial);
	xreplace(&to->label, d->table);
	to->size = d->size;
	json_array_foreach(json_object_get(disk, "children"), i, part)
		take_partition(l, r, disk, part);
}

static struct layout *new_clone(struct layout **ret, size_t *n)
{
	*ret = xrealloc(*ret, (*n + 1) * sizeof(**ret));
	struct layout *l = &(*ret)[(*n)++];
	struct utsname u;

	*l = (struct layout)LAYOUT_INIT;
	xreplace(&l->os_level, "linux - -");
	xreplace(&l->arch, uname(&u) == 0 ? u.machine : "unknown");
	layout_fill_strings(l);
	return l;
}

static void take_group(struct layout *l, const struct reports *r, const struct disks *d,
		       const json_t *vg)
{
	_cleanup_free_ char *method = tag_value(json_field(vg, "vg_tags"), TAG_BOOT);

	xreplace(&l->vg_name, json_field(vg, "vg_name"));
	xreplace(&l->boot_method, method);
	l->vg_extent = json_number(vg, "vg_extent_size");
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].ours && streq(d->v[i].vg, l->vg_name))
			take_disk(l, r, &d->v[i]);
	take_volumes(l, r);
}

/* Where the shortest of the paths lies that a device is mounted at; "" for none. */
static const char *mounted_at(const json_t *block)
{
	const char *best = "";
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(block, "mountpoints"), i, item)
	{
		const char *path = json_string_value(item);
		if (path && (*best == '\0' || strlen(path) < strlen(best)))
			best = path;
	}
	return best;
}

/* Subvolumes can be known of a clone that is awake. */
static void take_subvolumes(struct layout *l, const struct reports *r,
			    const struct storage *s)
{
	const struct layout_fs *root = layout_find_fs(l, "/");
	const char *at = root ? mounted_at(find_block(r->blocks, root->device)) : "";
	struct err ignored = { 0 };

	if (*at == '/' && subvolumes_read(s->root, at, l, &ignored) < 0)
		events_warning(s->events, "%s", ignored.msg);
}

static void finish(struct layout *l, const struct reports *r, const struct storage *s)
{
	take_subvolumes(l, r, s);
	if (*l->boot_disk == '\0' && l->n_disks > 0)
		xreplace(&l->boot_disk, l->disks[0].name);
}

int storage_find_clones(const struct storage *s, const struct disks *d,
			struct layout **ret, size_t *n, struct err *err)
{
	_cleanup_(reports_done) struct reports r = { .blocks = d->blocks };
	const json_t *vg;
	size_t i;

	*ret = NULL;
	*n = 0;
	reports_read(&r, s);
	json_array_foreach(r.vgs, i, vg)
	{
		if (!has_word(json_field(vg, "vg_tags"), ",", TAG_ALTINST))
			continue;
		struct layout l = LAYOUT_INIT;
		struct layout *clone = new_clone(ret, n);
		take_group(clone, &r, d, vg);
		finish(clone, &r, s);
		/* That of the running root, after a boot from it. */
		if (clone->n_disks == 0) {
			layout_done(clone);
			*clone = l;
			(*n)--;
		}
	}
	/* Partitions of ours without a group: a root without LVM, or what a run that was stopped has left. */
	for (i = 0; i < d->n; i++) {
		if (!d->v[i].ours || *d->v[i].vg != '\0')
			continue;
		struct layout *clone = new_clone(ret, n);
		take_disk(clone, &r, &d->v[i]);
		finish(clone, &r, s);
	}
	return 0;
}

/* The device with this file system, and the disk it lies on. NULL: there is none. */
static const json_t *find_uuid(const json_t *list, const char *uuid, const char *disk,
			       const char **ret_disk)
{
	const json_t *dev, *found;
	size_t i;

	json_array_foreach(list, i, dev)
	{
		const char *top = disk ? disk : json_field(dev, "path");

		if (streq(json_field(dev, "uuid"), uuid)) {
			*ret_disk = top;
			return dev;
		}
		found = find_uuid(json_object_get(dev, "children"), uuid, top, ret_disk);
		if (found)
			return found;
	}
	return NULL;
}

/* The third line of STORAGE_OLD: the file system that holds its /boot, and where that is mounted: "UUID /boot". */
static void take_old_boot(struct layout *l, const struct storage *s,
			  const struct disks *d)
{
	const struct reports r = { .blocks = d->blocks };
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_strv_ struct strv words = STRV_INIT;
	const char *disk = NULL;
	char *line = NULL;

	if (root_read_opt(s->root, STORAGE_OLD, 4096, &text, NULL) == 0 && text.p) {
		char *cursor = text.p;
		for (int i = 0; i < 3; i++)
			line = next_line(&cursor);
	}
	strv_split(&words, line ? line : "", " ");
	if (words.n != 2)
		return;
	const json_t *block = find_uuid(d->blocks, words.v[0], NULL, &disk);
	if (!block)
		return;
	take_fs(l, &r, words.v[1], json_field(block, "path"), "", 0);
	xreplace(&l->boot_disk, disk);
}

int storage_find_old(const struct storage *s, const struct disks *d, struct layout *ret)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->v[i].role != DISK_OLD)
			continue;
		struct layout_disk *to = layout_new_disk(ret);
		xreplace(&to->name, d->v[i].path);
		xreplace(&to->serial, d->v[i].serial);
		xreplace(&to->label, d->v[i].table);
		to->size = d->v[i].size;
	}
	if (ret->n_disks == 0)
		return 1;
	xreplace(&ret->vg_name, disk_role_name(DISK_OLD));
	layout_fill_strings(ret);
	take_old_boot(ret, s, d);
	if (*ret->boot_disk == '\0')
		xreplace(&ret->boot_disk, ret->disks[0].name);
	return 0;
}
