/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each superblock of NFS is a directory in sysfs, with a switch. */
#include "sys/nfs-client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"

/* linux/mount.h, which cannot be included beside sys/mount.h */
#define FSOPEN_CLOEXEC_	     1u
#define FSMOUNT_CLOEXEC_     1u
#define FSCONFIG_CMD_CREATE_ 6u

/* What sysfs shows of networks is what belonged to who mounted it; nobody else sees this one. */
static int open_sysfs(struct err *err)
{
	_cleanup_close_ int fs = (int)syscall(SYS_fsopen, "sysfs", FSOPEN_CLOEXEC_);
	int fd = -1;

	if (fs >= 0 &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE_, NULL, NULL, 0) == 0)
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC_, 0);
	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot mount a /sys");
	return fd;
}

/* 1: this one has no switch. */
static int shut_one(int dir, const char *name, bool dry, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/shutdown", name);
	_cleanup_close_ int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd < 0 || (!dry && write(fd, "1\n", 2) < 0))
		return err_set_errno(err, ERR_OPERATOR, "/sys/fs/nfs/%s", path);
	return 0;
}

int nfs_client_shutdown(const struct strv *only, bool dry, struct err *err)
{
	_cleanup_close_ int sys = open_sysfs(err);
	int dir, rc, result = 1;
	struct dirent *e;

	if (sys < 0)
		return -1;
	dir = openat(sys, "fs/nfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 && errno == ENOENT)
		return 1;
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	if (!d) {
		close_p(&dir);
		return err_set_errno(err, ERR_OPERATOR, "/sys/fs/nfs");
	}
	while (result >= 0 && (e = readdir(d)) != NULL) {
		if (*e->d_name == '.' || (only && !strv_has(only, e->d_name)))
			continue;
		rc = shut_one(dir, e->d_name, dry, err);
		if (rc <= 0)
			result = rc;
	}
	closedir(d);
	return result;
}
