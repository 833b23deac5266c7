/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must not change on the running disks, as lines of text. */
#include <fcntl.h>

#include "storage/tools.h"
#include "sys/sha256.h"

#define HEAD MIB	  /* boot sector, table, the gap behind it */
#define TAIL (64 * 512ul) /* the table's copy */
/* partitions without a file system up to this size: boot loaders */
#define CORE (8 * MIB)

/* SHA-256 of a range; 1: it cannot be read. */
static int hash_range(const char *path, uint64_t from, uint64_t len,
		      char hex[SHA256_HEX_LEN])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *buf = xmalloc(len);
	uint8_t digest[SHA256_LEN];
	size_t got = 0;

	if (fd < 0)
		return 1;
	while (got < len) {
		ssize_t n = pread(fd, buf + got, len - got, (off_t)(from + got));
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	sha256_buf(buf, got, digest);
	sha256_hex(digest, hex);
	return 0;
}

static int add_range(struct str *out, const char *what, const char *path, uint64_t from,
		     uint64_t len, struct err *err)
{
	char hex[SHA256_HEX_LEN];

	if (hash_range(path, from, len, hex) != 0)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot be read", path);
	str_addf(out, "%s %s %s\n", what, path, hex);
	return 0;
}

static int add_disk(struct str *out, const struct layout *l, const struct layout_disk *d,
		    struct err *err)
{
	if (add_range(out, "table", d->name, 0, HEAD, err) < 0 ||
	    (d->size > TAIL &&
	     add_range(out, "table-copy", d->name, d->size - TAIL, TAIL, err) < 0))
		return -1;
	for (size_t i = 0; i < l->n_lvs; i++) {
		const struct layout_lv *lv = &l->lvs[i];

		if (*lv->vg == '\0' && *lv->mount_point == '\0' &&
		    streq(lv->disks, d->name) && lv->size > 0 && lv->size <= CORE &&
		    add_range(out, "partition", lv->name, 0, lv->size, err) < 0)
			return -1;
	}
	return 0;
}

/* Names and contents of what the firmware starts. */
static int add_tree(struct str *out, const struct root *root, const char *dir,
		    struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (root_list(root, dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, names.v[i]);
		struct stat st;
		char hex[SHA256_HEX_LEN];
		uint8_t digest[SHA256_LEN];

		if (root_lstat(root, path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			if (add_tree(out, root, path, err) < 0)
				return -1;
			continue;
		}
		_cleanup_close_ int fd = root_openat(root, path, O_RDONLY, 0);
		if (fd < 0 || sha256_fd(fd, digest, err) < 0)
			return err_set(err, ERR_OPERATOR, "%s: cannot be read", path);
		sha256_hex(digest, hex);
		str_addf(out, "esp %s %s\n", path, hex);
	}
	return 0;
}

/* Volumes of the running group, without our snapshots. The group's sequence number counts those too: it is left out. */
static void add_group(struct str *out, const struct storage *s, const char *vg)
{
	_cleanup_json_ json_t *rows = tools_lvm_rows(
		s, "lvs",
		"vg_name,lv_name,lv_uuid,lv_size,lv_tags,vg_uuid,vg_tags,pv_count,"
		"vg_extent_count,seg_pe_ranges");
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (!streq(json_field(row, "vg_name"), vg) ||
		    strstr(json_field(row, "lv_tags"), TAG_SNAPSHOT))
			continue;
		str_addf(out, "volume %s/%s %s %s %s %s %s %s %s\n", vg,
			 json_field(row, "lv_name"), json_field(row, "lv_uuid"),
			 json_field(row, "lv_size"), json_field(row, "vg_uuid"),
			 json_field(row, "vg_tags"), json_field(row, "pv_count"),
			 json_field(row, "vg_extent_count"),
			 json_field(row, "seg_pe_ranges"));
	}
}

int fingerprint_read(const struct storage *s, const struct layout *running,
		     const struct disks *d, struct str *ret, struct err *err)
{
	for (size_t i = 0; i < running->n_disks; i++)
		if (add_disk(ret, running, &running->disks[i], err) < 0)
			return -1;
	if (layout_find_fs(running, "/boot/efi") &&
	    add_tree(ret, s->root, "/boot/efi", err) < 0)
		return -1;
	if (*running->vg_name)
		add_group(ret, s, running->vg_name);
	return 0;
}

/* The first lines that only `text` has, without their last word. */
static void differences(const char *text, const char *other, struct str *out)
{
	_cleanup_free_ char *copy = xstrdup(text);
	_cleanup_strv_ struct strv theirs = STRV_INIT;
	char *cursor = copy, *line;

	strv_split(&theirs, other, "\n");
	while ((line = next_line(&cursor)) != NULL) {
		if (*line == '\0' || strv_has(&theirs, line))
			continue;
		char *blank = strchr(line, ' ');
		if (blank && (blank = strchr(blank + 1, ' ')))
			*blank = '\0';
		str_addf(out, "%s%s", out->len ? ", " : "", line);
	}
}

int fingerprint_compare(const char *before, const char *after, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (streq(before, after))
		return 0;
	differences(before, after, &text);
	if (text.len == 0)
		differences(after, before, &text);
	return err_set(err, ERR_INTERNAL, "the running disks are not what they were: %s",
		       str_c(&text));
}
