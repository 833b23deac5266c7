/* SPDX-License-Identifier: GPL-2.0-or-later */
/* image.data: one table of stanzas and keys drives reading, validation and writing. bosinst.data is in bosinst.c. */
#include "model/layout.h"

#include "base/nearest.h"
#include "base/parse.h"

#define LABEL	   "image.data"
#define COPIES_MAX 8
#define MIB	   ((uint64_t)1 << 20)

enum kind {
	KIND_TEXT,
	KIND_MB,    /* uint64_t in bytes; MiB in the file, rounded up */
	KIND_BOOL,  /* yes or no */
	KIND_MOUNT, /* text: an absolute path or "swap" */
	KIND_COUNT, /* uint64_t as it stands */
	KIND_KEPT, /* a key of the original that means nothing here: accepted, not written */
	KIND_FIXED, /* accepted; written with the text in `fixed` */
};

struct key {
	const char *name;
	enum kind kind;
	size_t offset; /* in the record of the stanza */
	bool required;
	const char *fixed;
};

/* What an lv_data stanza says in physical partitions; turned into bytes when it is complete. */
struct lv_record {
	struct layout_lv lv;
	uint64_t lps, pp_size;
};
/* FS_LV stands in where FS_DEVICE is missing. */
struct fs_record {
	struct layout_fs fs;
	char *lv;
};

struct kind_of_stanza {
	const char *name;
	const struct key *keys;
	size_t n_keys;
	bool required, repeats;
	size_t record; /* size of the record of a repeating stanza */
	int (*add)(struct layout *l, const void *record, int line, struct err *err);
};

#define L(f)  offsetof(struct layout, f)
#define D(f)  offsetof(struct layout_disk, f)
#define LV(f) offsetof(struct lv_record, f)
#define FS(f) offsetof(struct fs_record, f)

