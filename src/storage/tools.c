/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the storage layer share. */
#include "storage/tools.h"

#include <ctype.h>
#include <stdarg.h>

#include "base/parse.h"
#include "model/blocks.h"

int tools_run(const struct storage *s, const struct strv *argv, const char *input,
	      struct err *err)
{
	struct proc_spec spec = { .argv = strv_argv(argv),
				  .input = input,
				  .input_len = input ? strlen(input) : 0 };

	return runner_check(s->run, &spec, err);
}

int tools_call(const struct storage *s, struct err *err, ...)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	const char *arg;
	va_list ap;

	va_start(ap, err);
	while ((arg = va_arg(ap, const char *)) != NULL)
		strv_add(&argv, arg);
	va_end(ap);
	return tools_run(s, &argv, NULL, err);
}

int tools_read(const struct storage *s, const struct strv *argv, struct str *out,
	       struct err *err)
{
	struct proc_spec spec = { .argv = strv_argv(argv), .out = out };

	return runner_check(s->run, &spec, err);
}

json_t *tools_json(const struct storage *s, const struct strv *argv)
{
	struct err ignored = { 0 };
	json_t *top = NULL;

	return json_run(s->run, strv_argv(argv), &top, &ignored) == 0 ? top : NULL;
}

json_t *tools_lvm_rows(const struct storage *s, const char *command, const char *columns)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_json_ json_t *top = NULL;
	char kind[3] = { command[0], command[1], '\0' };

	strv_add_all(&argv, command, "--reportformat", "json", "--units", "b",
		     "--nosuffix", "-o", columns, NULL);
	top = tools_json(s, &argv);
	json_t *rows = json_object_get(json_array_get(json_object_get(top, "report"), 0),
				       kind);
	return json_incref(rows);
}

static void probe(const struct storage *s, json_t *dev)
{
	static const struct {
		const char *theirs, *ours;
	} names[] = {
		{ "PTTYPE=", "pttype" }, { "PTUUID=", "ptuuid" },
		{ "TYPE=", "fstype" },	 { "LABEL=", "label" },
		{ "UUID=", "uuid" },	 { "PART_ENTRY_NAME=", "partlabel" },
	};
	_cleanup_str_ struct str out = STR_INIT;
	const char *const argv[] = {
		"blkid", "-p", "-o", "export", json_field(dev, "path"), NULL
	};
	struct proc_spec spec = { .argv = argv, .out = &out, .timeout_s = 60 };
	struct proc_result res;
	struct err ignored = { 0 };
	char *cursor, *line;

	if (runner_run(s->run, &spec, &res, &ignored) != 0)
		return;
	for (cursor = out.p; cursor && (line = next_line(&cursor)) != NULL;)
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			size_t n = strlen(names[i].theirs);
			if (starts_with(line, names[i].theirs))
				json_object_set_new(dev, names[i].ours,
						    json_text(line + n));
		}
}

/* A disk with a partition table has no file system; that udev tells a partition's table is that it was its disk's. */
static bool is_unknown(const json_t *dev)
{
	const char *type = json_field(dev, "type");
	bool table = *json_field(dev, "pttype") != '\0';

	if (*json_field(dev, "fstype") || json_number(dev, "size") <= 0)
		return false;
	return streq(type, "part") ||
	       (!table && (streq(type, "disk") || streq(type, "lvm")));
}

static void probe_unknown(const struct storage *s, json_t *list)
{
	json_t *dev;
	size_t i;

	json_array_foreach(list, i, dev)
	{
		if (is_unknown(dev))
			probe(s, dev);
		probe_unknown(s, json_object_get(dev, "children"));
	}
}

/*
 * udev reads a disk's partitions anew after every program that had it open for writing: until it has, they are missing. Where
 * there is no udev there is nothing to wait for.
 */
