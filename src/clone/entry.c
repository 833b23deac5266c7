/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files, links, devices, fifos and sockets. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "clone/clone-internal.h"

/* More of a file is asked for while it is copied. */
#define ASK_MOST ((off_t)512 << 10)

static int open_source(int dir, const char *name)
{
	/* O_NONBLOCK: should it have become a fifo. O_NOATIME is for the owner and root only. */
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(dir, name, flags | O_NOATIME);

	return fd < 0 && errno == EPERM ? openat(dir, name, flags) : fd;
}

/* Then it is not even opened: that would be a journey. */
static bool ask_known(struct worker *w, const struct open_dir *d, const char *name,
		      struct ahead *a)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;

	if (statx(d->from, name, flags, CLONE_STATX, &a->sx) < 0)
		return false;
	a->known = known_entry(w->c, dir_path(w, d, name), &a->sx, &a->line);
	return a->known != CLONE_KNOWN_NOT;
}

void entry_ahead(struct worker *w, const struct open_dir *d, const char *name,
		 unsigned char type, struct ahead *a)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;

	*a = (struct ahead){ .fd = -1 };
	if (w->c->job->known && ask_known(w, d, name, a))
		return;
	if (type == DT_REG) {
		a->fd = open_source(d->from, name);
		if (a->fd < 0) {
			a->errnum = errno;
			return;
		}
	}
	int rc = a->fd >= 0 ? statx(a->fd, "", AT_EMPTY_PATH, CLONE_STATX, &a->sx)
			    : statx(d->from, name, flags, CLONE_STATX, &a->sx);
	if (rc < 0)
		a->errnum = errno;
	else if (a->fd >= 0 && a->sx.stx_size > 0 && w->c->job->limit == 0)
		posix_fadvise(a->fd, 0, MIN((off_t)a->sx.stx_size, ASK_MOST),
			      POSIX_FADV_WILLNEED);
}

struct entry {
	struct open_dir *d;
	const char *name, *path;
	struct statx *sx;
	int fd;		   /* of a regular file of the source */
	struct str target; /* of a symbolic link */
	struct manifest_entry line;
	bool incomplete; /* it could not be read: nothing for the manifest */
};

static void entry_done(struct entry *e)
{
	str_done(&e->target);
	manifest_entry_done(&e->line);
}

static char type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 'f';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	default:
		return 0; /* a socket: the manifest has none */
	}
}

static void note_changes(struct worker *w, const struct entry *e)
{
	struct statx now;

	if (statx(e->fd, "", AT_EMPTY_PATH, STATX_MTIME | STATX_SIZE, &now) == 0 &&
	    (now.stx_size != e->sx->stx_size ||
	     now.stx_mtime.tv_sec != e->sx->stx_mtime.tv_sec ||
	     now.stx_mtime.tv_nsec != e->sx->stx_mtime.tv_nsec))
		clone_note(w->c, CLONE_NOTE_CHANGED, e->path, "it changed meanwhile");
}

static int copy_data(struct worker *w, struct entry *e, int to, struct err *err)
{
	struct data data = {
		.from = e->fd,
		.to = to,
		.path = e->path,
		.size = e->sx->stx_size,
		.blocks = e->sx->stx_blocks,
		.no_reflink = atomic_load(&e->d->no_reflink),
	};

	if (data_copy(w, &data, err) < 0)
		return -1;
	if (data.no_reflink)
		atomic_store(&e->d->no_reflink, true);
	note_changes(w, e);
	e->incomplete = data.unreadable;
	e->line.type = data.type;
	e->line.size = data.size;
	memcpy(e->line.sha256, data.sha256, sizeof(data.sha256));
	return 0;
}

static int make_regular(struct worker *w, struct entry *e, struct err *err)
{
	const struct xattrs_of of = { .fd = e->fd, .dir_fd = -1 };
	const mode_t mode = e->sx->stx_mode & 07777;
	/* A new name in a directory of ours gets just the mode that is asked for, unless the umask or a change of
	 * the owner takes something away. */
	const struct meta m = { .path = e->path,
				.sx = e->sx,
				.xattrs = &w->xattrs,
				.mode_is_set = (mode & 07022) == 0 && !e->d->existed };
	_cleanup_close_ int to =
		openat(e->d->to, e->name,
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0755);
	char *flags = e->line.flags;

	if (to < 0)
		return clone_failed(e->path, "cannot make the file", err);
	flags_read(e->fd, flags);
	/* Only an empty file can be told not to copy on write. */
	if (strchr(flags, 'C'))
		meta_flags(w->c, to, e->path, "C");
	if (copy_data(w, e, to, err) < 0)
		return -1;
	meta_read_xattrs(w, &of, e->path);
	xattrs_digest(&w->xattrs, e->line.xattrs);
	if (meta_apply(w, to, &m, err) < 0)
		return -1;
	if (e->sx->stx_nlink < 2 || !flags[0]) {
		meta_flags(w->c, to, e->path, flags);
		return 0;
	}
	pool_lock(&w->c->pool);
	strv_add(&w->c->late_flags, e->path);
	strv_add(&w->c->late_flags, flags);
	pool_unlock(&w->c->pool);
	return 0;
}