static const struct key image_keys[] = {
	{ "IMAGE_TYPE", KIND_FIXED, .fixed = "mksysb" },
	{ "DATE_TIME", KIND_TEXT, L(date) },
	{ "HOSTNAME", KIND_TEXT, L(host) },
	{ "PRODUCT_TAPE", KIND_FIXED, .fixed = "no" },
	{ "PLATFORM", KIND_TEXT, L(arch), .required = true },
	{ "OSLEVEL", KIND_TEXT, L(os_level), .required = true },
	{ "BOOT_METHOD", KIND_TEXT, L(boot_method) },
	{ "BOOT_DISK", KIND_TEXT, L(boot_disk) },
	{ "UNAME_INFO", KIND_KEPT },
	{ "USERVG_LIST", KIND_KEPT },
	{ "OSLEVEL_R", KIND_KEPT },
	{ "CPU_ID", KIND_KEPT },
	{ "LPAR_ID", KIND_KEPT },
};
static const struct key policy_keys[] = {
	{ "SHRINK", KIND_BOOL, L(shrink) },
	{ "EXACT_FIT", KIND_BOOL, L(exact_fit) },
};
static const struct key ils_keys[] = {
	{ "LANG", KIND_FIXED, .fixed = "C" },
};
static const struct key vg_keys[] = {
	{ "VGNAME", KIND_TEXT, L(vg_name), .required = true },
	{ "PPSIZE", KIND_MB, L(vg_extent) },
	{ "VARYON", KIND_FIXED, .fixed = "yes" },
	{ "VG_SOURCE_DISK_LIST", KIND_KEPT },
	{ "QUORUM", KIND_KEPT },
	{ "ENH_CONC_CAPABLE", KIND_KEPT },
	{ "CONC_AUTO", KIND_KEPT },
	{ "BIGVG", KIND_KEPT },
	{ "TFACTOR", KIND_KEPT },
};
static const struct key disk_keys[] = {
	{ "PVID", KIND_TEXT, D(serial) },
	{ "SIZE_MB", KIND_MB, D(size), .required = true },
	{ "HDISKNAME", KIND_TEXT, D(name), .required = true },
	{ "DISK_LABEL", KIND_TEXT, D(label) },
	{ "PHYSICAL_LOCATION", KIND_KEPT },
	{ "CONNECTION", KIND_KEPT },
	{ "LOCATION", KIND_KEPT },
};
static const struct key lv_keys[] = {
	{ "VOLUME_GROUP", KIND_TEXT, LV(lv.vg) },
	{ "LV_SOURCE_DISK_LIST", KIND_TEXT, LV(lv.disks) },
	{ "LOGICAL_VOLUME", KIND_TEXT, LV(lv.name), .required = true },
	{ "TYPE", KIND_TEXT, LV(lv.type) },
	{ "MOUNT_POINT", KIND_TEXT, LV(lv.mount_point) },
	{ "LPs", KIND_COUNT, LV(lps), .required = true },
	{ "PP_SIZE", KIND_MB, LV(pp_size), .required = true },
	{ "COPIES", KIND_COUNT, LV(lv.copies) },
	{ "LV_IDENTIFIER", KIND_KEPT },
	{ "VG_STAT", KIND_KEPT },
	{ "MAX_LPS", KIND_KEPT },
	{ "STALE_PPs", KIND_KEPT },
	{ "INTER_POLICY", KIND_KEPT },
	{ "INTRA_POLICY", KIND_KEPT },
	{ "MIRROR_WRITE_CONSISTENCY", KIND_KEPT },
	{ "LV_SEPARATE_PV", KIND_KEPT },
	{ "PERMISSION", KIND_KEPT },
	{ "LV_STATE", KIND_KEPT },
	{ "WRITE_VERIFY", KIND_KEPT },
	{ "SCHED_POLICY", KIND_KEPT },
	{ "PP", KIND_KEPT },
	{ "BB_POLICY", KIND_KEPT },
	{ "RELOCATABLE", KIND_KEPT },
	{ "UPPER_BOUND", KIND_KEPT },
	{ "LABEL", KIND_KEPT },
	{ "MAPFILE", KIND_KEPT },
	{ "LV_MIN_LPS", KIND_KEPT },
	{ "STRIPE_WIDTH", KIND_KEPT },
	{ "STRIPE_SIZE", KIND_KEPT },
	{ "SERIALIZE_IO", KIND_KEPT },
	{ "FS_TAG", KIND_KEPT },
	{ "DEV_SUBTYP", KIND_KEPT },
};
static const struct key fs_keys[] = {
	{ "FS_NAME", KIND_MOUNT, FS(fs.mount_point), .required = true },
	{ "FS_DEVICE", KIND_TEXT, FS(fs.device) },
	{ "FS_TYPE", KIND_TEXT, FS(fs.type), .required = true },
	{ "FS_UUID", KIND_TEXT, FS(fs.uuid) },
	{ "FS_LABEL", KIND_TEXT, FS(fs.label) },
	{ "FS_OPTIONS", KIND_TEXT, FS(fs.options) },
	{ "FS_SIZE", KIND_MB, FS(fs.size) },
	{ "FS_USED", KIND_MB, FS(fs.used) },
	{ "FS_LV", KIND_TEXT, FS(lv) },
	{ "FS_MIN_SIZE", KIND_KEPT },
	{ "FS_JFS2_BS", KIND_KEPT },
	{ "FS_JFS2_SPARSE", KIND_KEPT },
	{ "FS_JFS2_INLINELOG", KIND_KEPT },
	{ "FS_JFS2_SIZEINLINELOG", KIND_KEPT },
	{ "FS_JFS2_EAFORMAT", KIND_KEPT },
	{ "FS_JFS2_QUOTA", KIND_KEPT },
	{ "FS_JFS2_DMAPI", KIND_KEPT },
	{ "FS_JFS2_VIX", KIND_KEPT },
};
static const struct key post_keys[] = {
	{ "BOSINST_FILE", KIND_FIXED, .fixed = "" },
};
static const struct key restvg_keys[] = {
	{ "RESTVG_FILE", KIND_FIXED, .fixed = "" },
};

