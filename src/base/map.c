/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hash map: an array of entries in insertion order, and an open-addressed index into it.
 *
 * A removed entry leaves a hole (key NULL) until the next growth, so that iteration positions stay
 * valid while the loop removes what it visits.
 */
#include "base/map.h"

#include <sys/auxv.h>

struct entry {
	char *key; /* NULL: removed */
	void *value;
	uint64_t hash;
};

struct map {
	void (*free_value)(void *);
	struct entry *entries;
	size_t used, cap; /* entries in use with holes, allocated */
	size_t live;
	uint32_t *index; /* entry number + 1, or FREE */
	size_t slots;	 /* a power of two, more than twice `cap` */
};

#define FREE 0u

/* Keys can come from a hostile image: the seed keeps collisions from being prepared. */
static uint64_t seed(void)
{
	static uint64_t value;

	if (value == 0) {
		const void *random = (const void *)getauxval(AT_RANDOM);
		if (random)
			memcpy(&value, random, sizeof(value));
		value |= 1;
	}
	return value;
}

static uint64_t hash_of(const char *key)
{
	uint64_t h = 0xcbf29ce484222325u ^ seed();

	for (const unsigned char *p = (const unsigned char *)key; *p; p++) {
		h = (h ^ *p) * 0x100000001b3u;
		h ^= h >> 29;
	}
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	return h ^ (h >> 33);
}

struct map *map_new(void (*free_value)(void *))
{
	struct map *m = xcalloc(1, sizeof(*m));

	m->free_value = free_value;
	return m;
}

struct map *map_free(struct map *m)
{
	if (!m)
		return NULL;
	for (size_t i = 0; i < m->used; i++) {
		if (m->entries[i].key && m->free_value)
			m->free_value(m->entries[i].value);
		free(m->entries[i].key);
	}
	free(m->entries);
	free(m->index);
	free(m);
	return NULL;
}

void map_free_p(struct map **m)
{
	*m = map_free(*m);
}

static void index_put(struct map *m, size_t number)
{
	size_t slot = m->entries[number].hash & (m->slots - 1);

	while (m->index[slot] != FREE)
		slot = (slot + 1) & (m->slots - 1);
	m->index[slot] = (uint32_t)number + 1;
}

/* Drops the holes; doubles the room when they were few. */
static void rebuild(struct map *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->used; i++)
		if (m->entries[i].key)
			m->entries[kept++] = m->entries[i];
	m->used = kept;
	if (kept * 4 >= m->cap * 3) {
		m->cap = MAX(m->cap * 2, (size_t)8);
		if (m->cap > UINT32_MAX / 4)
			abort(); /* 32-bit entry numbers: a billion keys is a bug */
		m->entries = xrealloc(m->entries, m->cap * sizeof(*m->entries));
		free(m->index);
		m->slots = m->cap * 2;
		m->index = xmalloc(m->slots * sizeof(*m->index));
	}
	memset(m->index, 0, m->slots * sizeof(*m->index));
	for (size_t i = 0; i < m->used; i++)
		index_put(m, i);
}

static struct entry *find(const struct map *m, const char *key)
{
	if (m->live == 0)
		return NULL;
	uint64_t hash = hash_of(key);
	for (size_t slot = hash & (m->slots - 1); m->index[slot] != FREE;
	     slot = (slot + 1) & (m->slots - 1)) {
		struct entry *e = &m->entries[m->index[slot] - 1];
		if (e->key && e->hash == hash && streq(e->key, key))
			return e;
	}
	return NULL;
}

void map_set(struct map *m, const char *key, void *value)
{
	struct entry *e = find(m, key);

	if (e) {
		if (m->free_value && e->value != value)
			m->free_value(e->value);
		e->value = value;
		return;
	}
	if (m->used == m->cap)
		rebuild(m);
	m->entries[m->used] = (struct entry){
		.key = xstrdup(key),
		.value = value,
		.hash = hash_of(key),
	};
	index_put(m, m->used);
	m->used++;
	m->live++;
}

void *map_get(const struct map *m, const char *key)
{
	const struct entry *e = find(m, key);

	return e ? e->value : NULL;
}

bool map_has(const struct map *m, const char *key)
{
	return find(m, key) != NULL;
}

bool map_remove(struct map *m, const char *key)
{
	struct entry *e = find(m, key);

	if (!e)
		return false;
	if (m->free_value)
		m->free_value(e->value);
	free(e->key);
	e->key = NULL;
	e->value = NULL;
	m->live--;
	return true;
}

size_t map_size(const struct map *m)
{
	return m->live;
}

bool map_next(const struct map *m, size_t *it, const char **key, void **value)
{
	for (size_t i = *it; i < m->used; i++) {
		if (!m->entries[i].key)
			continue;
		if (key)
			*key = m->entries[i].key;
		if (value)
			*value = m->entries[i].value;
		*it = i + 1;
		return true;
	}
	*it = m->used;
	return false;
}
