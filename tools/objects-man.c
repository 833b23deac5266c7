/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints nim-objects(5) as scdoc from the tables of types, operations and attributes. */
#include <stdio.h>

#include "model/object.h"

/* Text with what scdoc would take for markup escaped. */
static void put(const char *text)
{
	for (; *text; text++) {
		if (strchr("_*\\<>[]#~", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void put_bold(const char *text)
{
	putchar('*');
	put(text);
	putchar('*');
}

/* The form of the value: words, yes|no, or the metavariable. */
static void put_value(const struct attr_def *a)
{
	if (a->kind == ATTR_ENUM) {
		for (const char *p = a->values; *p; p++)
			putchar(*p == ' ' ? '|' : *p);
		return;
	}
	putchar('_');
	put(a->kind == ATTR_BOOL ? "yes|no"
	    : a->meta		 ? a->meta
				 : attr_kind_name(a->kind));
	putchar('_');
}

static void put_operations(const struct attr_def *a, const char *type)
{
	size_t n, printed = 0;
	const struct operation_def *table = operation_table(&n);

	for (size_t i = 0; i < n; i++)
		if (type_has_operation(type_find(type), table[i].name) &&
		    attr_is_of_operation(a, table[i].name))
			printf("%s%s", printed++ ? ", " : " In ", table[i].name);
	if (printed > 0)
		putchar('.');
}

static void put_attribute(const struct attr_def *a, const char *type)
{
	put_bold(a->name);
	putchar('=');
	put_value(a);
	printf("\n\t");
	put(a->help);
	if (a->def) {
		printf(" Default: ");
		put(a->def);
		putchar('.');
	}
	if (!(a->flags & ATTR_STATE))
		put_operations(a, type);
	if (a->flags & ATTR_REQUIRED)
		printf(" Required.");
	if (a->flags & ATTR_REPEAT)
		printf(" May be repeated.");
	printf("\n\n");
}

static void put_attributes(const char *type, bool state)
{
	size_t n, printed = 0;
	const struct attr_def *table = attr_table(&n);

	for (size_t i = 0; i < n; i++) {
		if (!attr_is_of_type(&table[i], type) ||
		    !(table[i].flags & ATTR_STATE) != !state)
			continue;
		if (printed++ == 0)
			printf(state ? "Set by nimadm:\n\n"
				     : "Given by the administrator:\n\n");
		put_attribute(&table[i], type);
	}
}

static void put_type(const struct type_def *t)
{
	printf("## ");
	put(t->name);
	printf("\n\n");
	put(t->help);
	printf("\nClass %s. Operations: %s.\n\n", object_class_name(t->cls),
	       t->operations);
	printf("\tnim -o define -t ");
	put(t->name);
	putchar(' ');
	put(t->example);
	printf("\n\n");
	put_attributes(t->name, false);
	put_attributes(t->name, true);
}

int main(void)
{
	size_t n;
	const struct type_def *types = type_table(&n);
	const struct operation_def *ops;

	printf("nim-objects(5)\n\n# NAME\n\nnim-objects - the types of NIM objects and their "
	       "attributes\n\n# DESCRIPTION\n\n"
	       "An object has a name, a type and attributes; its type belongs to a class.\n"
	       "Names begin with a letter or digit and have at most 39 letters, digits, '.', "
	       "'\\_' and '-'.\n*nim*(8) manages objects, *lsnim*(8) lists them; *lsnim -q* "
	       "_operation_ *-t* _type_ shows what is written here.\n\n# OPERATIONS\n\n");
	ops = operation_table(&n);
	for (size_t i = 0; i < n; i++) {
		put_bold(ops[i].name);
		printf("\n\t%s\n\n", ops[i].help);
	}
	printf("# TYPES\n\n");
	types = type_table(&n);
	for (size_t i = 0; i < n; i++)
		put_type(&types[i]);
	printf("# SEE ALSO\n\n*nim*(8), *lsnim*(8), *nimadm*(7)\n");
	return ferror(stdout) != 0;
}
