/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layout of a running host: what lsblk, vgs, lvs and findmnt say about its disks. */
#include "inventory/layout-parts.h"
#include "inventory/layout-read.h"
#include "model/blocks.h"

/* What a tool does not tell the files must do for. */
static int tolerate(int rc, struct err *err)
{
	if (rc > 0)
		err_clear(err);
	return MIN(rc, 0);
}

/* Whether something of the layout is mounted from this device or what lies on it. */
static bool is_used(const struct layout *l, const json_t *dev)
{
	const json_t *list = json_object_get(dev, "mountpoints"), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *mount = json_string_value(item);
		if (mount && (streq(mount, "[SWAP]") || layout_find_fs(l, mount)))
			return true;
	}
	json_array_foreach(json_object_get(dev, "children"), i,
			   item) if (is_used(l, item)) return true;
	return false;
}

/* Of several subvolumes of btrfs, the one with the shortest path. */
static const char *first_mount(const struct layout *l, const json_t *dev)
{
	const json_t *list = json_object_get(dev, "mountpoints"), *item;
	const char *best = "";
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *mount = json_string_value(item);
		if (mount && layout_find_fs(l, mount) &&
		    (*best == '\0' || strlen(mount) < strlen(best)))
			best = mount;
	}
	return best;
}

/* Without udev, lsblk does not know the type; but what is in use it does. */
static bool is_swap(const json_t *part)
{
	const json_t *first = json_array_get(json_object_get(part, "mountpoints"), 0);
	const char *mount = json_string_value(first);

	return streq(json_field(part, "fstype"), "swap") || streq0(mount, "[SWAP]");
}

/* Partitions stand as volumes without a group. */
static void add_partition(struct layout *l, const json_t *disk, const json_t *part)
{
	const char *path = json_field(part, "path");
	_cleanup_free_ char *mount = xstrdup(first_mount(l, part));

	layout_add_lv(l, mount, "", path);
	struct layout_lv *lv = &l->lvs[l->n_lvs - 1];
	if (!streq(lv->name, path))
		return;
	lv->size = json_number(part, "size");
	xreplace(&lv->type, is_swap(part) ? "swap" : "partition");
	xreplace(&lv->disks, json_field(disk, "path"));
}

/* Volumes in use, whatever fstab calls them: most systems name UUIDs there. */
static void add_volumes(struct layout *l, const json_t *dev)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(dev, "children"), i, item)
	{
		_cleanup_free_ char *mount = xstrdup(first_mount(l, item));

		if (streq(json_field(item, "type"), "lvm") && is_used(l, item))
			layout_add_mapped(l, mount, json_field(item, "path"));
		add_volumes(l, item);
	}
}

static void add_disk(struct layout *l, const json_t *dev)
{
	const json_t *part;
	size_t i;

	if (layout_has_disk(l, json_field(dev, "path")))
		return;
	struct layout_disk *d = layout_new_disk(l);
	xreplace(&d->name, json_field(dev, "path"));
	xreplace(&d->serial, json_field(dev, "serial"));
	xreplace(&d->label, json_field(dev, "pttype"));
	d->size = json_number(dev, "size");
	json_array_foreach(json_object_get(dev, "children"), i,
			   part) if (streq(json_field(part, "type"), "part"))
		add_partition(l, dev, part);
	add_volumes(l, dev);
}

static int read_disks(struct layout *l, struct runner *run, struct err *err)
{
	_cleanup_json_ json_t *list = NULL;
	const json_t *dev;
	size_t i;
	int rc = blocks_read(run, "NAME,PATH,TYPE,SIZE,FSTYPE,UUID,LABEL,PTTYPE,SERIAL",
			     &list, err);

	if (tolerate(rc, err) < 0)
		return -1;
	json_array_foreach(list, i, dev) if (streq(json_field(dev, "type"), "disk") &&
					     is_used(l, dev)) add_disk(l, dev);
	layout_find_vg(l);
	if (l->n_disks > 0 && !streq(l->boot_method, "none"))
		xreplace(&l->boot_disk, l->disks[0].name);
	return 0;
}

/* The rows of LVM's JSON reports: {"report":[{"lv":[...]}]} */
static const json_t *report_rows(const json_t *top, const char *kind)
{
	return json_object_get(json_array_get(json_object_get(top, "report"), 0), kind);
}

/* What a row's segment lies on: physical volumes, or hidden volumes, as "root_rimage_0", each once. */
static void add_devices(struct strv *names, const json_t *row)
{
	_cleanup_strv_ struct strv devices = STRV_INIT;

	strv_split(&devices, json_field(row, "devices"), ",");
	for (size_t d = 0; d < devices.n; d++) {
		/* "/dev/sda2(0)": with the first extent. */
		devices.v[d][strcspn(devices.v[d], "(")] = '\0';
		if (!strv_has(names, devices.v[d]))
			strv_add(names, devices.v[d]);
	}
}

