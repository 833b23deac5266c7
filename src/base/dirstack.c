/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories still to be visited. */
#include "base/dirstack.h"

void dirstack_done(struct dirstack *s)
{
	while (s->n > 0)
		str_done(&s->v[--s->n].names);
	free(s->v);
	str_done(&s->path);
	*s = (struct dirstack)DIRSTACK_INIT;
}

void dirstack_enter(struct dirstack *s, uint64_t mount)
{
	if (s->n == s->cap) {
		s->cap = MAX(s->cap * 2, (size_t)16);
		s->v = xrealloc(s->v, s->cap * sizeof(*s->v));
	}
	s->v[s->n++] = (struct dirstack_level){ .path_len = s->path.len, .mount = mount };
}

void dirstack_add(struct dirstack *s, const char *name)
{
	str_addn(&s->v[s->n - 1].names, name, strlen(name) + 1);
}

bool dirstack_next(struct dirstack *s, uint64_t *ret_mount)
{
	while (s->n > 0 && s->v[s->n - 1].at == s->v[s->n - 1].names.len)
		str_done(&s->v[--s->n].names);
	if (s->n == 0)
		return false;
	struct dirstack_level *level = &s->v[s->n - 1];
	const char *name = level->names.p + level->at;
	level->at += strlen(name) + 1;
	s->path.len = level->path_len;
	if (s->path.len > 0)
		str_addc(&s->path, '/');
	str_add(&s->path, name);
	*ret_mount = level->mount;
	return true;
}
