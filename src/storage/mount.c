/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clone's file systems below one directory. */
#include "sys/mount.h"
#include "storage/tools.h"
#include "sys/files.h"

#define LIST_MAX ((size_t)1 << 20)

/* FAT has no modes, no owners, and no one way to write names: all that is the mount's, and has to be the same on both sides. */
static void fat_options(const char *options, struct str *out)
{
	static const char *const same[] = { "umask=",	  "fmask=",	"dmask=",
					    "uid=",	  "gid=",	"codepage=",
					    "iocharset=", "shortname=", "utf8" };
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_split(&words, options ? options : "", ",");
	for (size_t i = 0; i < words.n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(same); k++)
			if (starts_with(words.v[i], same[k]))
				str_addf(out, "%s%s", out->len ? "," : "", words.v[i]);
}

static int mount_fs(const struct storage *s, const struct layout_fs *fs, const char *at,
		    struct err *err)
{
	_cleanup_free_ char *to =
		xasprintf("%s%s", at, streq(fs->mount_point, "/") ? "" : fs->mount_point);
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_str_ struct str options = STR_INIT;

	if (mount_is_mountpoint(to))
		return 0;
	if (files_mkdirs(to, 0755, err) < 0)
		return -1;
	strv_add(&argv, "mount");
	if (*fs->type)
		strv_add_all(&argv, "-t", fs->type, NULL);
	if (streq(fs->type, "btrfs"))
		btrfs_options(fs->options, &options);
	if (streq(fs->type, "vfat"))
		fat_options(fs->options, &options);
	if (options.len > 0)
		strv_add_all(&argv, "-o", options.p, NULL);
	strv_add_all(&argv, fs->device, to, NULL);
	return tools_run(s, &argv, NULL, err);
}

/* In the order of their paths, so that each finds its mount point. */
static int mount_others(const struct storage *s, const struct layout *l, const char *at,
			struct err *err)
{
	_cleanup_strv_ struct strv order = STRV_INIT;

	for (size_t i = 0; i < l->n_fs; i++)
		if (l->fs[i].mount_point[0] == '/')
			strv_add(&order, l->fs[i].mount_point);
	strv_sort(&order);
	for (size_t i = 0; i < order.n; i++)
		if (mount_fs(s, layout_find_fs(l, order.v[i]), at, err) < 0)
			return -1;
	return 0;
}

static void copy_layout(const struct layout *from, struct layout *to)
{
	for (size_t i = 0; i < from->n_fs; i++) {
		const struct layout_fs *f = &from->fs[i];
		struct layout_fs *t = layout_new_fs(to);

		xreplace(&t->mount_point, f->mount_point);
		xreplace(&t->device, f->device);
		xreplace(&t->type, f->type);
		xreplace(&t->uuid, f->uuid);
		xreplace(&t->options, f->options);
	}
}

/* A clone that was found on its disks has no options yet: its own fstab names those of its FAT. */
static int read_fat_options(const struct root *alt, struct layout *l, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	char *cursor, *line;

	if (root_read_opt(alt, "/etc/fstab", LIST_MAX, &text, err) < 0)
		return -1;
	for (cursor = text.p; cursor && (line = next_line(&cursor)) != NULL;) {
		_cleanup_strv_ struct strv words = STRV_INIT;

		strv_split(&words, line, " \t");
		if (words.n < 4 || *words.v[0] == '#')
			continue;
		unescape_octal(words.v[1]);
		for (size_t i = 0; i < l->n_fs; i++)
			if (streq(l->fs[i].mount_point, words.v[1]) &&
			    streq(l->fs[i].type, "vfat") && *l->fs[i].options == '\0')
				xreplace(&l->fs[i].options, words.v[3]);
	}
	return 0;
}

int storage_mount(const struct storage *s, const struct layout *target, const char *at,
		  struct err *err)
{
	_cleanup_layout_ struct layout all = LAYOUT_INIT;
	_cleanup_root_ struct root alt = ROOT_INIT;
	const struct layout_fs *root = layout_find_fs(target, "/");

	if (!root)
		return err_set(err, ERR_OPERATOR, "the clone has no root file system");
	copy_layout(target, &all);
	if (mount_fs(s, root, at, err) < 0 || root_open(&alt, at, err) < 0 ||
	    subvolumes_read(&alt, "/", &all, err) < 0 ||
	    read_fat_options(&alt, &all, err) < 0)
		return -1;
	return mount_others(s, &all, at, err);
}

int storage_note_subvolumes(const struct root *alt, const struct layout *target,
			    struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	for (size_t i = 0; i < target->n_fs; i++) {
		const struct layout_fs *fs = &target->fs[i];
		size_t first = 0;

		while (!streq(target->fs[first].device, fs->device))
			first++;
		if (streq(fs->type, "btrfs"))
			str_addf(&text, "%s\t%s\t%s\n", fs->mount_point,
				 target->fs[first].mount_point, fs->options);
	}
	if (text.len == 0)
		return 0;
	if (root_mkdirs(alt, "/etc/nimadm", 0755, err) < 0)
		return -1;
	return root_write(alt, STORAGE_SUBVOLUMES, text.p, text.len, 0644, err);
}

static void add_subvolume(struct layout *l, const struct strv *words)
{
	const struct layout_fs *first = layout_find_fs(l, words->v[1]);

	if (!first || !streq(first->type, "btrfs"))
		return;
	_cleanup_free_ char *device = xstrdup(first->device);
	_cleanup_free_ char *uuid = xstrdup(first->uuid);
	uint64_t size = first->size;
	if (!layout_find_fs(l, words->v[0])) {
		struct layout_fs *fs = layout_new_fs(l);

		xreplace(&fs->mount_point, words->v[0]);
		xreplace(&fs->device, device);
		xreplace(&fs->type, "btrfs");
		xreplace(&fs->uuid, uuid);
		fs->size = size;
	}
	for (size_t i = 0; i < l->n_fs; i++)
		if (streq(l->fs[i].mount_point, words->v[0]))
			xreplace(&l->fs[i].options, words->v[2]);
}

int subvolumes_read(const struct root *root, const char *at, struct layout *l,
		    struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s%s", streq(at, "/") ? "" : at,
					      STORAGE_SUBVOLUMES);
	_cleanup_str_ struct str text = STR_INIT;
	char *cursor, *line;

	if (root_read_opt(root, path, LIST_MAX, &text, err) < 0)
		return -1;
	for (cursor = text.p; cursor && (line = next_line(&cursor)) != NULL;) {
		_cleanup_strv_ struct strv words = STRV_INIT;

		strv_split(&words, line, "\t");
		if (words.n == 3)
			add_subvolume(l, &words);
	}
	return 0;
}

/* Several may lie upon each other after a run that was stopped. */
int storage_umount(const struct storage *s, const char *at, struct err *err)
{
	for (int n = 0; n < 8 && mount_is_mountpoint(at); n++)
		if (tools_call(s, err, "umount", "--recursive", at, NULL) < 0)
			return err_remedy(err, "end what works in %s", at);
	return 0;
}