static void wait_for_udev(const struct storage *s)
{
	static const char *const argv[] = { "udevadm", "settle", "--timeout=30", NULL };
	struct proc_spec spec = { .argv = argv, .timeout_s = 60 };
	struct proc_result res;
	struct err ignored = { 0 };

	if (runner_run(s->run, &spec, &res, &ignored) == 1)
		events_warning(s->events,
			       "udev is still busy after 30 s: what it does not "
			       "know of disks yet is not seen");
}

json_t *tools_blocks(const struct storage *s, struct err *err)
{
	wait_for_udev(s);
	json_t *blocks = NULL;
	int rc = blocks_read(s->run,
			     "NAME,PATH,TYPE,SIZE,LOG-SEC,PTTYPE,PTUUID,FSTYPE,"
			     "LABEL,UUID,PARTLABEL,SERIAL,MODEL,RO",
			     &blocks, err);

	if (rc != 0)
		return NULL;
	probe_unknown(s, blocks);
	return blocks;
}

char *tools_partition(const char *disk, unsigned number)
{
	size_t n = strlen(disk);
	bool digit = n > 0 && isdigit((unsigned char)disk[n - 1]);

	return xasprintf("%s%s%u", disk, digit ? "p" : "", number);
}

static bool is_swap_volume(const struct layout *l, const struct layout_lv *lv)
{
	if (*lv->mount_point != '\0')
		return false;
	return streq(lv->type, "swap") || (*lv->vg != '\0' && streq(lv->vg, l->vg_name));
}

static bool is_device_of(const struct layout_lv *lv, const char *device)
{
	_cleanup_free_ char *mapper = layout_mapper(lv->vg, lv->name);
	_cleanup_free_ char *plain = xasprintf("/dev/%s/%s", lv->vg, lv->name);

	if (*lv->vg == '\0')
		return streq(lv->name, device);
	return streq(mapper, device) || streq(plain, device);
}

static const struct layout_lv *swap_volume(const struct layout *l, size_t fs)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_lvs; i++)
		if (is_device_of(&l->lvs[i], l->fs[fs].device))
			return &l->lvs[i];
	if (!starts_with(l->fs[fs].device, "UUID=") &&
	    !starts_with(l->fs[fs].device, "LABEL=") &&
	    !starts_with(l->fs[fs].device, "PART"))
		return NULL;
	for (size_t i = 0; i < fs; i++)
		n += streq(l->fs[i].type, "swap");
	for (size_t i = 0; i < l->n_lvs; i++)
		if (is_swap_volume(l, &l->lvs[i]) && n-- == 0)
			return &l->lvs[i];
	return NULL;
}

/* The file system itself, of which this may be one subvolume of several: the first whose mount point has the volume. */
static size_t first_subvolume(const struct layout *l, size_t fs)
{
	const struct layout_fs *f = &l->fs[fs];

	for (size_t i = 0; i < l->n_fs; i++) {
		const struct layout_fs *other = &l->fs[i];
		bool same = (*f->uuid && streq(other->uuid, f->uuid)) ||
			    (*f->device && streq(other->device, f->device));

		if (i == fs || !same || !streq(other->type, "btrfs"))
			continue;
		for (size_t k = 0; k < l->n_lvs; k++)
			if (streq(l->lvs[k].mount_point, other->mount_point))
				return i;
	}
	return fs;
}

const struct layout_lv *layout_volume_of(const struct layout *l, size_t fs)
{
	if (streq(l->fs[fs].type, "swap"))
		return swap_volume(l, fs);
	for (size_t i = 0; i < l->n_lvs; i++)
		if (streq(l->lvs[i].mount_point, l->fs[fs].mount_point))
			return &l->lvs[i];
	if (!streq(l->fs[fs].type, "btrfs"))
		return NULL;
	size_t first = first_subvolume(l, fs);
	return first == fs ? NULL : layout_volume_of(l, first);
}

bool layout_is_shared(const struct layout *l, size_t fs)
{
	const struct layout_lv *lv = layout_volume_of(l, fs);

	return lv && streq(l->fs[fs].type, "btrfs") &&
	       !streq(lv->mount_point, l->fs[fs].mount_point);
}