static int read_target(struct worker *w, struct entry *e)
{
	char buf[4097];
	ssize_t n = readlinkat(e->d->from, e->name, buf, sizeof(buf));

	if (n < 0)
		return -1;
	str_reset(&e->target);
	str_addn(&e->target, buf, (size_t)n);
	return 0;
}

static int make_other(struct worker *w, struct entry *e, struct err *err)
{
	const struct xattrs_of of = { .fd = -1, .dir_fd = e->d->from, .name = e->name };
	const struct meta m = { .path = e->path, .sx = e->sx, .xattrs = &w->xattrs };
	const struct statx *sx = e->sx;
	int rc;

	if (S_ISLNK(sx->stx_mode))
		rc = symlinkat(str_c(&e->target), e->d->to, e->name);
	else
		rc = mknodat(e->d->to, e->name, (sx->stx_mode & S_IFMT) | 0600,
			     makedev(sx->stx_rdev_major, sx->stx_rdev_minor));
	if (rc < 0 && meta_is_lost(errno)) {
		clone_note_errno(w->c, CLONE_NOTE_LOST, e->path, "cannot be made here");
		e->incomplete = true;
		return 0;
	}
	if (rc < 0)
		return clone_failed(e->path, "cannot be made", err);
	meta_read_xattrs(w, &of, e->path);
	xattrs_digest(&w->xattrs, e->line.xattrs);
	return meta_apply_at(w, e->d->to, e->name, &m, err);
}

/* What an earlier copy left there is the same: only the manifest needs to know it. */
static int keep(struct worker *w, struct entry *e, struct err *err)
{
	const struct xattrs_of of = { .fd = e->fd,
				      .dir_fd = e->d->from,
				      .name = e->name };
	bool regular = S_ISREG(e->sx->stx_mode);

	if (w->c->lines.fd < 0) {
		if (regular)
			atomic_fetch_add(&w->c->seen, e->sx->stx_size);
		return 0;
	}
	meta_read_xattrs(w, &of, e->path);
	xattrs_digest(&w->xattrs, e->line.xattrs);
	if (!regular)
		return 0;
	flags_read(e->fd, e->line.flags);
	return copy_data(w, e, -1, err);
}

/* `id`: of a file with several names, or SORTED_NO_LINK. 1: it is there and stays. */
static int stays(struct worker *w, const struct entry *e, uint32_t id, struct err *err)
{
	struct stat st;

	if (!w->c->job->to)
		return 1;
	if (!w->c->job->update || !e->d->existed)
		return 0;
	int rc = update_entry(w, e->d, e->name, e->sx, &st, err);
	if (rc <= 0 || id == SORTED_NO_LINK || linked_keep(&w->c->linked, id, &st))
		return rc;
	/* It is another file's copy. */
	if (unlinkat(e->d->to, e->name, 0) < 0)
		return clone_failed(e->path, "cannot be removed", err);
	return 0;
}

static int make(struct worker *w, struct entry *e, uint32_t id, struct err *err)
{
	int rc = stays(w, e, id, err);

	if (rc < 0)
		return -1;
	if (rc > 0)
		return keep(w, e, err);
	if (w->c->job->update && e->fd >= 0)
		clone_note(w->c, CLONE_NOTE_CHANGED, e->path,
			   "it is not what the first pass has copied");
	atomic_fetch_add(&w->c->files, 1);
	return e->fd >= 0 ? make_regular(w, e, err) : make_other(w, e, err);
}

/* The manifest's line into w->line; false where there is nothing to tell. */
static bool line_of(struct worker *w, struct entry *e)
{
	char type = type_of(e->sx->stx_mode);

	str_reset(&w->line);
	if (w->c->lines.fd < 0 || type == 0 || e->incomplete)
		return false;
	if (type == 'f')
		type = e->line.type;
	meta_entry(&e->line, e->path, type, e->sx);
	if (type == 'l')
		str_add(&e->line.target, str_c(&e->target));
	manifest_entry_write(&e->line, &w->line);
	return true;
}

