/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash table with open addressing. */
#include "base/links.h"

void links_done(struct links *l)
{
	free(l->v);
	*l = (struct links){ 0 };
}

static struct link *place(struct link *v, size_t cap, uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino ^ (dev << 40)) * 0x9e3779b97f4a7c15;
	size_t i = (size_t)(h >> 20) & (cap - 1);

	while (v[i].value != 0 && (v[i].dev != dev || v[i].ino != ino))
		i = (i + 1) & (cap - 1);
	return &v[i];
}

static void grow(struct links *l)
{
	size_t cap = MAX(l->cap * 2, (size_t)256);
	struct link *v = xcalloc(cap, sizeof(*v));

	for (size_t i = 0; i < l->cap; i++)
		if (l->v[i].value != 0)
			*place(v, cap, l->v[i].dev, l->v[i].ino) = l->v[i];
	free(l->v);
	l->v = v;
	l->cap = cap;
}

uint64_t *links_find(struct links *l, uint64_t dev, uint64_t ino)
{
	/* Seven eighths full at most. */
	if (l->n >= l->cap - l->cap / 8)
		grow(l);
	struct link *at = place(l->v, l->cap, dev, ino);
	if (at->value == 0) {
		at->dev = dev;
		at->ino = ino;
		l->n++;
	}
	return &at->value;
}

uint64_t links_hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325;

	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		h = (h ^ *p) * 0x100000001b3;
	/* FNV-1a, mixed: sums of similar texts must not cancel out. */
	h = (h ^ (h >> 33)) * 0xff51afd7ed558ccd;
	h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53;
	return h ^ (h >> 33);
}
