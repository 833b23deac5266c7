/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sorted manifest in a file: its entries one after the other, or one of them by its path. */
#pragma once

#include "model/manifest.h"

/* A manifest file in memory as the kernel sees fit. */
struct manifest_map {
	char *text; /* NULL: closed */
	size_t len;
};
#define _cleanup_manifest_map_ _cleanup_(manifest_map_done)
int manifest_map_open(struct manifest_map *m, const char *path, struct err *err)
	_must_check_;
void manifest_map_done(struct manifest_map *m);

/* Its entries; refuses paths that do not ascend strictly, as the clone engine sorts them. */
struct manifest_walk {
	struct manifest_head head;
	struct manifest_cursor c;
	struct manifest_entry e;
	struct str before; /* the path before e's */
	uint64_t members;
};
#define _cleanup_manifest_walk_ _cleanup_(manifest_walk_done)
int manifest_walk_begin(struct manifest_walk *w, const struct manifest_map *m,
			struct err *err) _must_check_;
/* 0: w->e is the next entry; 1: there is none; then the totals of the head were right. */
int manifest_walk_next(struct manifest_walk *w, struct err *err) _must_check_;
void manifest_walk_done(struct manifest_walk *w);

/* Where each of its lines begins: finds a path without reading those before it. The map stays the caller's, open. */
struct manifest_index {
	const struct manifest_map *map;
	uint64_t *lines;
	size_t n, cap;
};
#define _cleanup_manifest_index_ _cleanup_(manifest_index_done)
int manifest_index_make(struct manifest_index *x, const struct manifest_map *m,
			struct err *err) _must_check_;
/* Into *ret; false where it is not there, which leaves another entry or none in *ret. */
bool manifest_index_find(const struct manifest_index *x, const char *path,
			 struct manifest_entry *ret);
void manifest_index_done(struct manifest_index *x);
