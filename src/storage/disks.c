/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The disks: names, contents, roles; and which of them may be a target. */
#include "storage/tools.h"

const char *disk_role_name(enum disk_role r)
{
	static const char *const names[] = {
		[DISK_NONE] = "None",
		[DISK_ROOTVG] = "rootvg",
		[DISK_ALTINST] = "altinst_rootvg",
		[DISK_OLD] = "old_rootvg",
		[DISK_OTHER] = "other",
	};

	return names[r];
}

static void disk_done(struct disk *d)
{
	free(d->path);
	free(d->by_id);
	free(d->serial);
	free(d->model);
	free(d->table);
	free(d->vg);
	strv_done(&d->holds);
}

void disks_done(struct disks *d)
{
	for (size_t i = 0; i < d->n; i++)
		disk_done(&d->v[i]);
	free(d->v);
	json_decref(d->blocks);
	*d = (struct disks)DISKS_INIT;
}

/* The reports that all disks are looked up in. */
struct reports {
	const struct layout *running;
	json_t *pvs;
	char *old_vg, *old_uuid; /* STORAGE_OLD; "" where there is none */
};

static void reports_done(struct reports *r)
{
	json_decref(r->pvs);
	free(r->old_vg);
	free(r->old_uuid);
}

/* The running system may be the one that another was cloned from, and have that file from its own maker: then the names
 * are its own. */
static void read_old(struct reports *r, const struct storage *s)
{
	_cleanup_str_ struct str text = STR_INIT;
	const struct layout_fs *fs = layout_find_fs(r->running, "/");
	char *vg = NULL, *uuid = NULL, *cursor;

	if (root_read_opt(s->root, STORAGE_OLD, 4096, &text, NULL) == 0 && text.p) {
		cursor = text.p;
		vg = next_line(&cursor);
		uuid = next_line(&cursor);
	}
	bool own = uuid && fs && streq(fs->uuid, uuid);
	r->old_vg = xstrdup(vg && !own && !streq(vg, "-") ? vg : "");
	r->old_uuid = xstrdup(uuid && !own ? uuid : "");
}

static const json_t *pv_of(const struct reports *r, const char *device)
{
	const json_t *row;
	size_t i;

	json_array_foreach(r->pvs, i, row)
	{
		if (streq(json_field(row, "pv_name"), device))
			return row;
	}
	return NULL;
}

static bool is_mounted(const json_t *dev, struct str *where)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(dev, "mountpoints"), i, item)
	{
		if (json_is_string(item)) {
			str_addf(where, " on %s", json_string_value(item));
			return true;
		}
	}
	return false;
}

static void take_pv(struct disk *d, const struct reports *r, const json_t *pv)
{
	const char *tags = json_field(pv, "vg_tags");

	xreplace(&d->vg, json_field(pv, "vg_name"));
	if (*d->vg == '\0' || streq(d->vg, r->running->vg_name))
		return;
	if (streq(d->vg, r->old_vg))
		d->role = DISK_OLD;
	if (!has_word(tags, ",", TAG))
		return;
	d->ours = true;
	if (has_word(tags, ",", TAG_ALTINST))
		d->role = DISK_ALTINST;
}

/* One line for people about each thing that lies on the disk. */
static void take_device(struct disk *d, const struct reports *r, const json_t *dev)
{
	const char *path = json_field(dev, "path"), *fs = json_field(dev, "fstype");
	const char *label = json_field(dev, "label");
	const char *name = json_field(dev, "partlabel");
	_cleanup_str_ struct str where = STR_INIT;
	const json_t *pv = pv_of(r, path), *child;
	size_t i;

	if (is_mounted(dev, &where))
		d->busy = d->awake = true;
	if (starts_with(name, PART_PREFIX) && d->role != DISK_ROOTVG) {
		d->ours = true;
		d->role = DISK_ALTINST;
	}
	if (*r->old_uuid && d->role == DISK_NONE &&
	    streq(json_field(dev, "uuid"), r->old_uuid))
		d->role = DISK_OLD;
	if (pv) {
		take_pv(d, r, pv);
		strv_addf(&d->holds, "LVM physical volume %s%s%s", path,
			  *d->vg ? " of the volume group " : "", d->vg);
	} else if (*fs) {
		strv_addf(&d->holds, "%s on %s%s%s%s%s", fs, path,
			  *label ? " (label " : "", label, *label ? ")" : "",
			  str_c(&where));
	}
	json_array_foreach(json_object_get(dev, "children"), i, child)
	{
		const char *type = json_field(child, "type");

		if (streq(type, "part")) {
			strv_addf(&d->holds, "partition %s", json_field(child, "path"));
			take_device(d, r, child);
			continue;
		}
		d->awake |= streq(type, "lvm");
		/* Volumes of a clone that is awake are ours to take. */
		if (!d->ours) {
			d->busy = true;
			strv_addf(&d->holds, "%s %s in use", type,
				  json_field(child, "path"));
		}
		if (is_mounted(child, &where))
			d->busy = true;
	}
}

