/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files, links, devices and directories of an image on disk. */
#include "archive/place.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

void place_shared_init(struct place_shared *s, const struct root *target)
{
	memset(s, 0, sizeof(*s));
	s->target = target;
	s->dir_xattrs = (struct spill)SPILL_INIT;
	pthread_mutex_init(&s->lock, NULL);
}

void place_shared_done(struct place_shared *s)
{
	spill_done(&s->dir_xattrs);
	links_done(&s->dirs);
	pthread_mutex_destroy(&s->lock);
}

void place_init(struct place *p, struct place_shared *shared)
{
	*p = (struct place){
		.shared = shared,
		.dirs = DIRS_INIT(shared->target->fd, true),
		.fd = -1,
	};
}

void place_done(struct place *p)
{
	close_p(&p->fd);
	dirs_done(&p->dirs);
}

static int failed(const char *what, const char *path, struct err *err)
{
	_cleanup_str_ struct str shown = STR_INIT;
	int saved = errno;

	manifest_escape(path, &shown);
	errno = saved;
	if (errno == EEXIST)
		return err_set(err, ERR_OPERATOR,
			       "%s: it is in the image twice, or was in the way",
			       str_c(&shown));
	if (errno == ELOOP || errno == ENOTDIR || errno == EXDEV)
		return err_set(
			err, ERR_OPERATOR,
			"%s: refused: its path leads through something that is no directory",
			str_c(&shown));
	return err_set_errno(err, ERR_OPERATOR, "%s: %s", str_c(&shown), what);
}

static int parent_of(struct place *p, const char *path, const char **ret_name,
		     struct err *err)
{
	int dir = dirs_parent(&p->dirs, path, ret_name);

	return dir < 0 ? failed("cannot make its directory", path, err) : dir;
}

static struct timespec mtime_of(int64_t sec, uint32_t nsec)
{
	return (struct timespec){ .tv_sec = sec, .tv_nsec = (long)nsec };
}

/* Owner first (it clears set-id bits and capabilities), then mode, attributes, time. For an open file. */
static int set_metadata(int fd, const struct manifest_entry *e, const struct xattrs *x,
			struct err *err)
{
	const char *path = str_c(&e->path), *name = "";
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     mtime_of(e->sec, e->nsec) };
	struct xattrs_of of = { .fd = fd };

	if ((e->uid != geteuid() || e->gid != getegid()) &&
	    fchown(fd, e->uid, e->gid) < 0)
		return failed("cannot set its owner", path, err);
	if (fchmod(fd, e->mode) < 0)
		return failed("cannot set its mode", path, err);
	if (x && x->n > 0 && xattrs_apply(x, &of, &name) < 0) {
		_cleanup_free_ char *what =
			xasprintf("cannot set the extended attribute %.200s", name);
		return failed(what, path, err);
	}
	if (futimens(fd, times) < 0)
		return failed("cannot set its time", path, err);
	return 0;
}