static int refuse(struct err *err, int line, const char *fmt, ...) _printf_(3, 4);
static int refuse(struct err *err, int line, const char *fmt, ...)
{
	_cleanup_str_ struct str s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	return err_set(err, ERR_OPERATOR, LABEL ": line %d: %s", line, str_c(&s));
}

/* Arrays grow to the next power of two, as in base/stanza. */
#define GROW(array, n)                                                                   \
	do {                                                                             \
		if (((n) & ((n)-1)) == 0)                                                \
			(array) = xrealloc((array),                                      \
					   MAX((n)*2, (size_t)1) * sizeof(*(array)));    \
	} while (0)

static int disk_add(struct layout *l, const void *record, int line, struct err *err)
{
	const struct layout_disk *d = record;

	if (layout_has_disk(l, d->name))
		return refuse(err, line, "the disk %s is described twice", d->name);
	GROW(l->disks, l->n_disks);
	l->disks[l->n_disks++] = *d;
	return 0;
}

static int lv_add(struct layout *l, const void *record, int line, struct err *err)
{
	const struct lv_record *r = record;
	struct layout_lv lv = r->lv;

	if (__builtin_mul_overflow(r->lps, r->pp_size, &lv.size))
		return refuse(err, line, "LPs times PP_SIZE is beyond any disk");
	if (lv.copies > COPIES_MAX)
		return refuse(err, line, "COPIES= wants a number up to %d", COPIES_MAX);
	for (size_t i = 0; i < l->n_lvs; i++)
		if (streq(l->lvs[i].name, lv.name) && streq(l->lvs[i].vg, lv.vg))
			return refuse(err, line, "the volume %s is described twice",
				      lv.name);
	GROW(l->lvs, l->n_lvs);
	l->lvs[l->n_lvs++] = lv;
	return 0;
}

static int fs_add(struct layout *l, const void *record, int line, struct err *err)
{
	const struct fs_record *r = record;
	struct layout_fs fs = r->fs;

	if (!streq(fs.mount_point, "swap") && layout_find_fs(l, fs.mount_point))
		return refuse(err, line, "the file system %s is described twice",
			      fs.mount_point);
	if (fs.device[0] == '\0') {
		free(fs.device);
		fs.device = xstrdup(r->lv);
	}
	free(r->lv);
	GROW(l->fs, l->n_fs);
	l->fs[l->n_fs++] = fs;
	return 0;
}

#define KEYS(t) .keys = (t), .n_keys = ARRAY_SIZE(t)
static const struct kind_of_stanza stanzas[] = {
	{ "image_data", KEYS(image_keys), .required = true },
	{ "logical_volume_policy", KEYS(policy_keys) },
	{ "ils_data", KEYS(ils_keys) },
	{ "vg_data", KEYS(vg_keys) },
	{ "source_disk_data", KEYS(disk_keys), .repeats = true,
	  .record = sizeof(struct layout_disk), .add = disk_add },
	{ "lv_data", KEYS(lv_keys), .repeats = true, .record = sizeof(struct lv_record),
	  .add = lv_add },
	{ "fs_data", KEYS(fs_keys), .required = true, .repeats = true,
	  .record = sizeof(struct fs_record), .add = fs_add },
	{ "post_install_data", KEYS(post_keys) },
	{ "post_restvg", KEYS(restvg_keys) },
};
enum { ST_IMAGE, ST_POLICY, ST_ILS, ST_VG, ST_DISK, ST_LV, ST_FS, ST_POST };

static bool is_text(enum kind kind)
{
	return kind == KIND_TEXT || kind == KIND_MOUNT;
}

static char **text_at(const void *record, const struct key *k)
{
	return (char **)((char *)(uintptr_t)record + k->offset);
}

static uint64_t *number_at(const void *record, const struct key *k)
{
	return (uint64_t *)(void *)((char *)(uintptr_t)record + k->offset);
}

