/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One directory: its subdirectories are made and left to whoever has time, its other entries are copied. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>

#include "clone/clone-internal.h"

#define SLICE ((size_t)512)

static void open_dir_free(struct open_dir *d)
{
	close_p(&d->from);
	close_p(&d->to);
	listing_done(&d->list);
	free(d->path);
	free(d);
}

static void open_dir_free_p(struct open_dir **d)
{
	if (*d)
		open_dir_free(*d);
}

const char *dir_path(struct worker *w, const struct open_dir *d, const char *name)
{
	str_reset(&w->path);
	str_addf(&w->path, "%s%s%s", d->path, *d->path ? "/" : "", name);
	return w->path.p;
}

static int add_line(struct worker *w, const struct open_dir *d, const char *flags,
		    struct err *err)
{
	_cleanup_manifest_entry_ struct manifest_entry e = { 0 };
	const char *path = *d->path ? d->path : ".";

	if (w->c->lines.fd < 0)
		return 0;
	meta_entry(&e, path, 'd', &d->sx);
	xattrs_digest(&w->xattrs, e.xattrs);
	memcpy(e.flags, flags, sizeof(e.flags));
	str_reset(&w->line);
	manifest_entry_write(&e, &w->line);
	return sorted_add(&w->c->lines, &w->lines, path, w->line.p, SORTED_NO_LINK, err);
}

/* The last of its entries is there. */
static int finish(struct worker *w, struct open_dir *d, struct err *err)
{
	const struct xattrs_of of = { .fd = d->from, .dir_fd = -1 };
	const struct meta m = { .path = d->path, .sx = &d->sx, .xattrs = &w->xattrs };
	char flags[16];

	if (w->c->job->known && d->to < 0) {
		_cleanup_manifest_entry_ struct manifest_entry line = { 0 };
		const char *path = *d->path ? d->path : ".";
		enum clone_known known = known_entry(w->c, path, &d->sx, &line);

		if (known != CLONE_KNOWN_NOT)
			return known_line(w, &of, path, &d->sx, known, &line, err);
	}
	meta_read_xattrs(w, &of, d->path);
	flags_read(d->from, flags);
	if (d->to < 0)
		return add_line(w, d, flags, err);
	if (meta_apply(w, d->to, &m, err) < 0)
		return -1;
	meta_flags(w->c, d->to, d->path, flags);
	return add_line(w, d, flags, err);
}

static int unref(struct worker *w, struct open_dir *d, struct err *err)
{
	if (atomic_fetch_sub(&d->refs, 1) != 1)
		return 0;
	int rc = finish(w, d, err);
	open_dir_free(d);
	return rc;
}

/* What is there from an earlier copy, or was made as a mount point, must not act on what is made below it. */
static int take_over(const struct open_dir *d, struct err *err)
{
	flags_clear(d->to);
	if (fchmod(d->to, 0700) < 0)
		return clone_failed(d->path, "cannot use the directory", err);
	fremovexattr(d->to, "system.posix_acl_default");
	return 0;
}

static int make_dirs(struct worker *w, struct open_dir *d, struct node *node,
		     struct err *err)
{
	struct clone *c = w->c;
	struct listing *l = &d->list;
	_cleanup_free_ bool *existed = xcalloc(l->n_dirs + 1, sizeof(bool));

	for (size_t i = 0; d->to >= 0 && i < l->n_dirs; i++) {
		const char *name = l->names.p + l->v[i].name;
		if (mkdirat(d->to, name, 0700) == 0)
			continue;
		struct stat st;
		if (errno != EEXIST ||
		    fstatat(d->to, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISDIR(st.st_mode)) {
			errno = errno ? errno : EEXIST;
			return clone_failed(dir_path(w, d, name),
					    "cannot make the directory", err);
		}
		existed[i] = true;
	}
	pool_lock(&c->pool);
	for (size_t i = l->n_dirs; i-- > 0;)
		clone_push(&c->copy, node, l->names.p + l->v[i].name, d->sx.stx_mnt_id,
			   existed[i]);
	pool_wake(&c->pool);
	pool_unlock(&c->pool);
	return 0;
}

static int copy_run(struct worker *w, struct open_dir *d, size_t begin, size_t end,
		    struct err *err)
{
	const struct listing *l = &d->list;

