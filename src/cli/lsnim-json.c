/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lsnim: the tables of types, operations and attributes as JSON. */
#include "cli/lsnim.h"
#include "model/json.h"

void lsnim_json_line(json_t *o)
{
	_cleanup_free_ char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	printf("%s\n", text ? text : "{}");
}

static json_t *words(const char *list)
{
	_cleanup_strv_ struct strv sv = STRV_INIT;

	strv_split(&sv, list ? list : "", " ");
	return json_from_strv(&sv);
}

void lsnim_json_type(const struct type_def *t)
{
	lsnim_json_line(json_pack("{s:s, s:s, s:s}", "type", t->name, "class",
				  object_class_name(t->cls), "help", t->help));
}

void lsnim_json_attr(const struct attr_def *a)
{
	lsnim_json_line(json_pack("{s:s, s:s, s:o, s:s?, s:o, s:b, s:s}", "attribute",
				  a->name, "kind", attr_kind_name(a->kind), "values",
				  words(a->values), "default", a->def, "types",
				  words(a->types), "state", !!(a->flags & ATTR_STATE),
				  "help", a->help));
}

void lsnim_json_operation(const struct type_def *t, const struct operation_def *o)
{
	lsnim_json_line(json_pack("{s:s, s:s, s:s}", "type", t->name, "operation",
				  o->name, "help", o->help));
}

void lsnim_json_query(const struct type_def *t, const char *operation,
		      const struct attr_def *a, bool required)
{
	lsnim_json_line(json_pack(
		"{s:s, s:s, s:s, s:b, s:b, s:s, s:o, s:s}", "type", t->name, "operation",
		operation, "attribute", a->name, "required", required, "repeat",
		!!(a->flags & ATTR_REPEAT), "kind", attr_kind_name(a->kind), "values",
		words(a->values), "help", a->help));
}