static void record_done(const struct key *keys, size_t n, void *record)
{
	for (size_t i = 0; i < n; i++)
		if (is_text(keys[i].kind)) {
			free(*text_at(record, &keys[i]));
			*text_at(record, &keys[i]) = NULL;
		}
}

void layout_done(struct layout *l)
{
	record_done(image_keys, ARRAY_SIZE(image_keys), l);
	record_done(vg_keys, ARRAY_SIZE(vg_keys), l);
	for (size_t i = 0; i < l->n_disks; i++)
		record_done(disk_keys, ARRAY_SIZE(disk_keys), &l->disks[i]);
	for (size_t i = 0; i < l->n_lvs; i++) {
		struct lv_record r = { .lv = l->lvs[i] };
		record_done(lv_keys, ARRAY_SIZE(lv_keys), &r);
	}
	for (size_t i = 0; i < l->n_fs; i++) {
		struct fs_record r = { .fs = l->fs[i] };
		record_done(fs_keys, ARRAY_SIZE(fs_keys), &r);
	}
	free(l->disks);
	free(l->lvs);
	free(l->fs);
	*l = (struct layout)LAYOUT_INIT;
}

static int value_read(const struct key *k, const struct stanza_entry *e, void *record,
		      struct err *err)
{
	uint64_t *number = number_at(record, k);

	switch (k->kind) {
	case KIND_MOUNT:
		if (e->value[0] != '/' && !streq(e->value, "swap"))
			return refuse(err, e->line,
				      "%s= wants an absolute path or swap, has '%s'",
				      k->name, e->value);
		*text_at(record, k) = xstrdup(e->value);
		return 0;
	case KIND_TEXT:
		*text_at(record, k) = xstrdup(e->value);
		return 0;
	case KIND_MB:
	case KIND_COUNT:
		if (e->value[0] == '\0' && !k->required)
			return 0;
		if (parse_u64(e->value, number, NULL) < 0 ||
		    (k->kind == KIND_MB && *number > UINT64_MAX / MIB))
			return refuse(err, e->line, "%s= wants a number%s, has '%s'",
				      k->name, k->kind == KIND_MB ? " of MB" : "",
				      e->value);
		if (k->kind == KIND_MB)
			*number *= MIB;
		return 0;
	case KIND_BOOL:
		if (parse_bool(e->value, (bool *)record + k->offset, NULL) < 0)
			return refuse(err, e->line, "%s= wants yes or no, has '%s'",
				      k->name, e->value);
		return 0;
	case KIND_KEPT:
	case KIND_FIXED:
		return 0;
	}
	return 0;
}

static const struct key *key_find(const struct kind_of_stanza *ks, const char *name)
{
	for (size_t i = 0; i < ks->n_keys; i++)
		if (streq(ks->keys[i].name, name))
			return &ks->keys[i];
	return NULL;
}

static int unknown_key(const struct kind_of_stanza *ks, const struct stanza_entry *e,
		       struct err *err)
{
	struct nearest n = NEAREST_INIT(e->key);

	for (size_t i = 0; i < ks->n_keys; i++)
		nearest_offer(&n, ks->keys[i].name);
	const char *near = nearest_get(&n);
	return refuse(err, e->line, "a %s stanza has no %s%s%s", ks->name, e->key,
		      near ? "; did you mean " : "", near ? near : "");
}