/* The same for what cannot be opened: symbolic links, devices, fifos. The mode was given when it was made. */
static int set_metadata_at(int dir, const char *name, const struct member *m,
			   struct err *err)
{
	const char *path = str_c(&m->path), *attribute = "";
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     mtime_of(m->sec, m->nsec) };
	struct xattrs_of of = { .fd = -1, .dir_fd = dir, .name = name };

	if (fchownat(dir, name, m->uid, m->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return failed("cannot set its owner", path, err);
	if (m->type != 'l') {
		/* Not fchmodat: it would follow a link. The name was made a moment ago, and by us. */
		_cleanup_close_ int fd = openat(dir, name,
						O_PATH | O_NOFOLLOW | O_CLOEXEC);
		char self[40];
		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		if (fd < 0 || chmod(self, m->mode) < 0)
			return failed("cannot set its mode", path, err);
	}
	if (m->xattrs.n > 0 && xattrs_apply(&m->xattrs, &of, &attribute) < 0)
		return failed("cannot set its extended attributes", path, err);
	if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return failed("cannot set its time", path, err);
	return 0;
}

/* In the list on disk: this, the path with its NUL, the attributes. */
struct kept {
	uint64_t path_len, blob_len, n;
};

static int keep_xattrs_locked(struct place_shared *s, const struct member *m,
			      struct err *err)
{
	const struct kept k = { m->path.len + 1, m->xattrs.blob.len, m->xattrs.n };
	uint64_t *at = links_find(&s->dirs, 0, links_hash(str_c(&m->path)));

	if (s->dir_xattrs.fd < 0) {
		_cleanup_free_ char *beside = xasprintf("%s/.", s->target->path);
		if (spill_open(&s->dir_xattrs, beside, err) < 0)
			return -1;
	}
	*at = spill_position(&s->dir_xattrs) + 1;
	if (spill_write(&s->dir_xattrs, &k, sizeof(k), err) < 0 ||
	    spill_write(&s->dir_xattrs, m->path.p, k.path_len, err) < 0)
		return -1;
	return spill_write(&s->dir_xattrs, m->xattrs.blob.p, k.blob_len, err);
}

static int keep_xattrs(struct place_shared *s, const struct member *m, struct err *err)
{
	pthread_mutex_lock(&s->lock);
	int rc = keep_xattrs_locked(s, m, err);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* What keep_xattrs has kept for the directory; nothing where it had no attributes. */
static int kept_xattrs(struct place_shared *s, const char *path, struct xattrs *ret,
		       struct err *err)
{
	uint64_t at = *links_find(&s->dirs, 0, links_hash(path));
	struct kept k;

	if (at == 0)
		return 0;
	if (spill_read_at(&s->dir_xattrs, --at, &k, sizeof(k), err) < 0)
		return -1;
	_cleanup_free_ char *name = xmalloc(k.path_len), *blob = xmalloc(k.blob_len);
	at += sizeof(k);
	if (spill_read_at(&s->dir_xattrs, at, name, k.path_len, err) < 0 ||
	    spill_read_at(&s->dir_xattrs, at + k.path_len, blob, k.blob_len, err) < 0)
		return -1;
	/* Two paths of one hash: somebody worked hard for it. */
	if (!streq(name, path))
		return err_set(err, ERR_OPERATOR,
			       "two directories cannot be told from each other");
	str_addn(&ret->blob, blob, k.blob_len);
	ret->n = k.n;
	return 0;
}

static int make_dir(struct place *p, int dir, const char *name, const struct member *m,
		    struct err *err)
{
	const char *path = str_c(&m->path);
	struct stat st;

	/* Another thread may have made it as the parent of a file. */
	if (!streq(path, ".") && mkdirat(dir, name, 0700) < 0 &&
	    (errno != EEXIST || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	     !S_ISDIR(st.st_mode)))
		return failed("cannot make the directory", path, err);
	if (m->xattrs.n == 0)
		return 1;
	return keep_xattrs(p->shared, m, err) < 0 ? -1 : 1;
}

static int make_node(int dir, const char *name, const struct member *m, struct err *err)
{
	mode_t type = m->type == 'c' ? S_IFCHR : m->type == 'b' ? S_IFBLK : S_IFIFO;

	if (mknodat(dir, name, type | 0600, makedev(m->major, m->minor)) < 0)
		return failed("cannot make the device or fifo", str_c(&m->path), err);
	return set_metadata_at(dir, name, m, err) < 0 ? -1 : 1;
}

static bool is_wanted(const struct place *p, char type, const char *path)
{
	const struct place_shared *s = p->shared;

	if (!s->want)
		return true;
	if (!strchr("fslh", type))
		return false;
	return s->want(s->want_arg, path) || (s->also && map_has(s->also, path));
}

static int begin(void *arg, const struct member *m, const struct manifest_entry *e,
		 struct err *err)
{
	struct place *p = arg;
	const char *path = str_c(&m->path), *name;

	if (!is_wanted(p, m->type, path))
		return 1;
	int dir = parent_of(p, path, &name, err);
	if (dir < 0)
		return -1;
	switch (m->type) {
	case 'd':
		return make_dir(p, dir, name, m, err);
	case 'f':
	case 's':
		close_p(&p->fd);
		p->fd = openat(dir, name,
			       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			       0600);
		return p->fd < 0 ? failed("cannot make the file", path, err) : 0;
	case 'l':
		if (symlinkat(str_c(&m->target), dir, name) < 0)
			return failed("cannot make the link", path, err);
		return set_metadata_at(dir, name, m, err) < 0 ? -1 : 1;
	case 'h':
		return 1; /* place_finish */
	default:
		return make_node(dir, name, m, err);
	}
}

static int data(void *arg, uint64_t off, const void *bytes, size_t n, struct err *err)
{
	struct place *p = arg;
	const uint8_t *b = bytes;

	while (n > 0) {
		ssize_t done = pwrite(p->fd, b, n, (off_t)off);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_set_errno(err, ERR_OPERATOR, "cannot write a file");
		b += done;
		off += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

static int end(void *arg, const struct member *m, const struct manifest_entry *e,
	       struct err *err)
{
	struct place *p = arg;

	if (p->fd < 0)
		return 0;
	if (m->type == 's' && ftruncate(p->fd, (off_t)m->size) < 0)
		return failed("cannot set its size", str_c(&m->path), err);
	int rc = set_metadata(p->fd, e, &m->xattrs, err);
	/* Large files: begin to write back while others are unpacked. */
	if (m->size > (1 << 20))
		sync_file_range(p->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	if (close(TAKE_FD(p->fd)) < 0 && rc == 0)
		return failed("cannot close it", str_c(&m->path), err);
	return rc;
}

struct member_sink place_sink(struct place *p)
{
	return (struct member_sink){ .begin = begin, .data = data, .end = end, .arg = p };
}

static int finish_link(struct place *p, const struct manifest_entry *e, struct err *err)
{
	const char *path = str_c(&e->path), *name, *old_name;
	struct dirs targets = DIRS_INIT(p->shared->target->fd, false);

	if (!is_wanted(p, 'h', path))
		return 0;
	int dir = parent_of(p, path, &name, err);
	if (dir < 0)
		return -1;
	int old_dir = dirs_parent(&targets, str_c(&e->target), &old_name);
	int rc = old_dir < 0 ? -1 : linkat(old_dir, old_name, dir, name, 0);
	int saved = errno;
	dirs_done(&targets);
	errno = saved;
	return rc < 0 ? failed("cannot make the hard link", path, err) : 0;
}

static int finish_dir(struct place *p, const struct manifest_entry *e, struct err *err)
{
	const char *path = str_c(&e->path), *name;
	int dir = parent_of(p, path, &name, err);
	if (dir < 0)
		return -1;
	_cleanup_close_ int fd = openat(dir, name,
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed("cannot open the directory", path, err);
	struct xattrs x = { 0 };
	int rc = e->xattrs[0] ? kept_xattrs(p->shared, path, &x, err) : 0;
	if (rc == 0)
		rc = set_metadata(fd, e, &x, err);
	xattrs_done(&x);
	return rc;
}

static int finish_flags(struct place *p, const struct manifest_entry *e, struct err *err)
{
	const char *path = str_c(&e->path), *name;
	int dir = parent_of(p, path, &name, err);
	if (dir < 0)
		return -1;
	_cleanup_close_ int fd = openat(dir, name,
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || flags_apply(fd, e->flags) < 0)
		return failed("cannot set its inode flags", path, err);
	return 0;
}

static int finish_none(struct place *p, const struct manifest_entry *e, struct err *err)
{
	return 0;
}

/* In this order: a link changes its directory's time, an immutable directory takes no link. */
enum { PASS_LINKS, PASS_DIRS, PASS_FLAGS, PASS_COUNT };

static int (*finisher(int pass, const struct manifest_entry *e))(
	struct place *, const struct manifest_entry *, struct err *)
{
	if (pass == PASS_LINKS && e->type == 'h')
		return finish_link;
	if (pass == PASS_DIRS && e->type == 'd')
		return finish_dir;
	if (pass == PASS_FLAGS && e->flags[0] != '\0')
		return finish_flags;
	return finish_none;
}

int place_finish(struct place *p, const struct mksysb *m, struct err *err)
{
	_cleanup_manifest_entry_ struct manifest_entry e = { 0 };
	int rc = 0;

	for (int pass = 0; pass < (p->shared->want ? PASS_DIRS : PASS_COUNT); pass++) {
		_cleanup_lines_ struct lines l = LINES_INIT(m);

		while ((rc = lines_next(&l, &e, err)) == 0)
			if (finisher(pass, &e)(p, &e, err) < 0)
				return -1;
		if (rc < 0)
			return -1;
	}
	return 0;
}
