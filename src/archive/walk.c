/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking a tree: directory by directory, the files of each in the order of their inodes, which is about the order on disk. */
#include "archive/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "base/dirstack.h"
#include "base/links.h"
#include "model/excludes.h"
#include "sys/dirs.h"
#include "sys/signal.h"

/* A manifest line without its path: every number at its longest. */
#define LINE_MAX_WITHOUT_PATH 180

struct found {
	uint64_t ino;
	size_t name; /* in the names of the listing */
};

struct walker {
	struct walk *w;
	const struct mksysb_write *job;
	const struct progress *progress;
	struct excludes excludes;
	struct dirstack dirs;
	struct links links;
	struct str path; /* of one entry */
};

void walk_done(struct walk *w)
{
	spill_done(&w->members);
}

struct raw_record {
	uint64_t size;
	uint32_t path_len, target_len;
	char type;
};

static uint64_t escaped_len(const char *s)
{
	uint64_t n = 0;

	for (; *s; s++)
		n += (unsigned char)*s <= 0x20 || *s == 0x7f || *s == '\\' ? 4 : 1;
	return n;
}

static int emit(struct walker *k, char type, uint64_t size, const char *path,
		const char *target, struct err *err)
{
	struct spill *s = &k->w->members;
	struct raw_record r = { .size = size,
				.path_len = (uint32_t)strlen(path) + 1,
				.target_len = target ? (uint32_t)strlen(target) + 1 : 0,
				.type = type };

	k->w->n_members++;
	if (type == 'f')
		k->w->bytes += size;
	/* The size of a symbolic link is that of its target, which may need four characters for each byte. */
	k->w->text_max += LINE_MAX_WITHOUT_PATH + escaped_len(path) +
			  (target ? escaped_len(target) : 0) +
			  (type == 'l' ? size * 4 : 0);
	if (spill_write(s, &r, sizeof(r), err) < 0 ||
	    spill_write(s, path, r.path_len, err) < 0)
		return -1;
	return target ? spill_write(s, target, r.target_len, err) : 0;
}

int walk_next(struct spill *s, struct walk_record *ret, struct err *err)
{
	struct raw_record r;
	const void *p;
	int rc = spill_read(s, sizeof(r), &p, err);

	if (rc != 0)
		return rc;
	memcpy(&r, p, sizeof(r));
	rc = spill_read(s, r.path_len + r.target_len, &p, err);
	if (rc != 0)
		return rc < 0 ? rc : err_set(err, ERR_INTERNAL, "a list is cut off");
	const char *text = p;
	*ret = (struct walk_record){ .type = r.type,
				     .size = r.size,
				     .path = text,
				     .target = r.target_len ? text + r.path_len : NULL };
	return 0;
}

/* The path of a record that was written earlier. */
static int path_at(struct spill *s, uint64_t at, char **ret, struct err *err)
{
	struct raw_record r;

	if (spill_read_at(s, at, &r, sizeof(r), err) < 0)
		return -1;
	*ret = xmalloc(r.path_len);
	return spill_read_at(s, at + sizeof(r), *ret, r.path_len, err);
}

static bool is_own(const struct walk *w, const struct stat *st)
{
	for (size_t i = 0; i < w->n_own; i++)
		if (w->own[i].dev == st->st_dev && w->own[i].ino == st->st_ino)
			return true;
	return false;
}

/* Whether the contents of the directory at `path` belong to the image. */
static bool is_wanted(const struct mksysb_write *job, const char *path, bool is_mount)
{
	_cleanup_free_ char *shown = xasprintf("/%s", path);

	if (job->skip_mounts && strv_has(job->skip_mounts, shown))
		return false;
	if (!is_mount || (!job->mounts && !job->one_file_system_set))
		return true;
	return job->mounts && strv_has(job->mounts, shown);
}

static char type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 'f';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	default:
		return 0;
	}
}

/* Anything but a directory. */
static int take(struct walker *k, const char *path, const struct stat *st,
		struct err *err)
{
	char type = type_of(st->st_mode);

	if (is_own(k->w, st))
		return 0;
	if (type == 0) {
		if (k->w->note)
			k->w->note(k->w->note_arg, path, "a socket: left out");
		return 0;
	}
	uint64_t size = type == 'f' || type == 'l' ? (uint64_t)st->st_size : 0;
	if (st->st_nlink < 2)
		return emit(k, type, size, path, NULL, err);
	uint64_t *at = links_find(&k->links, st->st_dev, st->st_ino);
	if (*at == 0) {
		*at = spill_position(&k->w->members);
		return emit(k, type, size, path, NULL, err);
	}
	_cleanup_free_ char *first = NULL;
	if (path_at(&k->w->members, *at, &first, err) < 0)
		return -1;
	return emit(k, 'h', 0, path, first, err);
}

