/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Subvolumes of btrfs: options that name them, the top of their file system, making them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <sys/ioctl.h>

#include "storage/tools.h"
#include "sys/files.h"
#include "sys/mount.h"

#define TOPS	 "/run/nimadm/btrfs"
#define TOPS_MAX 8

static bool is_word(const char *word, const char *name)
{
	return starts_with(word, name) && word[strlen(name)] == '=';
}

char *btrfs_subvol(const char *options)
{
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_split(&words, options ? options : "", ",");
	for (size_t i = 0; i < words.n; i++)
		if (is_word(words.v[i], "subvol")) {
			const char *path = words.v[i] + strlen("subvol=");
			return xstrdup(path + strspn(path, "/"));
		}
	return NULL;
}

void btrfs_options(const char *options, struct str *out)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	_cleanup_free_ char *subvol = btrfs_subvol(options);

	if (subvol)
		str_addf(out, "subvol=/%s", subvol);
	strv_split(&words, options ? options : "", ",");
	for (size_t i = 0; i < words.n; i++)
		if (starts_with(words.v[i], "compress"))
			str_addf(out, "%s%s", out->len ? "," : "", words.v[i]);
}

int btrfs_top_open(struct btrfs_top *t, const struct storage *s, const char *device,
		   struct err *err)
{
	_cleanup_free_ char *path = NULL;

	for (size_t i = 0; i < TOPS_MAX && !path; i++) {
		path = xasprintf(TOPS ".%zu", i);
		if (mount_is_mountpoint(path)) {
			free(path);
			path = NULL;
		}
	}
	if (!path)
		return err_set(err, ERR_UNFIT, "%s: too many btrfs file systems", device);
	if (files_mkdirs(path, 0700, err) < 0 ||
	    tools_call(s, err, "mount", "-t", "btrfs", "-o", "subvolid=5", device, path,
		       NULL) < 0)
		return -1;
	t->path = TAKE_PTR(path);
	return 0;
}

void btrfs_top_close(struct btrfs_top *t)
{
	struct err ignored = { 0 };

	if (t->path && mount_umount(t->path, &ignored) == 0)
		rmdir(t->path);
	free(t->path);
	t->path = NULL;
}

int btrfs_tops_umount(const struct storage *s, struct err *err)
{
	for (size_t i = 0; i < TOPS_MAX; i++) {
		_cleanup_free_ char *path = xasprintf(TOPS ".%zu", i);

		if (storage_umount(s, path, err) < 0)
			return -1;
		rmdir(path);
	}
	return 0;
}

int btrfs_make_subvolume(const char *path, struct err *err)
{
	_cleanup_free_ char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');
	struct btrfs_ioctl_vol_args args = { 0 };

	*slash = '\0';
	if (strlen(slash + 1) > BTRFS_SUBVOL_NAME_MAX)
		return err_set(err, ERR_UNFIT, "%s: such a name is too long", path);
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memcpy(args.name, slash + 1, strlen(slash + 1) + 1);
	if (fd < 0 || ioctl(fd, BTRFS_IOC_SUBVOL_CREATE, &args) < 0)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot make the subvolume",
				     path);
	return 0;
}

static int make_at(const struct btrfs_top *top, const char *subvol, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", top->path, subvol);
	_cleanup_free_ char *above = xstrdup(path);

	*strrchr(above, '/') = '\0';
	if (files_mkdirs(above, 0755, err) < 0)
		return -1;
	return btrfs_make_subvolume(path, err);
}

static int make_default(const struct btrfs_top *top, const char *subvol, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", top->path, subvol);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct btrfs_ioctl_get_subvol_info_args info = { 0 };

	if (fd >= 0 && ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &info) >= 0) {
		__u64 id = info.treeid;
		if (ioctl(fd, BTRFS_IOC_DEFAULT_SUBVOL, &id) >= 0)
			return 0;
	}
	return err_set_errno(err, ERR_OPERATOR, "%s: cannot be made the default", path);
}

int btrfs_make_subvolumes(const struct storage *s, const struct layout *target,
			  const char *device, struct err *err)
{
	_cleanup_btrfs_top_ struct btrfs_top top = BTRFS_TOP_INIT;
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *first = NULL;

	for (size_t i = 0; i < target->n_fs; i++) {
		_cleanup_free_ char *subvol = btrfs_subvol(target->fs[i].options);

		if (!streq(target->fs[i].device, device))
			continue;
		if (!first)
			first = xstrdup(subvol ? subvol : "");
		if (subvol && *subvol)
			strv_add(&names, subvol);
	}
	strv_sort(&names);
	strv_uniq(&names);
	if (names.n == 0)
		return 0;
	if (btrfs_top_open(&top, s, device, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (make_at(&top, names.v[i], err) < 0)
			return -1;
	return *first ? make_default(&top, first, err) : 0;
}
