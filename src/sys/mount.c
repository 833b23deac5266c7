/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts in a private namespace: binds, tmpfs, unmounting, space. Overlays are in mount-overlay.c. */
#include "sys/mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static int first_namespace = -1, first_root = -1;

int mount_first_namespace(struct err *err)
{
	if (first_namespace < 0)
		first_namespace = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (first_namespace < 0)
		return err_set_errno(err, ERR_OPERATOR, "/proc/self/ns/mnt");
	return first_namespace;
}

/* Entering a mount namespace gives its own root, which is not that of a process in a chroot. */
int mount_first_root(struct err *err)
{
	if (first_root < 0)
		first_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (first_root < 0)
		return err_set_errno(err, ERR_OPERATOR, "/");
	return first_root;
}

int mount_private_namespace(struct err *err)
{
	static bool done;

	if (done)
		return 0;
	if (mount_first_namespace(err) < 0 || mount_first_root(err) < 0)
		return -1;
	if (unshare(CLONE_NEWNS) < 0) {
		int denied = errno == EPERM;
		err_set_errno(err, ERR_OPERATOR, "cannot make a mount namespace");
		return denied ? err_remedy(err, "run as root") : -1;
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot make the mounts private");
	done = true;
	return 0;
}

/* A remount for read-only replaces all flags: those that are there must be given again. */
static unsigned long flags_of(const char *path)
{
	static const struct {
		unsigned long st, ms;
	} pairs[] = {
		{ ST_NOSUID, MS_NOSUID },     { ST_NODEV, MS_NODEV },
		{ ST_NOEXEC, MS_NOEXEC },     { ST_NOATIME, MS_NOATIME },
		{ ST_RELATIME, MS_RELATIME }, { ST_NODIRATIME, MS_NODIRATIME },
	};
	struct statvfs sv;
	unsigned long flags = 0;

	if (statvfs(path, &sv) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (sv.f_flag & pairs[i].st)
			flags |= pairs[i].ms;
	return flags;
}

int mount_bind(const char *source, const char *target, bool read_only, struct err *err)
{
	if (mount(source, target, NULL, MS_BIND, NULL) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot bind %s to %s", source,
				     target);
	/* where mounts are shared, as systemd has them, what is mounted below one of the two would come and go at the other */
	if (mount(NULL, target, NULL, MS_PRIVATE, NULL) < 0) {
		err_set_errno(err, ERR_OPERATOR, "cannot make %s private", target);
		umount2(target, UMOUNT_NOFOLLOW | MNT_DETACH);
		return -1;
	}
	if (!read_only)
		return 0;
	unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | flags_of(target);
	if (mount(NULL, target, NULL, flags, NULL) < 0) {
		err_set_errno(err, ERR_OPERATOR, "cannot make %s read-only", target);
		umount2(target, UMOUNT_NOFOLLOW | MNT_DETACH);
		return -1;
	}
	return 0;
}

int mount_tmpfs(const char *target, const char *options, struct err *err)
{
	if (mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot mount a tmpfs at %s",
				     target);
	return 0;
}

int mount_umount(const char *target, struct err *err)
{
	/* Processes that were just killed may still be on their way out. */
	for (int tries = 0; umount2(target, UMOUNT_NOFOLLOW) < 0; tries++) {
		if (errno == EINVAL || errno == ENOENT)
			return 0;
		if (errno != EBUSY || tries >= 20) {
			bool busy = errno == EBUSY;
			err_set_errno(err, ERR_OPERATOR, "cannot unmount %s", target);
			return busy ? err_remedy(err, "fuser -vm %s", target) : -1;
		}
		poll(NULL, 0, 100);
	}
	return 0;
}

/* A working directory in what was forgotten would keep it: the same name is another directory now, if there is one. */
static int leave(const char *cwd, struct err *err)
{
	if (!cwd || chdir(cwd) == 0 || chdir("/") == 0)
		return 0;
	return err_set_errno(err, ERR_OPERATOR, "cannot leave %s", cwd);
}

int mount_forget_below(const char *dir, struct err *err)
{
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	DIR *d = opendir(dir);
	struct dirent *e;
	int rc = 0;

	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return err_set_errno(err, ERR_OPERATOR, "cannot read %s", dir);
	while (rc == 0 && (e = readdir(d)) != NULL) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, e->d_name);

		if (streq(e->d_name, ".") || streq(e->d_name, ".."))
			continue;
		while (umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH) == 0)
			;
		/* EINVAL: nothing is mounted there */
		if (errno != EINVAL && errno != ENOENT)
			rc = err_set_errno(err, ERR_OPERATOR, "cannot forget %s", path);
	}
	closedir(d);
	return rc < 0 ? rc : leave(cwd, err);
}

bool mount_is_mountpoint(const char *path)
{
	struct statx stx = { 0 };

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE,
		  &stx) < 0)
		return false;
	return (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

bool mount_is_read_only(const char *path)
{
	struct statvfs sv;

	return statvfs(path, &sv) == 0 && (sv.f_flag & ST_RDONLY) != 0;
}

int mount_space(const char *path, uint64_t *ret_free, uint64_t *ret_total,
		struct err *err)
{
	struct statvfs sv;

	if (statvfs(path, &sv) < 0)
		return err_set_errno(err, ERR_OPERATOR,
				     "cannot learn the free space at %s", path);
	*ret_free = (uint64_t)sv.f_bfree * sv.f_frsize;
	*ret_total = (uint64_t)sv.f_blocks * sv.f_frsize;
	return 0;
}
