/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clone's layout from the running one. On the first target: what the firmware needs, the file systems that lie on
 * plain partitions, and, where the root is on LVM, a physical volume over the rest; on each further target one physical volume.
 */
#include "storage/tools.h"

#define ALIGN	    MIB
#define BIOS_SIZE   MIB
#define ESP_SIZE    (512 * MIB)
#define TABLE_SIZE  (2 * MIB) /* both ends of a disk */
#define EXTENT	    (4 * MIB)
#define PV_OVERHEAD EXTENT
#define SHRINK_MIN  (64 * MIB)
#define BTRFS_MIN   (256 * MIB)

struct plan {
	struct layout *l;
	const struct layout *running;
	const struct disks *disks;
	const struct strv *targets;
	const struct target_options *o;
	bool lvm;
	unsigned part;	/* number of the last partition on the first target */
	uint64_t fixed; /* bytes of its partitions but the last one */
};

static uint64_t round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static int check_supported(const struct layout *r, struct err *err)
{
	static const struct {
		const char *text, *name;
	} refused[] = {
		{ "crypto_LUKS", "LUKS" },
		{ "zfs_member", "ZFS" },
		{ "zfs", "ZFS" },
		{ "bcachefs", "bcachefs" },
	};

	for (size_t i = 0; i < r->n_fs; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(refused); k++)
			if (streq(r->fs[i].type, refused[k].text))
				return err_set(err, ERR_UNFIT,
					       "%s: %s is not supported yet",
					       r->fs[i].mount_point, refused[k].name);
		if (starts_with(r->fs[i].device, "/dev/md"))
			return err_set(err, ERR_UNFIT,
				       "%s: software RAID (%s) is not supported yet",
				       r->fs[i].mount_point, r->fs[i].device);
		if (starts_with(r->fs[i].device, "/dev/mapper/") &&
		    !layout_volume_of(r, i))
			return err_set(
				err, ERR_UNFIT,
				"%s: %s is no volume of LVM: LUKS and multipath are "
				"not supported yet",
				r->fs[i].mount_point, r->fs[i].device);
	}
	if (!layout_find_fs(r, "/"))
		return err_set(err, ERR_UNFIT, "fstab has no line for /");
	return 0;
}

/* What the file system is to be: as image.data says, shrunk to its data, or as it is. */
static uint64_t wanted_size(const struct plan *p, const struct layout_fs *fs,
			    const struct layout_lv *lv)
{
	const struct layout *given = p->o->image_data;
	const struct layout_fs *g = given && !streq(fs->type, "swap")
					    ? layout_find_fs(given, fs->mount_point)
					    : NULL;
	uint64_t size = lv->size ? lv->size : fs->size;

	if (g && g->size > 0)
		size = g->size;
	if (given && given->shrink && fs->used > 0) {
		uint64_t least = fs->used + fs->used / 5 +
				 (streq(fs->type, "btrfs") ? BTRFS_MIN : SHRINK_MIN);
		size = least < size ? least : size;
	}
	return round_up(size, EXTENT);
}

/* A tenth for what a new file system keeps for itself; btrfs keeps its metadata twice. */
static int check_room(const struct plan *p, const struct layout_fs *fs, uint64_t size,
		      struct err *err)
{
	char a[32], b[32], c[32];
	uint64_t need = fs->used + fs->used / (streq(fs->type, "btrfs") ? 5 : 10);

	if (p->o->any_room || fs->used == 0 || need <= size)
		return 0;
	err_set(err, ERR_UNFIT,
		"%s: holds %s, which needs %s more than the %s of its copy",
		fs->mount_point, fmt_bytes(a, sizeof(a), fs->used),
		fmt_bytes(b, sizeof(b), need - size), fmt_bytes(c, sizeof(c), size));
	return err_remedy(err, "give it a larger FS_SIZE in image.data (-i); or leave "
			       "files out with -e, and this check with -S");
}

static struct layout_lv *add_partition(struct plan *p, const char *type,
				       const char *mount_point, uint64_t size)
{
	struct layout_lv *lv = layout_new_lv(p->l);

	free(lv->name);
	lv->name = tools_partition(p->targets->v[0], ++p->part);
	xreplace(&lv->type, type);
	xreplace(&lv->disks, p->targets->v[0]);
	xreplace(&lv->mount_point, mount_point);
	lv->size = round_up(size, ALIGN);
	p->fixed += lv->size;
	return lv;
}