static void take_disk(struct disks *ds, const struct reports *r, const json_t *dev)
{
	ds->v = xrealloc(ds->v, (ds->n + 1) * sizeof(*ds->v));
	struct disk *d = &ds->v[ds->n++];

	*d = (struct disk){
		.path = xstrdup(json_field(dev, "path")),
		.by_id = xstrdup(""),
		.serial = xstrdup(json_field(dev, "serial")),
		.model = xstrdup(json_field(dev, "model")),
		.size = json_number(dev, "size"),
		.sector = (uint32_t)json_number(dev, "log-sec"),
		.table = xstrdup(json_field(dev, "pttype")),
		.vg = xstrdup(""),
	};
	if (layout_has_disk(r->running, d->path)) {
		d->role = DISK_ROOTVG;
		d->busy = d->awake = true;
	}
	if (d->role != DISK_ROOTVG && starts_with(json_field(dev, "ptuuid"), TABLE_ID)) {
		d->ours = true;
		d->role = DISK_ALTINST;
	}
	if (*d->table)
		strv_addf(&d->holds, "%s partition table", d->table);
	take_device(d, r, dev);
	if (d->role == DISK_NONE && d->holds.n > 0)
		d->role = DISK_OTHER;
	if (json_is_true(json_object_get(dev, "ro")))
		strv_add(&d->holds, "read-only");
}

/* Signatures that the kernel makes nothing of: a former RAID member, a foreign boot sector. */
static void add_signatures(struct disk *d, const struct storage *s)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_json_ json_t *top = NULL;
	const json_t *row;
	size_t i;

	if (d->holds.n > 0)
		return;
	strv_add_all(&argv, "wipefs", "--json", "-n", d->path, NULL);
	top = tools_json(s, &argv);
	json_array_foreach(json_object_get(top, "signatures"), i, row)
		strv_addf(&d->holds, "%s signature", json_field(row, "type"));
	if (d->holds.n > 0)
		d->role = DISK_OTHER;
}

/* The most telling of the names below /dev/disk/by-id: the longest. */
static void add_by_id(struct disks *ds, const struct storage *s)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (root_list(s->root, "/dev/disk/by-id", &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = xasprintf("/dev/disk/by-id/%s", names.v[i]);
		_cleanup_free_ char *to = root_readlink(s->root, path);
		const char *base = to ? strrchr(to, '/') : NULL;

		for (size_t k = 0; base && k < ds->n; k++)
			if (streq(base, strrchr(ds->v[k].path, '/')) &&
			    strlen(path) > strlen(ds->v[k].by_id))
				xreplace(&ds->v[k].by_id, path);
	}
}

int disks_read(struct disks *d, const struct storage *s, const struct layout *running,
	       struct err *err)
{
	_cleanup_(reports_done) struct reports r = { .running = running };
	const json_t *dev;
	size_t i;

	d->blocks = tools_blocks(s, err);
	if (!d->blocks) {
		err_prefix(err, "the disks cannot be looked at");
		return err_remedy(err, "altdisk check says what is missing");
	}
	r.pvs = tools_lvm_rows(s, "pvs", "pv_name,vg_name,vg_tags");
	read_old(&r, s);
	json_array_foreach(d->blocks, i, dev)
	{
		if (streq(json_field(dev, "type"), "disk") &&
		    json_number(dev, "size") > 0)
			take_disk(d, &r, dev);
	}
	for (i = 0; i < d->n; i++)
		add_signatures(&d->v[i], s);
	add_by_id(d, s);
	return 0;
}

static bool has_name(const struct disk *d, const char *name)
{
	return streq(d->path, name) || streq(strrchr(d->path, '/') + 1, name) ||
	       (*d->serial && streq(d->serial, name)) ||
	       (*d->by_id && streq(d->by_id, name));
}

const struct disk *disks_find(const struct disks *d, const char *name)
{
	_cleanup_free_ char *real = NULL;

	for (size_t i = 0; i < d->n; i++)
		if (has_name(&d->v[i], name))
			return &d->v[i];
	/* Other links to it. */
	if (*name != '/' || !(real = realpath(name, NULL)))
		return NULL;
	for (size_t i = 0; i < d->n; i++)
		if (streq(d->v[i].path, real))
			return &d->v[i];
	return NULL;
}

static int refuse(const struct disk *d, struct err *err)
{
	_cleanup_free_ char *holds = strv_join(&d->holds, ", ");

	err_set(err, ERR_UNFIT, "%s is not empty: %s", d->path, holds);
	if (d->ours)
		return err_remedy(err,
				  "-F takes it: what it holds is of an earlier clone");
	if (*d->serial)
		return err_remedy(err,
				  "--wipe-disk=%s takes it; all that it holds is lost",
				  d->serial);
	return err_remedy(err, "empty it with wipefs -a, if nothing on it is needed");
}

static int check_target(const struct disk *d, const struct target_policy *policy,
			struct err *err)
{
	if (d->role == DISK_ROOTVG) {
		err_set(err, ERR_UNFIT, "%s belongs to the running system", d->path);
		return err_remedy(err, "choose another disk; lspv lists them");
	}
	if (d->ours && policy->force)
		return 0;
	if (d->busy) {
		_cleanup_free_ char *holds = strv_join(&d->holds, ", ");
		err_set(err, ERR_UNFIT, "%s is in use: %s", d->path, holds);
		return err_remedy(err, "choose another disk; lspv lists them");
	}
	if (d->holds.n == 0 || (*d->serial && policy->wipe_serials &&
				strv_has(policy->wipe_serials, d->serial)))
		return 0;
	return refuse(d, err);
}

int targets_check(const struct disks *d, const struct strv *targets,
		  const struct target_policy *policy, struct err *err)
{
	for (size_t i = 0; i < targets->n; i++) {
		const struct disk *disk = disks_find(d, targets->v[i]);

		if (!disk)
			return err_set(err, ERR_NOTFOUND, "%s: there is no such disk",
				       targets->v[i]);
		if (check_target(disk, policy, err) < 0)
			return -1;
	}
	return 0;
}