/* 1: it was linked. 0: the destination cannot link it (any more). */
static int make_link(struct worker *w, struct entry *e, uint32_t id, struct err *err)
{
	_cleanup_free_ char *first = NULL;
	const char *name;
	struct stat here, there;

	if (!w->c->job->to)
		return 1;
	if (linked_get(&w->c->linked, id, &first, NULL, err) < 0)
		return -1;
	int dir = dirs_parent(&w->link_dirs, first, &name);
	if (dir < 0)
		return clone_failed(e->path, "its other name cannot be reached", err);
	if (w->c->job->update &&
	    fstatat(e->d->to, e->name, &here, AT_SYMLINK_NOFOLLOW) == 0) {
		if (fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		    here.st_dev == there.st_dev && here.st_ino == there.st_ino)
			return 1;
		if (unlinkat(e->d->to, e->name, 0) < 0)
			return clone_failed(e->path, "cannot be removed", err);
	}
	if (linkat(dir, name, e->d->to, e->name, 0) == 0) {
		atomic_fetch_add(&w->c->files, 1);
		return 1;
	}
	if (errno != EMLINK && !meta_is_lost(errno))
		return clone_failed(e->path, "cannot be linked", err);
	clone_note_errno(w->c, CLONE_NOTE_LOST, e->path, "is a file of its own now");
	return 0;
}

static int copy_single(struct worker *w, struct entry *e, struct err *err)
{
	if (make(w, e, SORTED_NO_LINK, err) < 0)
		return -1;
	if (!line_of(w, e))
		return 0;
	return sorted_add(&w->c->lines, &w->lines, e->path, w->line.p, SORTED_NO_LINK,
			  err);
}

static int copy_linked(struct worker *w, struct entry *e, struct err *err)
{
	struct linked *l = &w->c->linked;
	uint32_t id;
	int rc = linked_claim(l, e->sx, &id);

	if (rc > 0) {
		rc = make_link(w, e, id, err);
		if (rc == 0)
			return copy_single(w, e, err);
		if (rc < 0 || w->c->lines.fd < 0 || type_of(e->sx->stx_mode) == 0)
			return MIN(rc, 0);
		return sorted_add(&w->c->lines, &w->lines, e->path, "", id, err);
	}
	if (make(w, e, id, err) < 0 || e->incomplete) {
		linked_failed(l, id);
		return e->incomplete ? 0 : -1;
	}
	bool told = line_of(w, e);
	if (linked_made(l, id, e->path, str_c(&w->line), err) < 0)
		return -1;
	return told ? sorted_add(&w->c->lines, &w->lines, e->path, "", id, err) : 0;
}

static int copy_seen(struct worker *w, struct entry *e, struct err *err)
{
	if (e->fd < 0 && S_ISREG(e->sx->stx_mode))
		e->fd = open_source(e->d->from, e->name);
	/* It is another file now than a moment ago. */
	if (S_ISREG(e->sx->stx_mode) != (e->fd >= 0)) {
		clone_note(w->c, CLONE_NOTE_VANISHED, e->path, "it is another file now");
		return 0;
	}
	if (S_ISLNK(e->sx->stx_mode) && read_target(w, e) < 0) {
		clone_note_errno(w->c, CLONE_NOTE_UNREADABLE, e->path, "cannot be read");
		return 0;
	}
	/* A file that is a mount point: the one below it cannot be seen. */
	if ((e->sx->stx_mask & STATX_MNT_ID) && (e->d->sx.stx_mask & STATX_MNT_ID) &&
	    e->sx->stx_mnt_id != e->d->sx.stx_mnt_id)
		e->sx->stx_size = 0;
	return e->sx->stx_nlink > 1 ? copy_linked(w, e, err) : copy_single(w, e, err);
}

static int tell_known(struct worker *w, const struct entry *e, struct ahead *a,
		      struct err *err)
{
	const struct xattrs_of of = { .fd = -1, .dir_fd = e->d->from, .name = e->name };

	if (S_ISREG(e->sx->stx_mode))
		atomic_fetch_add(&w->c->seen, e->sx->stx_size);
	return known_line(w, &of, e->path, e->sx, a->known, &a->line, err);
}

/* 1: with what the caller knows it is done; 0: it must be copied, or read. */
static int is_known(struct worker *w, const struct entry *e, struct ahead *a,
		    struct err *err)
{
	if (a->known == CLONE_KNOWN_NOT)
		return 0;
	int rc = stays(w, e, SORTED_NO_LINK, err);
	return rc > 0 && tell_known(w, e, a, err) < 0 ? -1 : rc;
}

int entry_copy(struct worker *w, struct open_dir *d, const char *name, struct ahead *a,
	       struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s%s%s", d->path, *d->path ? "/" : "",
					      name);
	_cleanup_(entry_done) struct entry e = {
		.d = d, .name = name, .path = path, .sx = &a->sx, .fd = a->fd
	};

	if (a->errnum != 0) {
		errno = a->errnum;
		clone_note_errno(w->c, CLONE_NOTE_UNREADABLE, path, "cannot be read");
		return 0;
	}
	int rc = is_known(w, &e, a, err);
	if (rc == 0)
		rc = copy_seen(w, &e, err);
	/* The window's owner closes it. */
	a->fd = e.fd;
	return MIN(rc, 0);
}
