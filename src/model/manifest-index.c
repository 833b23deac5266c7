/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A path in a sorted manifest, by bisection. */
#include "model/changes.h"

int manifest_index_make(struct manifest_index *x, const struct manifest_map *m,
			struct err *err)
{
	_cleanup_manifest_walk_ struct manifest_walk w = { 0 };

	*x = (struct manifest_index){ .map = m };
	int rc = manifest_walk_begin(&w, m, err);
	while (rc == 0) {
		uint64_t at = (uint64_t)(w.c.p - m->text);

		rc = manifest_walk_next(&w, err);
		if (rc != 0)
			break;
		if (x->n == x->cap) {
			x->cap = MAX(x->cap * 2, (size_t)1024);
			x->lines = xrealloc(x->lines, x->cap * sizeof(*x->lines));
		}
		x->lines[x->n++] = at;
	}
	return MIN(rc, 0);
}

static bool read_line(const struct manifest_index *x, size_t i,
		      struct manifest_entry *ret)
{
	struct manifest_cursor c = { .p = x->map->text + x->lines[i],
				     .end = x->map->text + x->map->len };

	return manifest_next(&c, ret, NULL) == 0;
}

bool manifest_index_find(const struct manifest_index *x, const char *path,
			 struct manifest_entry *ret)
{
	size_t low = 0, high = x->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (!read_line(x, middle, ret))
			return false;
		int order = strcmp(path, str_c(&ret->path));
		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

void manifest_index_done(struct manifest_index *x)
{
	free(x->lines);
	*x = (struct manifest_index){ 0 };
}
