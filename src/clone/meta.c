/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owner, mode, times, extended attributes and inode flags. */
#include <errno.h>
#include <fcntl.h>

#include "clone/clone-internal.h"

bool meta_is_lost(int errnum)
{
	return errnum == EOPNOTSUPP || errnum == EPERM || errnum == EINVAL ||
	       errnum == ENOSYS || errnum == EOVERFLOW || errnum == ENOTTY;
}

void meta_entry(struct manifest_entry *e, const char *path, char type,
		const struct statx *sx)
{
	e->type = type;
	e->mode = sx->stx_mode & 07777;
	e->uid = sx->stx_uid;
	e->gid = sx->stx_gid;
	e->sec = sx->stx_mtime.tv_sec;
	e->nsec = sx->stx_mtime.tv_nsec;
	e->major = sx->stx_rdev_major;
	e->minor = sx->stx_rdev_minor;
	str_reset(&e->path);
	str_add(&e->path, path);
}

void meta_read_xattrs(struct worker *w, const struct xattrs_of *of, const char *path)
{
	if (xattrs_read(&w->xattrs, of) == 0)
		return;
	clone_note_errno(w->c, CLONE_NOTE_UNREADABLE, path,
			 "its extended attributes cannot be read");
	xattrs_reset(&w->xattrs);
}

/* 0 also where it was told as lost. */
static int lost(struct worker *w, const char *path, const char *what, struct err *err)
{
	if (!meta_is_lost(errno))
		return clone_failed(path, what, err);
	clone_note_errno(w->c, CLONE_NOTE_LOST, path, what);
	return 0;
}

static int apply_xattrs(struct worker *w, const struct xattrs_of *of,
			const struct meta *m, struct err *err)
{
	struct xattrs one = { 0 };
	const char *name, *failed = "";
	const void *value;
	size_t len;
	int rc = 0;

	if (m->xattrs->n == 0 || xattrs_apply(m->xattrs, of, &failed) == 0)
		return 0;
	/* One by one: what cannot be set must not keep the others away. Of an attribute that is too large, ext4 says
	 * that there is no space. */
	for (size_t pos = 0;
	     rc == 0 && xattrs_next(m->xattrs, &pos, &name, &value, &len);) {
		xattrs_reset(&one);
		xattrs_add(&one, name, value, len);
		if (xattrs_apply(&one, of, &failed) == 0)
			continue;
		_cleanup_free_ char *what =
			xasprintf("cannot set the extended attribute %.200s", name);
		if (errno == ENOSPC || errno == E2BIG || errno == ERANGE)
			errno = EOPNOTSUPP;
		rc = lost(w, m->path, what, err);
	}
	xattrs_done(&one);
	return rc;
}

static void times_of(const struct statx *sx, struct timespec times[2])
{
	times[0] = (struct timespec){ .tv_sec = sx->stx_atime.tv_sec,
				      .tv_nsec = sx->stx_atime.tv_nsec };
	times[1] = (struct timespec){ .tv_sec = sx->stx_mtime.tv_sec,
				      .tv_nsec = sx->stx_mtime.tv_nsec };
}

static bool is_ours(const struct statx *sx)
{
	return sx->stx_uid == geteuid() && sx->stx_gid == getegid();
}

/* The owner first: its change clears set-id bits and capabilities. */
int meta_apply(struct worker *w, int fd, const struct meta *m, struct err *err)
{
	const struct xattrs_of of = { .fd = fd, .dir_fd = -1 };
	struct timespec times[2];
	bool ours = is_ours(m->sx) && m->mode_is_set;

	if (!ours && fchown(fd, m->sx->stx_uid, m->sx->stx_gid) < 0 &&
	    lost(w, m->path, "cannot set its owner", err) < 0)
		return -1;
	if (!m->mode_is_set && fchmod(fd, m->sx->stx_mode & 07777) < 0 &&
	    lost(w, m->path, "cannot set its mode", err) < 0)
		return -1;
	if (apply_xattrs(w, &of, m, err) < 0)
		return -1;
	times_of(m->sx, times);
	if (futimens(fd, times) < 0 && lost(w, m->path, "cannot set its times", err) < 0)
		return -1;
	return 0;
}

/* Not fchmodat: it would follow a link. The name was made a moment ago, and by us. */
static int chmod_at(int dir, const char *name, mode_t mode)
{
	_cleanup_close_ int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char self[40];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return fd < 0 ? -1 : chmod(self, mode);
}

int meta_apply_at(struct worker *w, int dir, const char *name, const struct meta *m,
		  struct err *err)
{
	const struct xattrs_of of = { .fd = -1, .dir_fd = dir, .name = name };
	struct timespec times[2];

	if (!is_ours(m->sx) &&
	    fchownat(dir, name, m->sx->stx_uid, m->sx->stx_gid, AT_SYMLINK_NOFOLLOW) <
		    0 &&
	    lost(w, m->path, "cannot set its owner", err) < 0)
		return -1;
	if (!S_ISLNK(m->sx->stx_mode) &&
	    chmod_at(dir, name, m->sx->stx_mode & 07777) < 0 &&
	    lost(w, m->path, "cannot set its mode", err) < 0)
		return -1;
	if (apply_xattrs(w, &of, m, err) < 0)
		return -1;
	times_of(m->sx, times);
	if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0 &&
	    lost(w, m->path, "cannot set its times", err) < 0)
		return -1;
	return 0;
}

void meta_flags(struct clone *c, int fd, const char *path, const char *flags)
{
	char have[16];

	if (flags[0] == '\0')
		return;
	if (flags_apply(fd, flags) < 0)
		clone_note_errno(c, CLONE_NOTE_LOST, path, "cannot set its inode flags");
	else if (!flags_read(fd, have) || !flags_are_kept(flags, have))
		clone_note(c, CLONE_NOTE_LOST, path,
			   "its inode flags are not known here");
}
