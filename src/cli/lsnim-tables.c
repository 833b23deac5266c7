/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lsnim: what is known of classes, types, operations and attributes (-P, -O, -q). */
#include "base/nearest.h"
#include "cli/lsnim.h"

static void print_wrapped(const char *text, size_t at, size_t indent)
{
	_cleanup_str_ struct str out = STR_INIT;

	opt_wrap(&out, text, at, indent);
	fputs(str_c(&out), stdout);
}

static void print_row(const char *name, const char *text)
{
	printf("   %-16s ", name);
	print_wrapped(text, 20, 20);
}

/* --- -P --- */

static void print_types(const struct lsnim_options *o)
{
	size_t n;
	const struct type_def *types = type_table(&n);

	for (int c = 0; c < CLASS_COUNT_; c++) {
		const char *name = object_class_name((enum object_class)c);

		if (o->cls && !streq(o->cls, name))
			continue;
		if (!o->json)
			printf("%s:\n", name);
		for (size_t i = 0; i < n; i++) {
			if ((int)types[i].cls != c)
				continue;
			if (o->json)
				lsnim_json_type(&types[i]);
			else
				print_row(types[i].name, types[i].help);
		}
	}
}

/* What the value may be: the metavariable, the words, yes|no. */
static void add_value(const struct attr_def *a, struct str *out)
{
	if (a->kind == ATTR_ENUM) {
		for (const char *p = a->values; *p; p++)
			str_addc(out, *p == ' ' ? '|' : *p);
	} else if (a->kind == ATTR_BOOL) {
		str_add(out, "yes|no");
	} else {
		str_add(out, a->meta ? a->meta : "value");
	}
}

static void print_attr(const struct attr_def *a)
{
	printf("%s:\n", a->name);
	printf("   %-11s = %s\n", "kind", attr_kind_name(a->kind));
	if (a->values)
		printf("   %-11s = %s\n", "values", a->values);
	if (a->def)
		printf("   %-11s = %s\n", "default", a->def);
	printf("   %-11s = %s\n", "types", streq(a->types, "*") ? "all" : a->types);
	printf("   %-11s = %s\n", "set by",
	       a->flags & ATTR_STATE ? "nimadm only" : "the administrator");
	print_wrapped(a->help, 0, 0);
}

static int print_attrs(const struct lsnim_options *o, struct err *err)
{
	size_t n;
	const struct attr_def *table = attr_table(&n);

	for (size_t k = 0; k < o->attrs.n; k++) {
		const char *name = o->attrs.v[k];
		struct nearest near = NEAREST_INIT(name);
		bool found = false;

		for (size_t i = 0; i < n; i++) {
			nearest_offer(&near, table[i].name);
			if (!streq(table[i].name, name) ||
			    (o->type && !attr_is_of_type(&table[i], o->type)))
				continue;
			if (found && !o->json)
				putchar('\n');
			if (o->json)
				lsnim_json_attr(&table[i]);
			else
				print_attr(&table[i]);
			found = true;
		}
		if (found)
			continue;
		err_set(err, ERR_USAGE, "unknown attribute '%s'", name);
		if (nearest_get(&near) && !streq(nearest_get(&near), name))
			return err_remedy(err, "did you mean '%s'?", nearest_get(&near));
		return err_remedy(err, "lsnim -P -t TYPE lists the attributes of a type");
	}
	return 0;
}

static void print_type_attrs(const struct lsnim_options *o)
{
	size_t n;
	const struct attr_def *table = attr_table(&n);

	if (!o->json)
		printf("%s:\n", o->type);
	for (size_t i = 0; i < n; i++) {
		if (!attr_is_of_type(&table[i], o->type))
			continue;
		if (o->json)
			lsnim_json_attr(&table[i]);
		else
			print_row(table[i].name, table[i].help);
	}
}

int lsnim_predefined(const struct lsnim_options *o, const struct strv *args,
		     struct err *err)
{
	if (args->n > 0)
		return err_set(err, ERR_USAGE, "-P takes no object: '%s'", args->v[0]);
	if (o->attrs.n > 0)
		return print_attrs(o, err);
	if (o->type)
		print_type_attrs(o);
	else
		print_types(o);
	return 0;
}

/* --- -O and -q --- */

/* The type of -t, or of the object that is the last argument. */
static const struct type_def *find_type(struct cli *cli, const struct lsnim_options *o,
					const struct strv *args, size_t at,
					struct err *err)
{
	_cleanup_object_ struct object obj = OBJECT_INIT;
	struct store *s;

