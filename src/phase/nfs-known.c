/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What overlayfs's upper trees do not have is what it was: no need to read it over NFS. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "model/manifest-file.h"
#include "phase/nfs.h"
#include "phase/parts.h"
#include "sys/dirs.h"
#include "sys/files.h"

struct nfs_known {
	struct manifest_map base;
	struct manifest_index index;
	struct parts parts;
	int *uppers; /* of the parts */
	/* directories that have another name than in the lower tree, and what is below them */
	struct strv moved;
};

/* A value of overlayfs's own on what this descriptor (O_PATH will do) is open on. */
static bool has_mark(int fd, const char *name)
{
	char self[40];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return getxattr(self, name, NULL, 0) >= 0;
}

static bool is_moved(int fd)
{
	return has_mark(fd, "trusted.overlay.redirect");
}

/* Directories of an upper tree that are renamed ones of the lower. `path`: as the manifest has it, "" for the top. */
static int find_moved(struct nfs_known *k, int fd, const char *path, struct err *err)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	int rc = 0;

	if (!d) {
		close_p(&copy);
		return err_set_errno(err, ERR_OPERATOR, "cannot read /%s", path);
	}
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (e->d_type != DT_DIR || streq(e->d_name, ".") ||
		    streq(e->d_name, ".."))
			continue;
		_cleanup_free_ char *sub = xasprintf("%s%s%s", path, *path ? "/" : "",
						     e->d_name);
		_cleanup_close_ int dir = openat(dirfd(d), e->d_name,
						 O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
							 O_CLOEXEC);
		if (dir < 0)
			rc = err_set_errno(err, ERR_OPERATOR, "cannot read /%s", sub);
		else if (is_moved(dir))
			strv_add(&k->moved, sub);
		else
			rc = find_moved(k, dir, sub, err);
	}
	closedir(d);
	return rc;
}

static int open_uppers(struct nfs_known *k, const struct job *job, struct err *err)
{
	parts_of_job(job, &k->parts);
	k->uppers = xcalloc(k->parts.n, sizeof(int));
	for (size_t i = 0; i < k->parts.n; i++)
		k->uppers[i] = -1;
	for (size_t i = 0; i < k->parts.n; i++) {
		const struct part *p = &k->parts.v[i];

		k->uppers[i] = open(p->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (k->uppers[i] < 0)
			return err_set_errno(err, ERR_OPERATOR, "cannot open %s",
					     p->upper);
		if (find_moved(k, k->uppers[i], *p->path ? p->path + 1 : "", err) < 0)
			return -1;
	}
	return 0;
}

int nfs_known_open(struct nfs_known **ret, const struct job *job, struct err *err)
{
	_cleanup_free_ char *base = xasprintf("%s/base.manifest", job->dir);
	_cleanup_nfs_known_ struct nfs_known *k = xcalloc(1, sizeof(*k));

	if (manifest_map_open(&k->base, base, err) < 0 ||
	    manifest_index_make(&k->index, &k->base, err) < 0 ||
	    open_uppers(k, job, err) < 0)
		return -1;
	*ret = TAKE_PTR(k);
	return 0;
}

void nfs_known_close(struct nfs_known **p)
{
	struct nfs_known *k = *p;

	if (!k)
		return;
	for (size_t i = 0; k->uppers && i < k->parts.n; i++)
		close_p(&k->uppers[i]);
	free(k->uppers);
	parts_done(&k->parts);
	manifest_index_done(&k->index);
	manifest_map_done(&k->base);
	strv_done(&k->moved);
	free(k);
	*p = NULL;
}

static bool is_below(const char *path, const char *dir, size_t len)
{
	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* In the upper tree of its part: an O_PATH descriptor; -1: it is not there. */
static int open_upper(const struct nfs_known *k, const char *path)
{
	size_t part = 0, skip = 0;

	for (size_t i = 1; i < k->parts.n; i++) {
		const char *place = k->parts.v[i].path + 1;
		size_t len = strlen(place);

		if (len > skip && is_below(path, place, len)) {
			part = i;
			skip = len;
		}
	}
	const char *rest = path + skip;
	rest += *rest == '/';
	return dirs_open(k->uppers[part], *rest ? rest : ".", O_PATH);
}

/* Files whose names got their attributes one by one are still one file there. */
static bool is_lower(const struct nfs_known *k, const char *path)
{
	_cleanup_close_ int fd = open_upper(k, path);

	return fd < 0 && errno == ENOENT;
}

/* Of what is in the upper tree: only its attributes were written. */
static bool has_old_content(int fd, mode_t mode)
{
	if (S_ISDIR(mode))
		return !has_mark(fd, "trusted.overlay.opaque");
	return has_mark(fd, "trusted.overlay.metacopy") && !is_moved(fd);
}

enum clone_known nfs_known(void *arg, const char *path, const struct statx *sx,
			   struct manifest_entry *ret)
{
	const struct nfs_known *k = arg;

	for (size_t i = 0; i < k->moved.n; i++)
		if (is_below(path, k->moved.v[i], strlen(k->moved.v[i])))
			return CLONE_KNOWN_NOT;
	_cleanup_close_ int fd = open_upper(k, path);
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return CLONE_KNOWN_NOT;
	if (fd >= 0 && !has_old_content(fd, sx->stx_mode))
		return CLONE_KNOWN_NOT;
	if (!manifest_index_find(&k->index, path, ret))
		return CLONE_KNOWN_NOT;
	if (ret->type == 'h')
		return fd < 0 && is_lower(k, str_c(&ret->target)) ? CLONE_KNOWN_ALL
								  : CLONE_KNOWN_NOT;
	if (!manifest_is_of_kind(ret, sx->stx_mode))
		return CLONE_KNOWN_NOT;
	if (fd >= 0)
		return CLONE_KNOWN_CONTENT;
	return manifest_is_as_it_was(ret, sx) ? CLONE_KNOWN_ALL : CLONE_KNOWN_NOT;
}