	for (size_t at = begin; at < end; at += CLONE_WINDOW) {
		size_t n = MIN(end - at, (size_t)CLONE_WINDOW);
		int rc = 0;

		for (size_t i = 0; i < n; i++)
			entry_ahead(w, d, l->names.p + l->v[at + i].name,
				    l->v[at + i].type, &w->ahead[i]);
		for (size_t i = 0; i < n; i++) {
			const char *name = l->names.p + l->v[at + i].name;

			if (rc == 0)
				rc = entry_copy(w, d, name, &w->ahead[i], err);
			close_p(&w->ahead[i].fd);
			manifest_entry_done(&w->ahead[i].line);
		}
		if (rc < 0 || w->c->pool.failed)
			return rc;
	}
	return 0;
}

int dir_slice(struct worker *w, struct slice *s, struct err *err)
{
	struct open_dir *d = s->dir;
	int rc = copy_run(w, d, s->begin, s->end, err);

	free(s);
	if (rc < 0) {
		if (atomic_fetch_sub(&d->refs, 1) == 1)
			open_dir_free(d);
		return rc;
	}
	return unref(w, d, err);
}

/* A large directory is shared with workers that have nothing to do; the first run is ours. */
static int copy_entries(struct worker *w, struct open_dir *d, struct err *err)
{
	struct clone *c = w->c;
	struct slice *slices = NULL;
	size_t begin = d->list.n_dirs, end = d->list.n;

	for (size_t at = end; at > begin + SLICE;) {
		struct slice *s = xmalloc(sizeof(*s));
		size_t from = at - MIN(SLICE, at - begin - SLICE);
		*s = (struct slice){ d, from, at, slices };
		atomic_fetch_add(&d->refs, 1);
		slices = s;
		at = from;
		end = from;
	}
	if (slices) {
		struct slice *last = slices;
		while (last->next)
			last = last->next;
		pool_lock(&c->pool);
		last->next = c->slices;
		c->slices = slices;
		pool_wake(&c->pool);
		pool_unlock(&c->pool);
	}
	int rc = copy_run(w, d, begin, end, err);
	if (rc < 0) {
		if (atomic_fetch_sub(&d->refs, 1) == 1)
			open_dir_free(d);
		return rc;
	}
	return unref(w, d, err);
}

/* A directory that cannot be read stays there empty; one that is gone goes from the copy too. */
static int not_opened(struct worker *w, const char *path)
{
	int errnum = errno;
	const char *name;

	clone_note_errno(w->c, CLONE_NOTE_UNREADABLE, path, "cannot be read");
	if (!clone_has_gone(errnum) || !w->c->job->to)
		return 0;
	int dir = dirs_parent(&w->link_dirs, path, &name);
	if (dir >= 0)
		unlinkat(dir, name, AT_REMOVEDIR);
	return 0;
}

/* What there is of the directory in the destination. */
static int open_target(struct worker *w, struct open_dir *d, bool wanted, struct err *err)
{
	const struct clone_job *job = w->c->job;

	if (!job->to)
		return 0;
	d->to = dirs_open(job->to->fd, *d->path ? d->path : ".", O_RDONLY | O_DIRECTORY);
	if (d->to < 0)
		return clone_failed(d->path, "cannot open the directory", err);
	if (d->existed && take_over(d, err) < 0)
		return -1;
	return d->existed && job->update && wanted ? update_dir(w, d, err) : 0;
}

int dir_visit(struct worker *w, struct node *node, struct err *err)
{
	_cleanup_(open_dir_free_p) struct open_dir *d = xcalloc(1, sizeof(*d));
	struct clone *c = w->c;
	bool wanted;

	d->path = node_path(node);
	d->to = -1;
	d->refs = 1;
	d->existed = node->existed;
	d->from = source_open_dir(c, d->path, node->mount, &d->sx, &wanted);
	if (d->from < 0)
		return not_opened(w, d->path);
	if (wanted && listing_read(&d->list, d->from, d->path, &c->excludes,
				   source_skip(c, &d->sx)) < 0)
		clone_note_errno(c, CLONE_NOTE_UNREADABLE, d->path, "cannot be listed");
	atomic_fetch_add(&c->files, 1);
	if (open_target(w, d, wanted, err) < 0)
		return -1;
	if (d->list.n_dirs > 0 && make_dirs(w, d, node, err) < 0)
		return -1;
	return copy_entries(w, TAKE_PTR(d), err);
}
