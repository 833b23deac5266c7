/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File locks (open file description locks). */
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "sys/clock.h"
#include "sys/signal.h"

/* The file may have been removed and made anew while we waited for the old one's lock. */
static bool is_current(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Who holds it: the kernel does not tell for these locks, so the holder writes its pid. */
static int held_by_other(int fd, const char *path, struct err *err)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strspn(text, "0123456789")] = '\0';
	if (text[0] == '\0')
		return err_set(err, ERR_LOCKED, "%s is locked by another process", path);
	return err_set(err, ERR_LOCKED, "%s is locked by process %s", path, text);
}

/* 0: taken; 1: held by another; -1. */
static int try_lock(int fd, struct err *err, const char *path)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &fl) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return 1;
	return err_set_errno(err, ERR_OPERATOR, "cannot lock %s", path);
}

/* The lock file's pid is a courtesy to the next one who asks; failing to write it is no failure. */
static void write_pid(int fd)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) < 0)
		errno = 0;
}

int lock_file(const char *path, unsigned wait_s, struct err *err)
{
	double deadline = clock_mono() + wait_s;

	for (;;) {
		_cleanup_close_ int fd =
			open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return err_set_errno(err, ERR_OPERATOR,
					     "cannot open the lock file %s", path);
		int rc = try_lock(fd, err, path);
		if (rc < 0)
			return -1;
		if (rc == 0 && is_current(fd, path)) {
			write_pid(fd);
			return TAKE_FD(fd);
		}
		if (rc == 0)
			continue;
		if (clock_mono() >= deadline)
			return held_by_other(fd, path, err);
		if (cancel_check(err) < 0)
			return -1;
		struct pollfd cancelled = { .fd = cancel_fd(), .events = POLLIN };
		poll(&cancelled, 1, 100);
	}
}
