/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lsnim: objects as a short list, in full, in colon form and as JSON. */
#include "base/nearest.h"
#include "base/parse.h"
#include "cli/lsnim.h"
#include "model/json.h"

/* Name and value as they are printed: an attribute, or class and type, which are none. */
struct field {
	char *name;
	const char *value; /* borrowed */
};

struct fields {
	struct field *v;
	size_t n;
};

static void fields_done(struct fields *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].name);
	free(f->v);
}

static void add_field(struct fields *f, char *name, const char *value)
{
	f->v = xrealloc(f->v, (f->n + 1) * sizeof(*f->v));
	f->v[f->n++] = (struct field){ name, value };
}

static bool wanted(const struct lsnim_options *o, const char *name)
{
	return o->attrs.n == 0 || strv_has(&o->attrs, name);
}

/* Repeated attributes are numbered, as the original does: member1, member2. */
static void add_attr(struct fields *f, const struct object *o, size_t i)
{
	const struct object_attr *a = &o->attrs[i];
	const struct attr_def *def = attr_find(o->type, a->name);
	size_t number = 1;

	if (!def || !(def->flags & ATTR_REPEAT)) {
		add_field(f, xstrdup(a->name), a->value);
		return;
	}
	for (size_t k = 0; k < i; k++)
		number += streq(o->attrs[k].name, a->name);
	add_field(f, xasprintf("%s%zu", a->name, number), a->value);
}

static const char *class_of(const struct object *o)
{
	const struct type_def *t = type_find(o->type);

	return t ? object_class_name(t->cls) : "unknown";
}

static void collect(const struct lsnim_options *opts, const struct object *o,
		    struct fields *f)
{
	if (wanted(opts, "class"))
		add_field(f, xstrdup("class"), class_of(o));
	if (wanted(opts, "type"))
		add_field(f, xstrdup("type"), o->type);
	for (size_t i = 0; i < o->n_attrs; i++)
		if (wanted(opts, o->attrs[i].name))
			add_attr(f, o, i);
}

static void print_long(const struct lsnim_options *opts, const struct object *o)
{
	_cleanup_(fields_done) struct fields f = { 0 };
	size_t width = 0;

	collect(opts, o, &f);
	if (f.n == 0)
		return;
	for (size_t i = 0; i < f.n; i++)
		width = MAX(width, strlen(f.v[i].name));
	printf("%s:\n", o->name);
	for (size_t i = 0; i < f.n; i++)
		printf("   %-*s = %s\n", (int)width, f.v[i].name, f.v[i].value);
}

/* --- colon form: the separator inside a value is written as "\:" --- */

static void print_colon_value(const char *value)
{
	for (; value && *value; value++) {
		if (*value == ':' || *value == '\\')
			putchar('\\');
		putchar(*value);
	}
	putchar(':');
}

static void print_colon_header(const struct lsnim_options *opts)
{
	printf("#name:");
	for (size_t i = 0; i < opts->attrs.n; i++)
		printf("%s:", opts->attrs.v[i]);
	putchar('\n');
}

/* Without -a there is one line an attribute. */
static void print_colon_attr(const struct object *o, const char *name, const char *value)
{
	print_colon_value(o->name);
	print_colon_value(name);
	print_colon_value(value);
	putchar('\n');
}

static void print_colon(const struct lsnim_options *opts, const struct object *o)
{
	if (opts->attrs.n == 0) {
		print_colon_attr(o, "class", class_of(o));
		print_colon_attr(o, "type", o->type);
		for (size_t i = 0; i < o->n_attrs; i++)
			print_colon_attr(o, o->attrs[i].name, o->attrs[i].value);
		return;
	}
	print_colon_value(o->name);
	for (size_t i = 0; i < opts->attrs.n; i++) {
		const char *name = opts->attrs.v[i];

		print_colon_value(streq(name, "class")	? class_of(o)
				  : streq(name, "type") ? o->type
							: object_get(o, name));
	}
	putchar('\n');
}

/* --- JSON --- */

static json_t *json_list(const char *value)
{
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_split(&words, value, ", \t");
	return json_from_strv(&words);
}

