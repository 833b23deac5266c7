/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nim: showres and showlog. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "cli/nim.h"
#include "sys/files.h"

static int print_file(const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[65536];
	ssize_t n;

	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "open %s", path);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	if (n < 0)
		return err_set_errno(err, ERR_OPERATOR, "read %s", path);
	return 0;
}

int nim_showres(struct nim_request *r, struct err *err)
{
	const char *location = object_get(&r->object, "location");

	if (!location || !r->handler || !files_exists(location)) {
		err_set(err, ERR_OPERATOR, "%s '%s': there is no %s", r->type->name,
			r->name, location ? location : "location");
		return err_remedy(err, "nim -o check %s", r->name);
	}
	if (r->handler->show)
		return r->handler->show(r, location, err);
	return print_file(location, err);
}

/* --- logs --- */

/* The log that was written last: a job's or the one of nim itself. NULL: there is none. */
static char *newest_log(const char *dir)
{
	DIR *d = opendir(dir);
	struct timespec best = { 0 };
	char *path = NULL;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		struct stat st;

		if (!ends_with(e->d_name, ".log") ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (path && (st.st_mtim.tv_sec < best.tv_sec ||
			     (st.st_mtim.tv_sec == best.tv_sec &&
			      st.st_mtim.tv_nsec < best.tv_nsec)))
			continue;
		best = st.st_mtim;
		free(path);
		path = xasprintf("%s/%s", dir, e->d_name);
	}
	if (d)
		closedir(d);
	return path;
}

int nim_showlog(struct nim_request *r, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/log/%s", r->cli->state_dir, r->name);
	const char *job = nim_given(r, "job");
	_cleanup_free_ char *path = job ? xasprintf("%s/%s.log", dir, job)
					: newest_log(dir);

	if (path && files_exists(path))
		return print_file(path, err);
	if (job)
		err_set(err, ERR_NOTFOUND, "there is no log of job %s of '%s'", job,
			r->name);
	else
		err_set(err, ERR_NOTFOUND, "there is no log of '%s'", r->name);
	return err_remedy(err, "ls %s shows the logs there are", dir);
}