/* Reads one stanza into its record; texts that are not given become "". */
static int record_read(const struct kind_of_stanza *ks, const struct stanza *st,
		       void *record, struct err *err)
{
	for (size_t i = 0; i < st->n; i++) {
		const struct key *k = key_find(ks, st->entries[i].key);

		if (!k)
			return unknown_key(ks, &st->entries[i], err);
		if (value_read(k, &st->entries[i], record, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ks->n_keys; i++) {
		const struct key *k = &ks->keys[i];
		const char *given = stanza_get(st, k->name);

		if (k->required && (!given || *given == '\0'))
			return refuse(err, st->line, "the %s stanza has no %s=", ks->name,
				      k->name);
		if (is_text(k->kind) && !*text_at(record, k))
			*text_at(record, k) = xstrdup("");
	}
	return 0;
}

static int stanza_read(struct layout *l, const struct kind_of_stanza *ks,
		       const struct stanza *st, struct err *err)
{
	union {
		struct layout_disk disk;
		struct lv_record lv;
		struct fs_record fs;
	} record = { 0 };

	if (!ks->repeats)
		return record_read(ks, st, l, err);
	memset(&record, 0, sizeof(record));
	if (record_read(ks, st, &record, err) < 0 ||
	    ks->add(l, &record, st->line, err) < 0) {
		record_done(ks->keys, ks->n_keys, &record);
		return -1;
	}
	return 0;
}

static const struct kind_of_stanza *stanza_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(stanzas); i++)
		if (streq(stanzas[i].name, name))
			return &stanzas[i];
	return NULL;
}