static json_t *json_value(enum attr_kind kind, const char *value)
{
	uint64_t number;
	bool flag;

	if ((kind == ATTR_NUMBER || kind == ATTR_PORT) &&
	    parse_u64(value, &number, NULL) == 0)
		return json_integer((json_int_t)number);
	if (kind == ATTR_SIZE && parse_size(value, &number, NULL) == 0)
		return json_integer((json_int_t)number);
	if (kind == ATTR_BOOL && parse_bool(value, &flag, NULL) == 0)
		return json_boolean(flag);
	if (kind == ATTR_LIST)
		return json_list(value);
	return json_text(value);
}

/* All values of an attribute: null or one value, or an array where it can be repeated. */
static json_t *json_attr(const struct object *o, const struct attr_def *a)
{
	json_t *array;

	if (!(a->flags & ATTR_REPEAT))
		return object_get(o, a->name)
			       ? json_value(a->kind, object_get(o, a->name))
			       : json_null();
	array = json_array();
	for (size_t i = 0; i < o->n_attrs; i++)
		if (streq(o->attrs[i].name, a->name))
			json_array_append_new(array,
					      json_value(a->kind, o->attrs[i].value));
	return array;
}

static void print_json(const struct lsnim_options *opts, const struct object *o)
{
	json_t *j = json_object();
	size_t n;
	const struct attr_def *table = attr_table(&n);

	json_object_set_new(j, "name", json_text(o->name));
	if (wanted(opts, "class"))
		json_object_set_new(j, "class", json_text(class_of(o)));
	if (wanted(opts, "type"))
		json_object_set_new(j, "type", json_text(o->type));
	for (size_t i = 0; i < n; i++)
		if (attr_is_of_type(&table[i], o->type) &&
		    !(table[i].flags & ATTR_ACTION) && wanted(opts, table[i].name))
			json_object_set_new(j, table[i].name, json_attr(o, &table[i]));
	lsnim_json_line(j);
}

/* --- the list --- */

static int check_attrs(const struct lsnim_options *opts, struct err *err)
{
	size_t n;
	const struct attr_def *table = attr_table(&n);

	for (size_t i = 0; i < opts->attrs.n; i++) {
		const char *name = opts->attrs.v[i];
		struct nearest near = NEAREST_INIT(name);

		if (streq(name, "class") || streq(name, "type") || attr_find(NULL, name))
			continue;
		for (size_t k = 0; k < n; k++)
			nearest_offer(&near, table[k].name);
		err_set(err, ERR_USAGE, "unknown attribute '%s'", name);
		if (nearest_get(&near))
			return err_remedy(err, "did you mean '%s'?", nearest_get(&near));
		return err_remedy(err, "lsnim -P -t TYPE lists the attributes of a type");
	}
	return 0;
}

static int find_names(struct store *s, const struct lsnim_options *opts,
		      const struct strv *names, struct strv *ret, struct err *err)
{
	if (names->n == 0)
		return store_object_list(s, opts->type, opts->cls, ret, err);
	for (size_t i = 0; i < names->n; i++)
		strv_add(ret, names->v[i]);
	return 0;
}

/* Named objects must fit the filters; listed ones do. */
static int get(struct store *s, const struct lsnim_options *opts, const char *name,
	       struct object *ret, struct err *err)
{
	if (store_object_get(s, name, opts->type, ret, err) < 0)
		return -1;
	if (opts->cls && !streq(class_of(ret), opts->cls)) {
		err_set(err, ERR_OPERATOR, "'%s' is of class %s, not %s", name,
			class_of(ret), opts->cls);
		object_done(ret);
		return -1;
	}
	return 0;
}

static void print_object(const struct lsnim_options *opts, const struct object *o,
			 size_t width)
{
	if (opts->json)
		print_json(opts, o);
	else if (opts->colon)
		print_colon(opts, o);
	else if (opts->all || opts->attrs.n > 0)
		print_long(opts, o);
	else
		printf("%-*s  %-13s  %s\n", (int)width, o->name, class_of(o), o->type);
}

int lsnim_objects(struct cli *cli, const struct lsnim_options *opts,
		  const struct strv *args, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct store *s = NULL;
	size_t width = 16;

	if (check_attrs(opts, err) < 0)
		return -1;
	s = cli_store(cli, err);
	if (!s || find_names(s, opts, args, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		width = MAX(width, strlen(names.v[i]));
	if (opts->colon && opts->attrs.n > 0)
		print_colon_header(opts);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_object_ struct object o = OBJECT_INIT;

		if (get(s, opts, names.v[i], &o, err) < 0)
			return -1;
		print_object(opts, &o, width);
	}
	return 0;
}
