/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A manifest file: its entries in order, and a path in it by bisection. */
#include "model/manifest-file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

int manifest_map_open(struct manifest_map *m, const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot open the manifest %s",
				     path);
	if (st.st_size == 0)
		return err_set(err, ERR_OPERATOR, "the manifest %s is empty", path);
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return err_set_errno(err, ERR_OPERATOR, "cannot read the manifest %s",
				     path);
	*m = (struct manifest_map){ p, (size_t)st.st_size };
	return 0;
}

void manifest_map_done(struct manifest_map *m)
{
	if (m->text)
		munmap(m->text, m->len);
	*m = (struct manifest_map){ 0 };
}

int manifest_walk_begin(struct manifest_walk *w, const struct manifest_map *m,
			struct err *err)
{
	*w = (struct manifest_walk){ 0 };
	return manifest_begin(&w->c, m->text, m->len, &w->head, err);
}

void manifest_walk_done(struct manifest_walk *w)
{
	manifest_entry_done(&w->e);
	str_done(&w->before);
}

int manifest_walk_next(struct manifest_walk *w, struct err *err)
{
	str_reset(&w->before);
	str_add(&w->before, str_c(&w->e.path));
	int rc = manifest_next(&w->c, &w->e, err);
	if (rc < 0)
		return -1;
	if (rc > 0)
		return w->members == w->head.members
			       ? 1
			       : err_set(err, ERR_OPERATOR,
					 "manifest: has %llu lines instead of %llu",
					 (unsigned long long)w->members,
					 (unsigned long long)w->head.members);
	if (strcmp(str_c(&w->before), str_c(&w->e.path)) >= 0)
		return err_set(err, ERR_OPERATOR,
			       "manifest: line %llu: the paths are not in order",
			       (unsigned long long)w->c.line);
	w->members++;
	return 0;
}

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
