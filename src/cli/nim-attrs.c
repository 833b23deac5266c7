/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nim: attributes of the command line against the attribute table. */
#include "base/nearest.h"
#include "cli/nim.h"

const char *nim_given(const struct nim_request *r, const char *attr)
{
	for (size_t i = 0; i < r->n_attrs; i++)
		if (streq(r->attrs[i].def->name, attr))
			return r->attrs[i].value;
	return NULL;
}

const char *nim_value(const struct nim_request *r, const char *attr)
{
	const char *value = nim_given(r, attr);
	const struct attr_def *def = attr_find(r->type->name, attr);

	if (value)
		return *value ? value : NULL;
	value = object_get(&r->object, attr);
	return value || !def ? value : def->def;
}

/* --- parsing --- */

static int unknown(const struct nim_request *r, const char *name, struct err *err)
{
	struct nearest near = NEAREST_INIT(name);
	size_t n;
	const struct attr_def *table = attr_table(&n);

	for (size_t i = 0; i < n; i++)
		if (attr_is_of_type(&table[i], r->type->name) &&
		    attr_is_of_operation(&table[i], r->operation->name))
			nearest_offer(&near, table[i].name);
	err_set(err, ERR_USAGE, "objects of type %s have no attribute '%s'",
		r->type->name, name);
	if (nearest_get(&near))
		return err_remedy(err, "did you mean '%s'?", nearest_get(&near));
	return err_remedy(err, "lsnim -q %s -t %s lists the attributes",
			  r->operation->name, r->type->name);
}

static int refused(const struct nim_request *r, const struct attr_def *def,
		   struct err *err)
{
	if (def->flags & ATTR_STATE)
		err_set(err, ERR_USAGE, "attribute %s is set by nimadm only", def->name);
	else
		err_set(err, ERR_USAGE, "attribute %s of type %s has no place in %s",
			def->name, r->type->name, r->operation->name);
	return err_remedy(err, "lsnim -q %s -t %s lists the attributes",
			  r->operation->name, r->type->name);
}

static int check_object(const struct nim_request *r, const struct attr_def *def,
			const char *value, struct err *err)
{
	_cleanup_object_ struct object o = OBJECT_INIT;

	if (def->kind != ATTR_OBJECT)
		return 0;
	if (store_object_get(r->store, value, def->values, &o, err) < 0)
		return err_prefix(err, "attribute %s", def->name);
	return 0;
}

static int parse_one(struct nim_request *r, char *word, struct err *err)
{
	char *equal = strchr(word, '=');
	const struct attr_def *def;
	const char *value;

	if (!equal) {
		err_set(err, ERR_USAGE, "'-a %s' is not of the form ATTR=VALUE", word);
		return err_remedy(err, "lsnim -q %s -t %s lists the attributes",
				  r->operation->name, r->type->name);
	}
	/* The name is cut out for the lookup only: words belong to the command line. */
	*equal = '\0';
	value = equal + 1;
	def = attr_find(r->type->name, word);
	if (!def)
		return unknown(r, word, err);
	if (!attr_is_of_operation(def, r->operation->name))
		return refused(r, def, err);
	if (nim_given(r, def->name) && !(def->flags & ATTR_REPEAT))
		return err_set(err, ERR_USAGE, "attribute %s is given twice", def->name);
	if (*value || !streq(r->operation->name, "change") ||
	    (def->flags & (ATTR_ACTION | ATTR_REQUIRED))) {
		if (attr_check_value(def, value, err) < 0 ||
		    check_object(r, def, value, err) < 0)
			return -1;
	}
	r->attrs = xrealloc(r->attrs, (r->n_attrs + 1) * sizeof(*r->attrs));
	r->attrs[r->n_attrs++] = (struct nim_attr){ def, value };
	return 0;
}

/* Everything that a define needs is there. */
static int check_required(const struct nim_request *r, struct err *err)
{
	size_t n;
	const struct attr_def *table = attr_table(&n);

	if (!streq(r->operation->name, "define"))
		return 0;
	for (size_t i = 0; i < n; i++) {
		const struct attr_def *def = &table[i];

		if (!(def->flags & ATTR_REQUIRED) ||
		    !attr_is_of_type(def, r->type->name) || nim_given(r, def->name))
			continue;
		err_set(err, ERR_USAGE, "%s '%s': the attribute %s is missing",
			r->type->name, r->name, def->name);
		return err_remedy(err, "for example: nim -o define -t %s %s",
				  r->type->name, r->type->example);
	}
	return 0;
}

int nim_attrs_parse(struct nim_request *r, const struct strv *words, struct err *err)
{
	for (size_t i = 0; i < words->n; i++)
		if (parse_one(r, words->v[i], err) < 0)
			return -1;
	return check_required(r, err);
}

/* --- storing --- */

int nim_set(struct nim_request *r, const char *attr, const char *value, struct err *err)
{
	return store_attr_set(r->store, r->name, attr, value, err);
}

static int set_rstate(struct nim_request *r, const char *state, const char *info,
		      struct err *err)
{
	if (nim_set(r, "info", info, err) < 0)
		return -1;
	return store_state_set(r->store, r->name, "Rstate", state, err);
}

int nim_set_rstate(struct nim_request *r, const char *state, const char *info,
		   struct err *err)
{
	if (store_begin(r->store, err) < 0)
		return -1;
	if (set_rstate(r, state, info, err) < 0) {
		store_rollback(r->store);
		return -1;
	}
	return store_commit(r->store, err);
}

static int store_defaults(struct nim_request *r, struct err *err)
{
	size_t n;
	const struct attr_def *table = attr_table(&n);

	for (size_t i = 0; i < n; i++)
		if (table[i].def && attr_is_of_type(&table[i], r->type->name) &&
		    !(table[i].flags & ATTR_ACTION) && !nim_given(r, table[i].name) &&
		    nim_set(r, table[i].name, table[i].def, err) < 0)
			return -1;
	return 0;
}

int nim_attrs_store(struct nim_request *r, struct err *err)
{
	for (size_t i = 0; i < r->n_attrs; i++) {
		const struct nim_attr *a = &r->attrs[i];

		if (!(a->def->flags & ATTR_ACTION) &&
		    nim_set(r, a->def->name, *a->value ? a->value : NULL, err) < 0)
			return -1;
	}
	return streq(r->operation->name, "define") ? store_defaults(r, err) : 0;
}
