/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An entry of a manifest compared with what is there. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "model/entry-check.h"
#include "model/entry.h"

#define CHUNK ((size_t)256 << 10)

void entry_check_init(struct entry_check *k, int top)
{
	*k = (struct entry_check){ .top = top, .dirs = DIRS_INIT(top, false) };
	digest_init(&k->digest);
	k->data = xmalloc(CHUNK);
}

void entry_check_done(struct entry_check *k)
{
	dirs_done(&k->dirs);
	digest_done(&k->digest);
	xattrs_done(&k->xattrs);
	free(k->data);
}

static const char *compare_metadata(const struct manifest_entry *e, const struct stat *st)
{
	mode_t type = entry_mode(e->type);

	/* A hard link is one to anything but a directory. */
	if (type ? type != (st->st_mode & S_IFMT) : S_ISDIR(st->st_mode))
		return "another type";
	if (e->type != 'l' && (st->st_mode & 07777) != e->mode)
		return "another mode";
	if (st->st_uid != e->uid || st->st_gid != e->gid)
		return "another owner";
	if (st->st_mtim.tv_sec != e->sec || st->st_mtim.tv_nsec != (long)e->nsec)
		return "another time";
	if ((e->type == 'f' || e->type == 's') && (uint64_t)st->st_size != e->size)
		return "another size";
	if ((e->type == 'c' || e->type == 'b') &&
	    (major(st->st_rdev) != e->major || minor(st->st_rdev) != e->minor))
		return "another device number";
	return NULL;
}

/* Holes are skipped: they are zeros. */
static const char *compare_content(struct entry_check *k, const struct manifest_entry *e,
				   int fd)
{
	off_t size = (off_t)e->size, at = 0;
	char sha256[SHA256_HEX_LEN];

	if (k->from_disk) {
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	digest_begin(&k->digest, e->type, e->size);
	while (at < size) {
		off_t start = e->type == 's' ? lseek(fd, at, SEEK_DATA) : at;
		if (start < 0)
			break;
		ssize_t n = pread(fd, k->data, (size_t)MIN((off_t)CHUNK, size - start),
				  start);
		if (n <= 0)
			return "it cannot be read";
		digest_feed(&k->digest, (uint64_t)start, k->data, (size_t)n);
		at = start + n;
	}
	digest_end(&k->digest, sha256);
	return streq(sha256, e->sha256) ? NULL : "another content";
}

static const char *compare_link(const struct manifest_entry *e, int dir, const char *name)
{
	char buf[4097];
	ssize_t n = readlinkat(dir, name, buf, sizeof(buf));

	return n < 0 || (size_t)n != e->target.len ||
			       memcmp(buf, e->target.p, (size_t)n) != 0
		       ? "another link target"
		       : NULL;
}

static const char *compare_hard(const struct entry_check *k,
				const struct manifest_entry *e, const struct stat *st)
{
	_cleanup_dirs_ struct dirs dirs = DIRS_INIT(k->top, false);
	const char *name;
	struct stat other;
	int dir = dirs_parent(&dirs, str_c(&e->target), &name);
	bool same = dir >= 0 && fstatat(dir, name, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
		    other.st_ino == st->st_ino && other.st_dev == st->st_dev;

	return same ? NULL : "not the same file as its other name";
}

static const char *compare_attributes(struct entry_check *k,
				      const struct manifest_entry *e,
				      const struct xattrs_of *of)
{
	char digest[17], flags[16];

	if (xattrs_read(&k->xattrs, of) < 0)
		return "its extended attributes cannot be read";
	xattrs_digest(&k->xattrs, digest);
	if (!streq(digest, e->xattrs))
		return "other extended attributes";
	if (of->fd >= 0 && flags_read(of->fd, flags) && !flags_are_kept(e->flags, flags))
		return "other inode flags";
	return NULL;
}

/* Reading must not change the tree's times. */
static int open_here(int dir, const char *name)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(dir, name, flags | O_NOATIME);

	return fd < 0 && errno == EPERM ? openat(dir, name, flags) : fd;
}

const char *entry_check(struct entry_check *k, const struct manifest_entry *e)
{
	const char *name;
	int dir = dirs_parent(&k->dirs, str_c(&e->path), &name);
	struct stat st;

	if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return "missing";
	const char *what = compare_metadata(e, &st);
	if (what)
		return what;
	if (e->type == 'h')
		return compare_hard(k, e, &st);
	bool opens = S_ISREG(st.st_mode) || S_ISDIR(st.st_mode);
	_cleanup_close_ int fd = opens ? open_here(dir, name) : -1;
	if (opens && fd < 0)
		return "it cannot be opened";
	struct xattrs_of of = { .fd = fd, .dir_fd = dir, .name = name };
	what = e->type == 'l' ? compare_link(e, dir, name) : NULL;
	if (!what)
		what = compare_attributes(k, e, &of);
	return !what && S_ISREG(st.st_mode) ? compare_content(k, e, fd) : what;
}
