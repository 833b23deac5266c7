/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading one file of a tree that may be in use: it can vanish, shrink or grow under our hands. */
#include "archive/source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

/* More pieces than this are kept as one: the map must stay small. */
#define EXTENTS_MAX 50000

void source_init(struct source *s)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	digest_init(&s->digest);
}

void source_done(struct source *s)
{
	close_p(&s->fd);
	member_done(&s->m);
	digest_done(&s->digest);
}

static bool has_gone(int errnum)
{
	return errnum == ENOENT || errnum == ELOOP || errnum == ENOTDIR ||
	       errnum == ESTALE;
}

/* 1 when it is not there any more. */
static int failed(const char *path, struct err *err)
{
	if (has_gone(errno))
		return 1;
	err_set_errno(err, ERR_OPERATOR, "cannot read /%s", path);
	return err_remedy(err, "repair it, or leave it out with an exclude pattern");
}

static int open_file(int dir, const char *name, int flags)
{
	/* O_NONBLOCK: should it have become a fifo. O_NOATIME is for the owner and root only. */
	flags |= O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(dir, name, flags | O_NOATIME);

	return fd < 0 && errno == EPERM ? openat(dir, name, flags) : fd;
}

static void fill(struct member *m, char type, const struct stat *st)
{
	m->type = type;
	m->mode = st->st_mode & 07777;
	m->uid = st->st_uid;
	m->gid = st->st_gid;
	m->sec = st->st_mtim.tv_sec;
	m->nsec = (uint32_t)st->st_mtim.tv_nsec;
	if (type == 'c' || type == 'b') {
		m->major = major(st->st_rdev);
		m->minor = minor(st->st_rdev);
	}
}

/* Where the data of a file with holes is. An error only means: no holes known. */
static void find_holes(struct source *s)
{
	off_t size = (off_t)s->m.size, at = 0;

	if (s->st.st_blocks * 512 >= size)
		return;
	off_t hole = lseek(s->fd, 0, SEEK_HOLE);
	if (hole < 0 || hole >= size)
		return;
	s->m.n_map = 0;
	while (at < size) {
		off_t data = lseek(s->fd, at, SEEK_DATA);
		if (data < 0 || data >= size)
			break;
		hole = lseek(s->fd, data, SEEK_HOLE);
		if (hole < 0 || hole > size || s->m.n_map >= EXTENTS_MAX)
			hole = size;
		member_add_extent(&s->m, (uint64_t)data, (uint64_t)(hole - data));
		at = hole;
	}
	/* The end of the file, as GNU tar marks it. */
	member_add_extent(&s->m, s->m.size, 0);
	s->m.type = 's';
}

static int open_regular(struct source *s, const struct walk_record *r, uint64_t most)
{
	uint64_t size = (uint64_t)s->st.st_size;

	s->m.size = size > most && size > r->size ? r->size : size;
	member_add_extent(&s->m, 0, s->m.size);
	find_holes(s);
	s->extent = 0;
	s->done = 0;
	s->short_read = false;
	digest_begin(&s->digest, s->m.type, s->m.size);
	return 0;
}

static int read_link(struct source *s, int dir, const char *name)
{
	char buf[4097];
	ssize_t n = readlinkat(dir, name, buf, sizeof(buf));

	if (n > 0)
		str_addn(&s->m.target, buf, (size_t)n);
	return n > 0 ? 0 : -1;
}

static bool is_type(char type, mode_t mode)
{
	switch (type) {
	case 'f':
		return S_ISREG(mode);
	case 'd':
		return S_ISDIR(mode);
	case 'l':
		return S_ISLNK(mode);
	case 'c':
		return S_ISCHR(mode);
	case 'b':
		return S_ISBLK(mode);
	case 'p':
		return S_ISFIFO(mode);
	case 'h':
		return !S_ISDIR(mode);
	default:
		return false;
	}
}