	if (args->n > at + 1 || (o->type && args->n > at)) {
		err_set(err, ERR_USAGE, "one argument too many: '%s'",
			args->v[args->n - 1]);
		return NULL;
	}
	if (o->type)
		return lsnim_type(o->type, err);
	if (args->n <= at) {
		err_set(err, ERR_USAGE, "of which type? give -t TYPE or an object");
		err_remedy(err, "lsnim -P lists the types");
		return NULL;
	}
	s = cli_store(cli, err);
	if (!s || store_object_get(s, args->v[at], NULL, &obj, err) < 0)
		return NULL;
	return lsnim_type(obj.type, err);
}

int lsnim_operations(struct cli *cli, const struct lsnim_options *o,
		     const struct strv *args, struct err *err)
{
	const struct type_def *t = find_type(cli, o, args, 0, err);
	size_t n;
	const struct operation_def *table = operation_table(&n);

	if (!t)
		return -1;
	if (!o->json)
		printf("%s:\n", t->name);
	for (size_t i = 0; i < n; i++) {
		if (!type_has_operation(t, table[i].name))
			continue;
		if (o->json)
			lsnim_json_operation(t, &table[i]);
		else
			print_row(table[i].name, table[i].help);
	}
	return 0;
}

static void print_query_attr(const struct attr_def *a)
{
	_cleanup_str_ struct str form = STR_INIT;

	str_addf(&form, "        -a %s=", a->name);
	add_value(a, &form);
	if (a->flags & ATTR_REPEAT)
		str_add(&form, " ...");
	printf("%s\n%16s", str_c(&form), "");
	print_wrapped(a->help, 16, 16);
}

static size_t print_query_part(const struct type_def *t, const char *operation,
			       bool required, bool json)
{
	size_t n, printed = 0;
	const struct attr_def *table = attr_table(&n);

	for (size_t i = 0; i < n; i++) {
		const struct attr_def *a = &table[i];
		bool is_required = (a->flags & ATTR_REQUIRED) &&
				   streq(operation, "define");

		if (!attr_is_of_type(a, t->name) || !attr_is_of_operation(a, operation) ||
		    is_required != required)
			continue;
		if (printed++ == 0 && !json)
			printf("the following attributes are %s:\n",
			       required ? "required" : "optional");
		if (json)
			lsnim_json_query(t, operation, a, required);
		else
			print_query_attr(a);
	}
	return printed;
}

static void print_query(const struct type_def *t, const char *operation, bool json)
{
	size_t n = print_query_part(t, operation, true, json);

	n += print_query_part(t, operation, false, json);
	if (json)
		return;
	if (n == 0)
		printf("no attributes are needed\n");
	if (streq(operation, "define"))
		printf("example:\n        nim -o define -t %s %s\n", t->name, t->example);
}

static int no_operation(const struct type_def *t, const char *operation, struct err *err)
{
	struct nearest near = NEAREST_INIT(operation);
	size_t n;
	const struct operation_def *table = operation_table(&n);

	for (size_t i = 0; i < n; i++)
		if (type_has_operation(t, table[i].name))
			nearest_offer(&near, table[i].name);
	if (operation_find(operation))
		err_set(err, ERR_USAGE, "objects of type %s have no operation %s",
			t->name, operation);
	else
		err_set(err, ERR_USAGE, "unknown operation '%s'", operation);
	if (nearest_get(&near))
		return err_remedy(err, "did you mean '%s'?", nearest_get(&near));
	return err_remedy(err, "lsnim -O -t %s lists the operations", t->name);
}

int lsnim_query(struct cli *cli, const struct lsnim_options *o, const struct strv *args,
		struct err *err)
{
	/* The first argument is an operation unless it stands alone where a type must come from an object. */
	bool has_operation = args->n > (o->type ? 0 : 1) ||
			     (args->n == 1 && operation_find(args->v[0]));
	const struct type_def *t = find_type(cli, o, args, has_operation, err);
	size_t n;
	const struct operation_def *table = operation_table(&n);

	if (!t)
		return -1;
	if (has_operation) {
		if (!type_has_operation(t, args->v[0]))
			return no_operation(t, args->v[0], err);
		print_query(t, args->v[0], o->json);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (!type_has_operation(t, table[i].name))
			continue;
		if (!o->json)
			printf("%s:\n", table[i].name);
		print_query(t, table[i].name, o->json);
	}
	return 0;
}