static void copy_fs(struct plan *p, const struct layout_fs *from, const char *device,
		    uint64_t size)
{
	struct layout_fs *fs = layout_new_fs(p->l);

	xreplace(&fs->mount_point, from->mount_point);
	xreplace(&fs->device, device);
	xreplace(&fs->type, from->type);
	xreplace(&fs->options, from->options);
	fs->size = size;
	fs->used = from->used;
}

static bool is_lvm(const struct layout_lv *lv)
{
	return *lv->vg != '\0';
}

/* File systems on partitions; swap too. Of a root without LVM, "/" comes last and takes the rest. */
static int plan_partitions(struct plan *p, struct err *err)
{
	const struct layout *r = p->running;

	for (size_t i = 0; i < r->n_fs; i++) {
		const struct layout_lv *lv = layout_volume_of(r, i);
		bool swap = streq(r->fs[i].type, "swap");

		if (!lv || is_lvm(lv) || layout_is_shared(r, i) ||
		    streq(r->fs[i].mount_point, "/"))
			continue;
		bool esp = streq(r->fs[i].mount_point, "/boot/efi");
		uint64_t size = wanted_size(p, &r->fs[i], lv);
		if (check_room(p, &r->fs[i], size, err) < 0)
			return -1;
		const struct layout_lv *part =
			add_partition(p,
				      esp    ? "esp"
				      : swap ? "swap"
					     : "partition",
				      swap ? "swap" : r->fs[i].mount_point, size);
		copy_fs(p, &r->fs[i], part->name, part->size);
	}
	return 0;
}

static const char *volume_name(const struct plan *p, const struct layout_lv *lv)
{
	return lv->name;
}

/* As image.data says, or as it is. */
static uint64_t wanted_copies(const struct plan *p, const struct layout_lv *from)
{
	const struct layout *given = p->o->image_data;
	uint64_t copies = from->copies;

	for (size_t i = 0; given && i < given->n_lvs; i++)
		if (is_lvm(&given->lvs[i]) && streq(given->lvs[i].name, from->name) &&
		    given->lvs[i].copies > 0)
			copies = given->lvs[i].copies;
	return p->o->unmirror || copies == 0 ? 1 : copies;
}

/* Each copy lies on a disk of its own. */
static int check_copies(const struct plan *p, const struct layout_lv *lv, struct err *err)
{
	if (lv->copies <= p->targets->n)
		return 0;
	err_set(err, ERR_UNFIT, "%s: is mirrored on %llu disks, and %zu target%s named",
		lv->name, (unsigned long long)lv->copies, p->targets->n,
		p->targets->n == 1 ? " was" : "s were");
	return err_remedy(err, "name as many disks; or --unmirror, or COPIES= 1 in "
			       "image.data (-i), for a clone without mirrors");
}

static int plan_volumes(struct plan *p, struct err *err)
{
	const struct layout *r = p->running;

	for (size_t i = 0; i < r->n_fs; i++) {
		const struct layout_lv *from = layout_volume_of(r, i);

		if (!from || !is_lvm(from) || layout_is_shared(r, i))
			continue;
		bool swap = streq(r->fs[i].type, "swap");
		uint64_t size = wanted_size(p, &r->fs[i], from);
		_cleanup_free_ char *device = layout_mapper(p->o->vg_name,
							    volume_name(p, from));
		if (check_room(p, &r->fs[i], size, err) < 0)
			return -1;
		struct layout_lv *lv = layout_new_lv(p->l);
		xreplace(&lv->vg, p->o->vg_name);
		xreplace(&lv->name, volume_name(p, from));
		lv->copies = wanted_copies(p, from);
		xreplace(&lv->type, lv->copies > 1 ? "raid1" : "linear");
		xreplace(&lv->mount_point, swap ? "swap" : r->fs[i].mount_point);
		lv->size = size;
		if (check_copies(p, lv, err) < 0)
			return -1;
		copy_fs(p, &r->fs[i], device, size);
	}
	return 0;
}

/* Further subvolumes of the file systems that are planned. */
static void plan_shared(struct plan *p)
{
	const struct layout *r = p->running;

	for (size_t i = 0; i < r->n_fs; i++) {
		if (!layout_is_shared(r, i))
			continue;
		const struct layout_fs *first =
			layout_find_fs(p->l, layout_volume_of(r, i)->mount_point);
		_cleanup_free_ char *device = xstrdup(first->device);
		copy_fs(p, &r->fs[i], device, first->size);
	}
}