/* Whether the first name of a file still is the same file. Else this name must bring the contents itself. */
static bool is_linked(int top, const char *target, const struct stat *st)
{
	struct dirs dirs = DIRS_INIT(top, false);
	const char *name;
	struct stat other;
	int dir = dirs_parent(&dirs, target, &name);
	bool same = dir >= 0 && fstatat(dir, name, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
		    other.st_ino == st->st_ino && other.st_dev == st->st_dev;

	dirs_done(&dirs);
	return same;
}

static int open_unlinked(struct source *s, struct dirs *dirs, const struct walk_record *r,
			 uint64_t most, struct err *err)
{
	struct walk_record alone = { .type = S_ISREG(s->st.st_mode)   ? 'f'
					     : S_ISLNK(s->st.st_mode) ? 'l'
					     : S_ISCHR(s->st.st_mode) ? 'c'
					     : S_ISBLK(s->st.st_mode) ? 'b'
								      : 'p',
				     .size = (uint64_t)s->st.st_size,
				     .path = r->path };

	if (alone.type == 'f' && alone.size > most)
		return err_set(
			err, ERR_TRANSIENT,
			"/%s: the other name of this file was removed while the tree was read",
			r->path);
	return source_open(s, dirs, &alone, most, err);
}

int source_open(struct source *s, struct dirs *dirs, const struct walk_record *r,
		uint64_t most, struct err *err)
{
	const char *name;
	int dir = dirs_parent(dirs, r->path, &name);

	close_p(&s->fd);
	s->fd = -1;
	member_reset(&s->m);
	s->sha256[0] = '\0';
	if (dir < 0)
		return failed(r->path, err);
	if (r->type == 'f' || r->type == 'd') {
		s->fd = open_file(dir, name, r->type == 'd' ? O_DIRECTORY : 0);
		if (s->fd < 0 || fstat(s->fd, &s->st) < 0)
			return failed(r->path, err);
	} else if (fstatat(dir, name, &s->st, AT_SYMLINK_NOFOLLOW) < 0) {
		return failed(r->path, err);
	}
	if (!is_type(r->type, s->st.st_mode))
		return 1;
	if (r->type == 'h' && !is_linked(dirs->top, r->target, &s->st))
		return open_unlinked(s, dirs, r, most, err);
	fill(&s->m, r->type, &s->st);
	str_add(&s->m.path, r->path);
	if (s->fd >= 0)
		flags_read(s->fd, s->m.flags);
	if (r->type == 'h') {
		str_add(&s->m.target, r->target);
		return 0;
	}
	if (r->type == 'l' && read_link(s, dir, name) < 0)
		return failed(r->path, err);
	struct xattrs_of of = { .fd = s->fd, .dir_fd = dir, .name = name };
	if (xattrs_read(&s->m.xattrs, &of) < 0)
		return failed(r->path, err);
	return r->type == 'f' ? open_regular(s, r, most) : 0;
}

/* Exactly `n` bytes at `off`, zeros where the file has become shorter. */
static int read_exactly(struct source *s, uint8_t *p, uint64_t off, size_t n,
			struct err *err)
{
	while (n > 0 && !s->short_read) {
		ssize_t got = pread(s->fd, p, n, (off_t)off);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_OPERATOR, "cannot read /%s",
					     s->m.path.p);
		s->short_read = got == 0;
		p += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	memset(p, 0, n);
	return 0;
}

int source_read(struct source *s, struct buf *out, size_t max, struct err *err)
{
	while (s->fd >= 0 && s->extent < s->m.n_map) {
		const struct extent *e = &s->m.map[s->extent];
		size_t n = (size_t)MIN((uint64_t)max, e->len - s->done);

		if (s->done == e->len) {
			s->extent++;
			s->done = 0;
			continue;
		}
		if (max == 0)
			return 0;
		uint8_t *p = buf_room(out, n);
		if (read_exactly(s, p, e->off + s->done, n, err) < 0)
			return -1;
		digest_feed(&s->digest, e->off + s->done, p, n);
		out->len += n;
		s->done += n;
		max -= n;
	}
	return 1;
}

/* What happened to a file while it was read. */
static const char *changes(const struct source *s)
{
	struct stat now;

	if (s->short_read)
		return "it shrank while it was read; padded with zeros";
	if (fstat(s->fd, &now) == 0 &&
	    (now.st_mtim.tv_sec != s->st.st_mtim.tv_sec ||
	     now.st_mtim.tv_nsec != s->st.st_mtim.tv_nsec ||
	     now.st_size != s->st.st_size || s->m.size != (uint64_t)now.st_size))
		return "it changed while it was read";
	return NULL;
}

const char *source_close(struct source *s, struct str *manifest)
{
	const char *note = NULL;
	struct manifest_entry e = {
		.type = s->m.type,
		.mode = s->m.mode,
		.uid = s->m.uid,
		.gid = s->m.gid,
		.sec = s->m.sec,
		.nsec = s->m.nsec,
		.size = s->m.size,
		.major = s->m.major,
		.minor = s->m.minor,
		.path = s->m.path,
		.target = s->m.target,
	};

	if (s->m.type == 'f' || s->m.type == 's') {
		note = changes(s);
		digest_end(&s->digest, s->sha256);
	}
	close_p(&s->fd);
	s->fd = -1;
	memcpy(e.sha256, s->sha256, sizeof(e.sha256));
	memcpy(e.flags, s->m.flags, sizeof(e.flags));
	xattrs_digest(&s->m.xattrs, e.xattrs);
	manifest_entry_write(&e, manifest);
	return note;
}
