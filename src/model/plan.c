/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The package plan: list and file form. */
#include "model/plan.h"

#include "model/json.h"
#include "sys/files.h"

static const char *const action_names[] = {
	[PKG_UPGRADE] = "upgrade",
	[PKG_INSTALL] = "install",
	[PKG_REMOVE] = "remove",
};
static const char *const removal_names[] = {
	[PKG_REPLACED] = "replaced",
	[PKG_OBSOLETE] = "obsolete",
	[PKG_LOST] = "lost",
};

static const char *action_name(enum pkg_action a)
{
	return (size_t)a < ARRAY_SIZE(action_names) ? action_names[a] : "?";
}

static const char *removal_name(enum pkg_removal r)
{
	return (size_t)r < ARRAY_SIZE(removal_names) ? removal_names[r] : "?";
}

/* Index of a name in a table, or -1. */
static void item_done(struct pkg_item *it)
{
	free(it->name);
	free(it->arch);
	free(it->old_version);
	free(it->new_version);
	free(it->file);
	free(it->replaced_by);
}

void pkg_plan_done(struct pkg_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		item_done(&p->v[i]);
	free(p->v);
	*p = (struct pkg_plan)PKG_PLAN_INIT;
}

void pkg_plan_drop(struct pkg_plan *p, size_t i)
{
	item_done(&p->v[i]);
	p->n--;
	memmove(&p->v[i], &p->v[i + 1], (p->n - i) * sizeof(*p->v));
}

struct pkg_item *pkg_plan_add(struct pkg_plan *p)
{
	if (p->n == p->cap) {
		p->cap = MAX(p->cap * 2, (size_t)64);
		p->v = xrealloc(p->v, p->cap * sizeof(*p->v));
	}
	p->v[p->n] = (struct pkg_item){ 0 };
	return &p->v[p->n++];
}

const struct pkg_item *pkg_plan_find(const struct pkg_plan *p, const char *name,
				     const char *arch)
{
	for (size_t i = 0; i < p->n; i++)
		if (streq(p->v[i].name, name) && (!arch || streq0(p->v[i].arch, arch)))
			return &p->v[i];
	return NULL;
}

static json_t *item_to_json(const struct pkg_item *it)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(it->name ? it->name : ""));
	json_object_set_new(o, "arch", json_string(it->arch ? it->arch : ""));
	json_object_set_new(o, "action", json_string(action_name(it->action)));
	json_object_set_new(o, "old_version",
			    json_string(it->old_version ? it->old_version : ""));
	json_object_set_new(o, "new_version",
			    json_string(it->new_version ? it->new_version : ""));
	json_object_set_new(o, "file", json_string(it->file ? it->file : ""));
	json_object_set_new(o, "bos", json_boolean(it->bos));
	json_object_set_new(o, "size_delta", json_integer(it->size_delta));
	if (it->action == PKG_REMOVE) {
		json_object_set_new(o, "removal", json_string(removal_name(it->removal)));
		json_object_set_new(o, "replaced_by",
				    json_string(it->replaced_by ? it->replaced_by : ""));
	}
	return o;
}

int pkg_plan_save(const struct pkg_plan *p, const char *path, struct err *err)
{
	json_t *top = json_object(), *items = json_array();
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(items, item_to_json(&p->v[i]));
	json_object_set_new(top, "download_bytes",
			    json_integer((json_int_t)p->download_bytes));
	json_object_set_new(top, "unpacked_delta",
			    json_integer((json_int_t)p->unpacked_delta));
	json_object_set_new(top, "items", items);
	text = json_dumps(top, JSON_INDENT(1));
	json_decref(top);
	if (!text)
		return err_set(err, ERR_INTERNAL, "%s: the plan has no JSON form", path);
	return files_write_atomic(path, text, strlen(text), 0644, err);
}

static int item_from_json(struct pkg_plan *p, const json_t *o)
{
	int action = name_index(action_names, ARRAY_SIZE(action_names),
				json_string_value(json_object_get(o, "action")));
	int removal = name_index(removal_names, ARRAY_SIZE(removal_names),
				 json_string_value(json_object_get(o, "removal")));
	const char *name = json_string_value(json_object_get(o, "name"));
	struct pkg_item *it;

	if (!name || action < 0 || (action == PKG_REMOVE && removal < 0))
		return -1;
	it = pkg_plan_add(p);
	it->name = xstrdup(name);
	it->arch = xstrdup(json_field(o, "arch"));
	it->old_version = xstrdup(json_field(o, "old_version"));
	it->new_version = xstrdup(json_field(o, "new_version"));
	it->file = xstrdup(json_field(o, "file"));
	it->replaced_by = xstrdup(json_field(o, "replaced_by"));
	it->action = (enum pkg_action)action;
	it->removal = removal < 0 ? PKG_REPLACED : (enum pkg_removal)removal;
	it->bos = json_is_true(json_object_get(o, "bos"));
	it->size_delta = json_integer_value(json_object_get(o, "size_delta"));
	return 0;
}

int pkg_plan_load(struct pkg_plan *p, const char *path, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_json_ json_t *top = NULL;
	json_error_t where;
	json_t *items, *o;
	size_t i;

	if (files_read(path, 64 << 20, &text, err) < 0)
		return -1;
	top = json_loadb(str_c(&text), text.len, 0, &where);
	items = json_object_get(top, "items");
	if (!json_is_array(items))
		return err_set(err, ERR_INTERNAL, "%s: no package plan: line %d: %s",
			       path, where.line, top ? "no items" : where.text);
	p->download_bytes =
		(uint64_t)json_integer_value(json_object_get(top, "download_bytes"));
	p->unpacked_delta =
		(uint64_t)json_integer_value(json_object_get(top, "unpacked_delta"));
	json_array_foreach(items, i, o) if (item_from_json(p, o) < 0) return err_set(
		err, ERR_INTERNAL, "%s: no package plan: item %zu is malformed", path, i);
	return 0;
}