/* A hidden volume's name stands in brackets. */
static bool is_row_of(const json_t *row, const char *vg, const char *name)
{
	const char *own = json_field(row, "lv_name");
	size_t n = strlen(name);

	return streq(json_field(row, "vg_name"), vg) &&
	       (streq(own, name) || (own[0] == '[' && strncmp(own + 1, name, n) == 0 &&
				     streq(own + 1 + n, "]")));
}

static void read_volume(struct layout_lv *lv, const json_t *rows)
{
	_cleanup_strv_ struct strv below = STRV_INIT, disks = STRV_INIT;
	const json_t *row;
	size_t i;
	bool found = false;

	json_array_foreach(rows, i, row)
	{
		if (!is_row_of(row, lv->vg, lv->name))
			continue;
		found = true;
		add_devices(&below, row);
		xreplace(&lv->type, json_field(row, "segtype"));
		lv->size = json_number(row, "lv_size");
	}
	if (!found)
		return;
	bool mirrored = streq(lv->type, "raid1") || streq(lv->type, "mirror");
	lv->copies = mirrored ? below.n : 1;
	for (size_t b = 0; b < below.n; b++)
		json_array_foreach(rows, i, row) if (is_row_of(row, lv->vg, below.v[b]))
			add_devices(&disks, row);
	_cleanup_free_ char *joined = strv_join(disks.n ? &disks : &below, " ");
	xreplace(&lv->disks, joined);
}

static int read_lvm(struct layout *l, struct runner *run, struct err *err)
{
	static const char *const lvs[] = { "lvs",
					   "--reportformat",
					   "json",
					   "--units",
					   "b",
					   "--nosuffix",
					   "-a",
					   "-o",
					   "vg_name,lv_name,lv_size,segtype,devices",
					   NULL };
	static const char *const vgs[] = {
		"vgs", "--reportformat",	 "json", "--units", "b", "--nosuffix",
		"-o",  "vg_name,vg_extent_size", NULL
	};
	_cleanup_json_ json_t *volumes = NULL, *groups = NULL;
	const json_t *row;
	size_t i;

	if (*l->vg_name == '\0')
		return 0;
	if (tolerate(json_run(run, lvs, &volumes, err), err) < 0 ||
	    tolerate(json_run(run, vgs, &groups, err), err) < 0)
		return -1;
	for (i = 0; i < l->n_lvs; i++)
		if (*l->lvs[i].vg)
			read_volume(&l->lvs[i], report_rows(volumes, "lv"));
	json_array_foreach(report_rows(groups, "vg"), i,
			   row) if (streq(json_field(row, "vg_name"), l->vg_name))
		l->vg_extent = json_number(row, "vg_extent_size");
	return 0;
}

/* The subvolume that is mounted, whatever fstab calls it: by its number, or as the default. */
static void set_subvol(struct layout_fs *fs, const char *path)
{
	_cleanup_strv_ struct strv words = STRV_INIT, kept = STRV_INIT;

	strv_split(&words, fs->options, ",");
	for (size_t i = 0; i < words.n; i++)
		if (!starts_with(words.v[i], "subvol=") &&
		    !starts_with(words.v[i], "subvolid="))
			strv_add(&kept, words.v[i]);
	strv_addf(&kept, "subvol=%s", path);
	_cleanup_free_ char *options = strv_join(&kept, ",");
	xreplace(&fs->options, options);
}

static void read_mount(struct layout *l, const json_t *row)
{
	for (size_t i = 0; i < l->n_fs; i++) {
		struct layout_fs *fs = &l->fs[i];

		if (!streq(fs->mount_point, json_field(row, "target")))
			continue;
		fs->size = json_number(row, "size");
		fs->used = json_number(row, "used");
		xreplace(&fs->uuid, json_field(row, "uuid"));
		xreplace(&fs->label, json_field(row, "label"));
		if (*json_field(row, "fstype"))
			xreplace(&fs->type, json_field(row, "fstype"));
		if (streq(fs->type, "btrfs") && *json_field(row, "fsroot") == '/')
			set_subvol(fs, json_field(row, "fsroot"));
		if (*fs->device == '\0')
			xreplace(&fs->device, json_field(row, "source"));
	}
}

static int read_mounts(struct layout *l, struct runner *run, struct err *err)
{
	static const char *const argv[] = {
		"findmnt", "--json", "--list",
		"-b",	   "-o",     "TARGET,SOURCE,FSTYPE,SIZE,USED,UUID,LABEL,FSROOT",
		NULL
	};
	_cleanup_json_ json_t *top = NULL;
	const json_t *row;
	size_t i;
	int rc = tolerate(json_run(run, argv, &top, err), err);

	json_array_foreach(json_object_get(top, "filesystems"), i, row)
		read_mount(l, row);
	return rc;
}

int layout_read_host(struct layout *l, const struct root *root, struct runner *run,
		     struct err *err)
{
	_cleanup_layout_ struct layout read = LAYOUT_INIT;

	if (layout_read_files(&read, root, err) < 0 || read_mounts(&read, run, err) < 0 ||
	    read_disks(&read, run, err) < 0 || read_lvm(&read, run, err) < 0)
		return -1;
	layout_done(l);
	*l = read;
	read = (struct layout)LAYOUT_INIT;
	return 0;
}
