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

/* Below the directory of sysfs; -1 and err. 1: there is none. */
static int open_below(int dir, const char *path, int flags, int *ret_fd, struct err *err)
{
	*ret_fd = openat(dir, path, flags | O_CLOEXEC);
	if (*ret_fd < 0 && errno == ENOENT)
		return 1;
	return *ret_fd < 0 ? err_set_errno(err, ERR_OPERATOR, "/sys/%s", path) : 0;
}

int nfs_client_open_switch(const char *device, int *ret_fd, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("fs/nfs/%s/shutdown", device);
	_cleanup_close_ int sys = open_sysfs(err);

	return sys < 0 ? -1 : open_below(sys, path, O_RDWR, ret_fd, err);
}

int nfs_client_switch_off(int fd, bool dry, struct err *err)
{
	char byte;

	if ((dry ? pread(fd, &byte, 1, 0) : pwrite(fd, "1\n", 2, 0)) > 0)
		return 0;
	if (errno == ENODEV)
		return 1;
	return err_set_errno(err, ERR_OPERATOR, "/sys/fs/nfs");
}

/* 1: this one has no switch. */
static int shut_one(int dir, const char *name, bool dry, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("fs/nfs/%s/shutdown", name);
	_cleanup_close_ int fd = -1;
	int rc = open_below(dir, path, O_RDWR, &fd, err);

	return rc == 0 ? nfs_client_switch_off(fd, dry, err) : rc;
}

int nfs_client_shutdown(bool dry, struct err *err)
{
	_cleanup_close_ int sys = open_sysfs(err);
	int dir, rc, result = 1;
	struct dirent *e;

	if (sys < 0)
		return -1;
	rc = open_below(sys, "fs/nfs", O_RDONLY | O_DIRECTORY, &dir, err);
	if (rc != 0)
		return rc;
	DIR *d = fdopendir(dir);
	if (!d) {
		close_p(&dir);
		return err_set_errno(err, ERR_OPERATOR, "/sys/fs/nfs");
	}
	while (result >= 0 && (e = readdir(d)) != NULL) {
		if (*e->d_name == '.')
			continue;
		rc = shut_one(sys, e->d_name, dry, err);
		if (rc <= 0)
			result = rc;
	}
	closedir(d);
	return result;
}
