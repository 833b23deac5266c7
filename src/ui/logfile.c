/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens the files that log sinks append to. */
#include "ui/logfile.h"

#include <fcntl.h>

#include "sys/files.h"

FILE *ui_logfile_open(const char *path, struct err *err)
{
	_cleanup_free_ char *dir = xstrdup(path);
	_cleanup_close_ int fd = -1;
	char *slash = strrchr(dir, '/');

	if (slash && slash != dir) {
		*slash = '\0';
		if (files_mkdirs(dir, 0750, err) < 0)
			return NULL;
	}
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "a");
	if (!f)
		err_set_errno(err, ERR_OPERATOR, "open the log %s", path);
	else
		(void)TAKE_FD(fd);
	return f;
}
