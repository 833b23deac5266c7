/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overlays, one a file system. */
#include "phase/parts.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sys/files.h"
#include "sys/xattrs.h"

void parts_done(struct parts *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].path);
		free(p->v[i].upper);
		free(p->v[i].work);
		free(p->v[i].middle);
	}
	free(p->v);
	*p = (struct parts)PARTS_INIT;
}

void parts_of(const struct job *job, const char *upper, const char *work,
	      struct parts *ret)
{
	const json_t *list = json_object_get(job->facts, "parts");
	size_t n = json_array_size(list);

	ret->v = xcalloc(n + 1, sizeof(*ret->v));
	ret->n = n + 1;
	ret->v[0] = (struct part){ xstrdup(""), xstrdup(upper), xstrdup(work), NULL };
	for (size_t i = 1; i <= n; i++) {
		const char *path = json_string_value(json_array_get(list, i - 1));

		ret->v[i] = (struct part){ xstrdup(path ? path : ""),
					   xasprintf("%s-%zu", upper, i),
					   xasprintf("%s-%zu", work, i), NULL };
	}
}

void parts_of_job(const struct job *job, struct parts *ret)
{
	parts_of(job, job->upper, job->work, ret);
}

int parts_place(const char *top, const char *path, struct err *err)
{
	_cleanup_close_ int dir = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	if (dir < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot open %s", top);
	if (!*path)
		return TAKE_FD(dir);
	int fd = (int)syscall(SYS_openat2, dir, path + 1, &how, sizeof(how));
	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR,
				     "%s: cannot open the directory %s", top, path);
	return fd;
}

static char *full_path(const struct part *p, const char *top)
{
	return xasprintf("%s%s", top, p->path);
}

static bool is_empty(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	bool empty = d != NULL;

	while (d && empty && (e = readdir(d)) != NULL)
		empty = streq(e->d_name, ".") || streq(e->d_name, "..");
	if (d)
		closedir(d);
	else
		close_p(&copy);
	return empty;
}

/* The top of an overlay is that of its upper tree: a new one is made like what it covers. */
static int cover(const struct part *p, const char *lower, struct err *err)
{
	const char *below = p->middle ? p->middle : lower;
	_cleanup_close_ int from = open(below, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int to =
		p->upper ? open(p->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	const struct xattrs_of source = { .fd = from }, target = { .fd = to };
	_cleanup_(xattrs_done) struct xattrs x = { 0 };
	const char *failed = "";
	struct stat st;

	if (!p->upper || (to >= 0 && !is_empty(to)))
		return 0;
	if (from < 0 || to < 0 || fstat(from, &st) < 0 || xattrs_read(&x, &source) < 0 ||
	    fchown(to, st.st_uid, st.st_gid) < 0 || fchmod(to, st.st_mode & 07777) < 0 ||
	    xattrs_apply(&x, &target, &failed) < 0 ||
	    futimens(to, (struct timespec[]){ st.st_atim, st.st_mtim }) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot make %s like %s%s%s",
				     p->upper, below, *failed ? ": " : "", failed);
	return 0;
}

/* The top's name is ours; what is below it is looked up by nobody but parts_place. */
static int attach_one(const struct part *p, const char *lower, const char *target,
		      enum mount_overlay how, struct err *err)
{
	struct mount_layers l = { lower, p->middle, p->upper, p->work };

	if (!*p->path)
		return cover(p, lower, err) < 0 ? -1 : mount_layers(&l, target, how, err);
	_cleanup_close_ int from = parts_place(lower, p->path, err);
	_cleanup_close_ int to = from < 0 ? -1 : parts_place(target, p->path, err);
	if (to < 0)
		return -1;
	_cleanup_free_ char *from_name = xasprintf("/proc/self/fd/%d", from);
	_cleanup_free_ char *to_name = xasprintf("/proc/self/fd/%d", to);
	l.lower = from_name;
	if (cover(p, from_name, err) < 0 || mount_layers(&l, to_name, how, err) < 0)
		return err_prefix(err, "%s%s", target, p->path);
	return 0;
}

int parts_attach(const struct parts *p, const char *lower, const char *target,
		 enum mount_overlay how, struct err *err)
{
	struct err ignored = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		_cleanup_free_ char *place = full_path(&p->v[i], target);

		if (mount_is_mountpoint(place) ||
		    attach_one(&p->v[i], lower, target, how, err) == 0)
			continue;
		/* what is half there would be taken for all of it */
		(void)!parts_detach(p, target, &ignored);
		return -1;
	}
	return 0;
}

int parts_detach(const struct parts *p, const char *target, struct err *err)
{
	for (size_t i = p->n; i-- > 0;) {
		_cleanup_free_ char *place = full_path(&p->v[i], target);

		if (mount_umount(place, err) < 0)
			return -1;
	}
	return 0;
}

int parts_release(const struct parts *p, const char *target, struct err *err)
{
	for (size_t i = p->n; i-- > 0;) {
		const struct part *part = &p->v[i];
		_cleanup_free_ char *place = full_path(part, target);

		if (mount_overlay_end(part->upper, part->work, place, err) < 0)
			return -1;
	}
	return 0;
}

int parts_make(const struct parts *p, struct err *err)
{
	for (size_t i = 0; i < p->n; i++) {
		if (files_mkdirs(p->v[i].upper, 0755, err) < 0 ||
		    files_mkdirs(p->v[i].work, 0755, err) < 0)
			return -1;
	}
	return 0;
}