static uint64_t disk_room(const struct plan *p, size_t target)
{
	const struct disk *d = disks_find(p->disks, p->targets->v[target]);
	uint64_t used = TABLE_SIZE + (target == 0 ? p->fixed : 0);

	return d && d->size > used ? (d->size - used) / ALIGN * ALIGN : 0;
}

/* What a physical volume on the rest of it can give. */
static uint64_t pv_room(const struct plan *p, size_t target)
{
	uint64_t room = disk_room(p, target);

	return room > PV_OVERHEAD ? (room - PV_OVERHEAD) / EXTENT * EXTENT : 0;
}

static int too_small(const struct plan *p, uint64_t need, uint64_t have, struct err *err)
{
	_cleanup_free_ char *names = strv_join(p->targets, " ");
	char a[32], b[32];

	err_set(err, ERR_UNFIT, "%s: too small: %s are wanted, %s too many", names,
		fmt_bytes(a, sizeof(a), need), fmt_bytes(b, sizeof(b), need - have));
	return err_remedy(
		err, "smaller FS_SIZE or SHRINK= yes in image.data (-i), or more disks");
}

/* What the volumes take, and what one copy of the mirrored ones takes: of each with a little for its state. */
static void sum_volumes(const struct plan *p, uint64_t *ret_all, uint64_t *ret_mirrored,
			uint64_t *ret_copies)
{
	for (size_t i = 0; i < p->l->n_lvs; i++) {
		const struct layout_lv *lv = &p->l->lvs[i];
		uint64_t one = lv->size + (lv->copies > 1 ? EXTENT : 0);

		if (!is_lvm(lv))
			continue;
		*ret_all += one * lv->copies;
		*ret_mirrored += lv->copies > 1 ? one : 0;
		*ret_copies = MAX(*ret_copies, lv->copies);
	}
}

/* A disk takes no more than one copy of anything. */
static int check_mirrors(const struct plan *p, uint64_t mirrored, uint64_t copies,
			 struct err *err)
{
	uint64_t room = 0;

	for (size_t i = 0; i < p->targets->n; i++)
		room += MIN(pv_room(p, i), mirrored);
	return mirrored * copies > room ? too_small(p, mirrored * copies, room, err) : 0;
}

/* The physical volumes fill what is left. */
static int finish_lvm(struct plan *p, struct err *err)
{
	uint64_t need = 0, have = 0, mirrored = 0, copies = 1;
	_cleanup_str_ struct str pvs = STR_INIT;

	for (size_t i = 0; i < p->targets->n; i++) {
		uint64_t room = disk_room(p, i);
		_cleanup_free_ char *name = tools_partition(p->targets->v[i],
							    i == 0 ? p->part + 1 : 1);
		struct layout_lv *lv = layout_new_lv(p->l);

		xreplace(&lv->name, name);
		xreplace(&lv->type, "pv");
		xreplace(&lv->disks, p->targets->v[i]);
		lv->size = room;
		have += pv_room(p, i);
		str_addf(&pvs, "%s%s", i ? " " : "", name);
	}
	sum_volumes(p, &need, &mirrored, &copies);
	if (need > have)
		return too_small(p, need, have, err);
	if (check_mirrors(p, mirrored, copies, err) < 0)
		return -1;
	for (size_t i = 0; i < p->l->n_lvs; i++)
		if (is_lvm(&p->l->lvs[i]))
			xreplace(&p->l->lvs[i].disks, str_c(&pvs));
	xreplace(&p->l->vg_name, p->o->vg_name);
	p->l->vg_extent = EXTENT;
	return 0;
}

static int finish_plain(struct plan *p, struct err *err)
{
	const struct layout *r = p->running;
	size_t root = 0;

	while (!streq(r->fs[root].mount_point, "/"))
		root++;
	const struct layout_lv *from = layout_volume_of(r, root);
	uint64_t size = wanted_size(p, &r->fs[root], from), room = disk_room(p, 0);
	const struct layout *given = p->o->image_data;
	const struct layout_fs *g = given ? layout_find_fs(given, "/") : NULL;

	if (size > room)
		return too_small(p, p->fixed + size, p->fixed + room, err);
	if (!g || g->size == 0)
		size = room;
	if (check_room(p, &r->fs[root], size, err) < 0)
		return -1;
	const struct layout_lv *lv = add_partition(p, "partition", "/", size);
	copy_fs(p, &r->fs[root], lv->name, lv->size);
	return 0;
}

