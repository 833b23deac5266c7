/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nim: members of machine groups. */
#include "cli/nim.h"

struct group {
	struct strv members, excluded;
};

static void group_done(struct group *g)
{
	strv_done(&g->members);
	strv_done(&g->excluded);
}

static void group_load(struct group *g, const struct object *o)
{
	for (size_t i = 0; i < o->n_attrs; i++) {
		if (streq(o->attrs[i].name, "member"))
			strv_add(&g->members, o->attrs[i].value);
		if (streq(o->attrs[i].name, "excluded"))
			strv_add(&g->excluded, o->attrs[i].value);
	}
}

static int write_list(struct store *s, const char *group, const char *attr,
		      const struct strv *values, struct err *err)
{
	if (store_attr_set(s, group, attr, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < values->n; i++)
		if (store_attr_add(s, group, attr, values->v[i], err) < 0)
			return -1;
	return 0;
}

static int group_save(struct store *s, const char *name, const struct group *g,
		      struct err *err)
{
	if (write_list(s, name, "member", &g->members, err) < 0)
		return -1;
	return write_list(s, name, "excluded", &g->excluded, err);
}

/* Takes a word out of a list; false when it is not in it. */
static bool list_remove(struct strv *list, const char *word)
{
	struct strv rest = STRV_INIT;
	bool found = strv_has(list, word);

	for (size_t i = 0; i < list->n; i++)
		if (!streq(list->v[i], word))
			strv_add(&rest, list->v[i]);
	strv_done(list);
	*list = rest;
	return found;
}

static void list_add(struct strv *list, const char *word)
{
	if (!strv_has(list, word))
		strv_add(list, word);
}

static int no_member(const struct nim_request *r, const char *machine, struct err *err)
{
	err_set(err, ERR_OPERATOR, "'%s' is not a member of '%s'", machine, r->name);
	return err_remedy(err, "lsnim -l %s shows the members", r->name);
}

static int add_member(struct nim_request *r, struct group *g, const char *machine,
		      struct err *err)
{
	list_add(&g->members, machine);
	return 0;
}

static int rm_member(struct nim_request *r, struct group *g, const char *machine,
		     struct err *err)
{
	list_remove(&g->excluded, machine);
	return list_remove(&g->members, machine) ? 0 : no_member(r, machine, err);
}

static int include(struct nim_request *r, struct group *g, const char *machine,
		   struct err *err)
{
	list_remove(&g->excluded, machine);
	return strv_has(&g->members, machine) ? 0 : no_member(r, machine, err);
}

static int exclude(struct nim_request *r, struct group *g, const char *machine,
		   struct err *err)
{
	list_add(&g->excluded, machine);
	return strv_has(&g->members, machine) ? 0 : no_member(r, machine, err);
}

static int include_all(struct nim_request *r, struct group *g, const char *value,
		       struct err *err)
{
	if (streq(value, "yes"))
		strv_done(&g->excluded);
	return 0;
}

static int exclude_all(struct nim_request *r, struct group *g, const char *value,
		       struct err *err)
{
	for (size_t i = 0; streq(value, "yes") && i < g->members.n; i++)
		list_add(&g->excluded, g->members.v[i]);
	return 0;
}

static const struct {
	const char *attr;
	int (*apply)(struct nim_request *r, struct group *g, const char *value,
		     struct err *err);
} actions[] = {
	{ "add_member", add_member },	{ "rm_member", rm_member },
	{ "include_all", include_all }, { "exclude_all", exclude_all },
	{ "include", include },		{ "exclude", exclude },
};

int nim_group_apply(struct nim_request *r, struct err *err)
{
	_cleanup_(group_done) struct group g = { 0 };

	group_load(&g, &r->object);
	for (size_t k = 0; k < ARRAY_SIZE(actions); k++)
		for (size_t i = 0; i < r->n_attrs; i++)
			if (streq(r->attrs[i].def->name, actions[k].attr) &&
			    actions[k].apply(r, &g, r->attrs[i].value, err) < 0)
				return -1;
	if (g.members.n == 0) {
		err_set(err, ERR_OPERATOR, "'%s' would have no members", r->name);
		return err_remedy(err, "remove the group: nim -o remove %s", r->name);
	}
	return group_save(r->store, r->name, &g, err);
}

int nim_select(struct nim_request *r, struct err *err)
{
	int rc;

	if (r->n_attrs == 0) {
		err_set(err, ERR_USAGE, "select whom in '%s'? no attribute is given",
			r->name);
		return err_remedy(err, "lsnim -q select -t %s lists the attributes",
				  r->type->name);
	}
	if (store_begin(r->store, err) < 0)
		return -1;
	rc = nim_group_apply(r, err);
	if (rc < 0) {
		store_rollback(r->store);
		return -1;
	}
	return store_commit(r->store, err);
}

/* --- machines that go --- */

static int forget_in(struct nim_request *r, const char *name, struct err *err)
{
	_cleanup_(group_done) struct group g = { 0 };
	_cleanup_object_ struct object o = OBJECT_INIT;

	if (store_object_get(r->store, name, "mac_group", &o, err) < 0)
		return -1;
	group_load(&g, &o);
	if (!list_remove(&g.members, r->name))
		return 0;
	list_remove(&g.excluded, r->name);
	/* As in the original: a group without members is no group. */
	if (g.members.n == 0) {
		events_step(&r->events, "Group '%s' has no other members: removed", name);
		return store_object_remove(r->store, name, err);
	}
	events_step(&r->events, "Taken out of group '%s'", name);
	return group_save(r->store, name, &g, err);
}

int nim_group_forget(struct nim_request *r, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (store_object_list(r->store, "mac_group", NULL, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (forget_in(r, names.v[i], err) < 0)
			return -1;
	return 0;
}
