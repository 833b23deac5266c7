/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries whose content the caller knows: a manifest of a tree of which only a part was written to. */
#include "clone/clone-internal.h"

enum clone_known known_entry(const struct clone *c, const char *path,
			     const struct statx *sx, struct manifest_entry *ret)
{
	/* which of several names is the file, and which are links, is found out where they are read */
	if (!S_ISDIR(sx->stx_mode) && sx->stx_nlink > 1)
		return CLONE_KNOWN_NOT;
	return c->job->known(c->job->known_arg, path, sx, ret);
}

int known_line(struct worker *w, const struct xattrs_of *of, const char *path,
	       const struct statx *sx, enum clone_known known,
	       struct manifest_entry *line, struct err *err)
{
	if (known == CLONE_KNOWN_CONTENT) {
		meta_entry(line, path, line->type, sx);
		meta_read_xattrs(w, of, path);
		xattrs_digest(&w->xattrs, line->xattrs);
	}
	str_reset(&w->line);
	manifest_entry_write(line, &w->line);
	return sorted_add(&w->c->lines, &w->lines, path, w->line.p, SORTED_NO_LINK, err);
}