/* EXACT_FIT: as many disks as image.data tells of, each of the same size. */
static int check_exact(const struct plan *p, struct err *err)
{
	const struct layout *given = p->o->image_data;
	char a[32], b[32];

	if (!given || !given->exact_fit)
		return 0;
	if (given->n_disks != p->targets->n) {
		err_set(err, ERR_UNFIT, "EXACT_FIT= yes wants %zu disks, %zu were named",
			given->n_disks, p->targets->n);
		return err_remedy(err, "set EXACT_FIT= no in image.data");
	}
	for (size_t i = 0; i < given->n_disks; i++) {
		const struct disk *d = disks_find(p->disks, p->targets->v[i]);
		uint64_t size = d ? d->size : 0;

		if (size / MIB == given->disks[i].size / MIB)
			continue;
		err_set(err, ERR_UNFIT,
			"%s: EXACT_FIT= yes wants a disk of %s, this one has %s",
			p->targets->v[i], fmt_bytes(a, sizeof(a), given->disks[i].size),
			fmt_bytes(b, sizeof(b), size));
		return err_remedy(err, "set EXACT_FIT= no in image.data");
	}
	return 0;
}

static void plan_head(struct plan *p)
{
	struct layout *l = p->l;

	xreplace(&l->os_level, p->running->os_level);
	xreplace(&l->arch, p->running->arch);
	xreplace(&l->host, p->running->host);
	xreplace(&l->date, p->running->date);
	xreplace(&l->boot_method, p->running->boot_method);
	xreplace(&l->boot_disk, p->targets->v[0]);
	layout_fill_strings(l);
	for (size_t i = 0; i < p->targets->n; i++) {
		const struct disk *d = disks_find(p->disks, p->targets->v[i]);
		struct layout_disk *to = layout_new_disk(l);

		xreplace(&to->name, p->targets->v[i]);
		xreplace(&to->serial, d ? d->serial : "");
		xreplace(&to->label, "gpt");
		to->size = d ? d->size : 0;
	}
}

static void plan_firmware(struct plan *p)
{
	if (p->o->bios)
		add_partition(p, "bios", "", BIOS_SIZE);
	if (p->o->uefi && !layout_find_fs(p->running, "/boot/efi")) {
		char mount_point[] = "/boot/efi", type[] = "vfat",
		     options[] = "umask=0077";
		const struct layout_fs esp = { .mount_point = mount_point,
					       .type = type,
					       .options = options };
		const struct layout_lv *part = add_partition(p, "esp", "/boot/efi",
							     ESP_SIZE);
		copy_fs(p, &esp, part->name, part->size);
	}
}

int target_plan(struct layout *ret, const struct layout *running, const struct disks *d,
		const struct strv *targets, const struct target_options *o,
		struct err *err)
{
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	struct plan p = {
		.l = &l, .running = running, .disks = d, .targets = targets, .o = o
	};

	if (check_supported(running, err) < 0 || check_exact(&p, err) < 0)
		return -1;
	for (size_t i = 0; i < running->n_fs; i++)
		if (streq(running->fs[i].mount_point, "/")) {
			const struct layout_lv *lv = layout_volume_of(running, i);
			if (!lv)
				return err_set(err, ERR_UNFIT,
					       "the root's device %s is not on a disk "
					       "that is known",
					       running->fs[i].device);
			p.lvm = is_lvm(lv);
		}
	if (!p.lvm && targets->n > 1)
		return err_set(err, ERR_UNFIT,
			       "a root without LVM is cloned to one disk: %zu were named",
			       targets->n);
	plan_head(&p);
	plan_firmware(&p);
	if (plan_partitions(&p, err) < 0 || plan_volumes(&p, err) < 0)
		return -1;
	if ((p.lvm ? finish_lvm(&p, err) : finish_plain(&p, err)) < 0)
		return -1;
	plan_shared(&p);
	layout_done(ret);
	*ret = l;
	l = (struct layout)LAYOUT_INIT;
	return 0;
}
