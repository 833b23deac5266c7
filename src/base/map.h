/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hash map from strings to pointers; iterates in insertion order.
 * Keys are copied. Values belong to the map when it was made with a free function, else to the caller.
 */
#pragma once

#include "base/str.h"

struct map;

struct map *map_new(void (*free_value)(void *)) _must_check_;
struct map *map_free(struct map *m); /* returns NULL */
void map_free_p(struct map **m);
#define _cleanup_map_ _cleanup_(map_free_p)

void map_set(struct map *m, const char *key, void *value); /* replaces */
void *map_get(const struct map *m, const char *key);	   /* NULL when absent */
bool map_has(const struct map *m, const char *key);
bool map_remove(struct map *m, const char *key);
size_t map_size(const struct map *m);

/* for (size_t it = 0; map_next(m, &it, &key, &value);) */
bool map_next(const struct map *m, size_t *it, const char **key, void **value);

/* A set is a map whose values are this non-NULL marker. */
#define MAP_PRESENT ((void *)1)
