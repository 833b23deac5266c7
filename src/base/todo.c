/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories still to be visited. */
#include "base/todo.h"

void todo_done(struct todo *t)
{
	while (t->n > 0)
		str_done(&t->v[--t->n].names);
	free(t->v);
	str_done(&t->path);
	*t = (struct todo)TODO_INIT;
}

void todo_enter(struct todo *t, uint64_t mount)
{
	if (t->n == t->cap) {
		t->cap = MAX(t->cap * 2, (size_t)16);
		t->v = xrealloc(t->v, t->cap * sizeof(*t->v));
	}
	t->v[t->n++] = (struct todo_level){ .path_len = t->path.len, .mount = mount };
}

void todo_add(struct todo *t, const char *name)
{
	str_addn(&t->v[t->n - 1].names, name, strlen(name) + 1);
}

bool todo_next(struct todo *t, uint64_t *ret_mount)
{
	while (t->n > 0 && t->v[t->n - 1].at == t->v[t->n - 1].names.len)
		str_done(&t->v[--t->n].names);
	if (t->n == 0)
		return false;
	struct todo_level *level = &t->v[t->n - 1];
	const char *name = level->names.p + level->at;
	level->at += strlen(name) + 1;
	t->path.len = level->path_len;
	if (t->path.len > 0)
		str_addc(&t->path, '/');
	str_add(&t->path, name);
	*ret_mount = level->mount;
	return true;
}