static int by_inode(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

struct listing {
	struct found *v;
	size_t n, cap;
	struct str names;
	DIR *dir;
};

static void listing_done(struct listing *l)
{
	str_done(&l->names);
	free(l->v);
	if (l->dir)
		closedir(l->dir);
}

static int list(struct listing *l)
{
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(l->dir);
		if (!e)
			break;
		if (streq(e->d_name, ".") || streq(e->d_name, ".."))
			continue;
		if (l->n == l->cap) {
			l->cap = MAX(l->cap * 2, (size_t)64);
			l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
		}
		l->v[l->n++] = (struct found){ e->d_ino, l->names.len };
		str_addn(&l->names, e->d_name, strlen(e->d_name) + 1);
	}
	if (errno != 0)
		return -1;
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_inode);
	return 0;
}

static int cannot_read(const struct walker *k, const char *path, struct err *err)
{
	err_set_errno(err, ERR_OPERATOR, "%s: cannot read /%s", k->job->root->path, path);
	return err_remedy(err, "repair it, or leave it out with an exclude pattern");
}

/* The entries of the open directory at `above`: files are taken, directories wait. */
static int take_entries(struct walker *k, const char *above, const struct listing *l,
			struct err *err)
{
	for (size_t i = 0; i < l->n; i++) {
		const char *name = l->names.p + l->v[i].name;
		struct stat st;

		str_reset(&k->path);
		str_addf(&k->path, "%s%s%s", above, *above ? "/" : "", name);
		if (excludes_match(&k->excludes, k->path.p))
			continue;
		if (fstatat(dirfd(l->dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno == ENOENT)
				continue;
			return cannot_read(k, k->path.p, err);
		}
		if (k->job->want && !k->job->want(k->path.p, S_ISDIR(st.st_mode)))
			continue;
		if (S_ISDIR(st.st_mode))
			dirstack_add(&k->dirs, name);
		else if (take(k, k->path.p, &st, err) < 0)
			return -1;
	}
	return 0;
}

/* A mount is a mount of its own, or, where the kernel does not number mounts, another device. */
static int mount_of(int fd, uint64_t *ret_mount)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &sx) < 0)
		return -1;
	*ret_mount = sx.stx_mask & STATX_MNT_ID
			     ? sx.stx_mnt_id
			     : makedev(sx.stx_dev_major, sx.stx_dev_minor);
	return 0;
}

/* The directory at dirs.path, whose parent is on the mount `above`. */
static int visit(struct walker *k, uint64_t above, struct err *err)
{
	_cleanup_(listing_done) struct listing l = { 0 };
	const char *at = str_c(&k->dirs.path), *path = *at ? at : ".";
	_cleanup_close_ int fd = dirs_open(k->job->root->fd, path,
					   O_RDONLY | O_DIRECTORY);
	uint64_t mount;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : cannot_read(k, at, err);
	if (mount_of(fd, &mount) < 0)
		return cannot_read(k, at, err);
	if (emit(k, 'd', 0, path, NULL, err) < 0)
		return -1;
	bool is_mount = *at != '\0' && mount != above;
	if (!is_wanted(k->job, at, is_mount))
		return 0;
	l.dir = fdopendir(fd);
	if (!l.dir)
		return cannot_read(k, at, err);
	fd = -1;
	if (list(&l) < 0)
		return cannot_read(k, at, err);
	dirstack_enter(&k->dirs, mount);
	return take_entries(k, at, &l, err);
}

static void walker_done(struct walker *k)
{
	excludes_done(&k->excludes);
	dirstack_done(&k->dirs);
	links_done(&k->links);
	str_done(&k->path);
}

int walk_run(struct walk *w, const struct mksysb_write *job, const char *beside,
	     const struct progress *p, struct err *err)
{
	_cleanup_(walker_done) struct walker k = { .w = w, .job = job, .progress = p };
	uint64_t mount = 0;

	if (excludes_init(&k.excludes, job->excludes, err) < 0 ||
	    spill_open(&w->members, beside, err) < 0)
		return -1;
	do {
		if (visit(&k, mount, err) < 0 || cancel_check(err) < 0)
			return -1;
		progress_report(p, PROGRESS_FILES, w->n_members, 0, NULL);
	} while (dirstack_next(&k.dirs, &mount));
	return spill_rewind(&w->members, err);
}
