/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk ahead: entries and bytes of a tree, without any data being read. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "clone/clone-internal.h"

struct sum {
	uint64_t files, bytes;
};

/* Whether this name is the first that is seen of its inode. */
static bool is_first(struct clone *c, const struct statx *sx)
{
	if (sx->stx_nlink < 2)
		return true;
	pool_lock(&c->pool);
	uint64_t *seen = links_find(&c->walk_links,
				    makedev(sx->stx_dev_major, sx->stx_dev_minor),
				    sx->stx_ino);
	bool first = *seen == 0;
	*seen = 1;
	pool_unlock(&c->pool);
	return first;
}

static void count_entry(struct clone *c, int fd, const char *name, struct sum *sum)
{
	struct statx sx;

	if (statx(fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS,
		  &sx) < 0)
		return;
	sum->files++;
	if (S_ISREG(sx.stx_mode) && is_first(c, &sx))
		sum->bytes += MIN((uint64_t)sx.stx_size, (uint64_t)sx.stx_blocks * 512);
}

void count_visit(struct clone *c, struct node *node)
{
	_cleanup_listing_ struct listing l = { 0 };
	_cleanup_free_ char *path = node_path(node);
	struct sum sum = { .files = 1 };
	struct statx sx;
	bool wanted;
	_cleanup_close_ int fd = source_open_dir(c, path, node->mount, &sx, &wanted);

	/* What cannot be read is told by the copy. */
	if (fd < 0)
		return;
	if (wanted && listing_read(&l, fd, path, &c->excludes, source_skip(c, &sx)) == 0)
		for (size_t i = l.n_dirs; i < l.n; i++)
			count_entry(c, fd, l.names.p + l.v[i].name, &sum);
	pool_lock(&c->pool);
	c->total_files += sum.files;
	c->total_bytes += sum.bytes;
	for (size_t i = l.n_dirs; i-- > 0;)
		clone_push(&c->walk, node, l.names.p + l.v[i].name, sx.stx_mnt_id, false);
	if (l.n_dirs > 0)
		pool_wake(&c->pool);
	pool_unlock(&c->pool);
}