static int read_all(struct layout *l, const struct stanza_file *sf, struct err *err)
{
	for (size_t i = 0; i < sf->n; i++) {
		const struct stanza *st = &sf->stanzas[i];
		const struct kind_of_stanza *ks = stanza_kind(st->name);

		if (!ks)
			return refuse(err, st->line, "unknown stanza %s", st->name);
		if (!ks->repeats && stanza_find(sf, st->name, 0) != st)
			return refuse(err, st->line, "a second %s stanza", st->name);
		if (stanza_read(l, ks, st, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(stanzas); i++)
		if (stanzas[i].required && !stanza_find(sf, stanzas[i].name, 0))
			return err_set(err, ERR_OPERATOR, LABEL ": no %s stanza",
				       stanzas[i].name);
	if (!layout_find_fs(l, "/"))
		return err_set(err, ERR_OPERATOR, LABEL ": no fs_data stanza for /");
	/* Callers need not ask whether there was a vg_data stanza. */
	if (!l->vg_name)
		l->vg_name = xstrdup("");
	return 0;
}

int layout_parse(struct layout *l, const char *text, size_t len, struct err *err)
{
	_cleanup_stanza_file_ struct stanza_file sf = STANZA_FILE_INIT;
	_cleanup_layout_ struct layout parsed = LAYOUT_INIT;

	if (stanza_parse(&sf, LABEL, text, len, err) < 0 ||
	    read_all(&parsed, &sf, err) < 0)
		return err_remedy(err, "correct image.data; image.data(5) has its keys");
	layout_done(l);
	*l = parsed;
	parsed = (struct layout)LAYOUT_INIT;
	return 0;
}

static uint64_t to_mib(uint64_t bytes)
{
	return bytes / MIB + (bytes % MIB != 0);
}

static void value_write(struct stanza *st, const struct key *k, const void *record)
{
	switch (k->kind) {
	case KIND_TEXT:
	case KIND_MOUNT:
		stanza_set(st, k->name, *text_at(record, k));
		break;
	case KIND_MB:
		stanza_setf(st, k->name, "%llu",
			    (unsigned long long)to_mib(*number_at(record, k)));
		break;
	case KIND_COUNT:
		if (*number_at(record, k) > 0 || k->required)
			stanza_setf(st, k->name, "%llu",
				    (unsigned long long)*number_at(record, k));
		break;
	case KIND_BOOL:
		stanza_set(st, k->name, ((const bool *)record)[k->offset] ? "yes" : "no");
		break;
	case KIND_FIXED:
		stanza_set(st, k->name, k->fixed);
		break;
	case KIND_KEPT:
		break;
	}
}

static void record_write(struct stanza_file *sf, int which, const void *record)
{
	const struct kind_of_stanza *ks = &stanzas[which];
	struct stanza *st = stanza_add(sf, ks->name);

	for (size_t i = 0; i < ks->n_keys; i++)
		value_write(st, &ks->keys[i], record);
}

static void lv_write(struct stanza_file *sf, const struct layout *l,
		     const struct layout_lv *lv)
{
	struct lv_record r = { .lv = *lv, .pp_size = MIB };

	/* Volumes in the group's extents where they fit them, else in MiB. */
	if (l->vg_extent >= MIB && lv->size % l->vg_extent == 0 && lv->vg && *lv->vg)
		r.pp_size = l->vg_extent;
	r.lps = lv->size / r.pp_size + (lv->size % r.pp_size != 0);
	record_write(sf, ST_LV, &r);
}

void layout_write(const struct layout *l, struct str *out)
{
	_cleanup_stanza_file_ struct stanza_file sf = STANZA_FILE_INIT;

	record_write(&sf, ST_IMAGE, l);
	record_write(&sf, ST_POLICY, l);
	record_write(&sf, ST_ILS, l);
	if (l->vg_name && *l->vg_name)
		record_write(&sf, ST_VG, l);
	for (size_t i = 0; i < l->n_disks; i++)
		record_write(&sf, ST_DISK, &l->disks[i]);
	for (size_t i = 0; i < l->n_lvs; i++)
		lv_write(&sf, l, &l->lvs[i]);
	for (size_t i = 0; i < l->n_fs; i++) {
		struct fs_record r = { .fs = l->fs[i] };
		bool is_dev = r.fs.device && starts_with(r.fs.device, "/dev/");

		r.lv = is_dev ? r.fs.device : NULL;
		record_write(&sf, ST_FS, &r);
	}
	record_write(&sf, ST_POST, l);
	stanza_write(&sf, out);
}

const struct layout_fs *layout_find_fs(const struct layout *l, const char *mount_point)
{
	for (size_t i = 0; i < l->n_fs; i++)
		if (streq(l->fs[i].mount_point, mount_point))
			return &l->fs[i];
	return NULL;
}

/* The device mapper doubles dashes inside of a name. */
static void add_mapped(struct str *out, const char *name)
{
	for (; *name; name++) {
		if (*name == '-')
			str_addc(out, '-');
		str_addc(out, *name);
	}
}

char *layout_mapper(const char *vg, const char *lv)
{
	_cleanup_str_ struct str out = STR_INIT;

	str_add(&out, "/dev/mapper/");
	add_mapped(&out, vg);
	str_addc(&out, '-');
	add_mapped(&out, lv);
	return str_take(&out);
}

bool layout_has_disk(const struct layout *l, const char *name)
{
	for (size_t i = 0; i < l->n_disks; i++)
		if (streq(l->disks[i].name, name))
			return true;
	return false;
}

struct layout_disk *layout_new_disk(struct layout *l)
{
	GROW(l->disks, l->n_disks);
	l->disks[l->n_disks] = (struct layout_disk){ .name = xstrdup(""),
						     .serial = xstrdup(""),
						     .label = xstrdup("") };
	return &l->disks[l->n_disks++];
}

struct layout_lv *layout_new_lv(struct layout *l)
{
	GROW(l->lvs, l->n_lvs);
	l->lvs[l->n_lvs] = (struct layout_lv){ .vg = xstrdup(""),
					       .name = xstrdup(""),
					       .type = xstrdup(""),
					       .disks = xstrdup(""),
					       .mount_point = xstrdup("") };
	return &l->lvs[l->n_lvs++];
}

struct layout_fs *layout_new_fs(struct layout *l)
{
	GROW(l->fs, l->n_fs);
	l->fs[l->n_fs] = (struct layout_fs){ .mount_point = xstrdup(""),
					     .device = xstrdup(""),
					     .type = xstrdup(""),
					     .uuid = xstrdup(""),
					     .label = xstrdup(""),
					     .options = xstrdup("") };
	return &l->fs[l->n_fs++];
}

void layout_fill_strings(struct layout *l)
{
	char **fields[] = { &l->os_level, &l->arch,	   &l->host,	 &l->date,
			    &l->vg_name,  &l->boot_method, &l->boot_disk };

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!*fields[i])
			*fields[i] = xstrdup("");
}
