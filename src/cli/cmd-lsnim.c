/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lsnim: lists objects, and what can be done with them. */
#include "base/nearest.h"
#include "cli/cmd.h"
#include "cli/lsnim.h"

static const struct opt options[] = {
	{ "long", 'l', OPT_FLAG, offsetof(struct lsnim_options, all), NULL,
	  "List all attributes of each object." },
	{ "type", 't', OPT_STRING, offsetof(struct lsnim_options, type), "TYPE",
	  "Only objects of this type." },
	{ "class", 'c', OPT_STRING, offsetof(struct lsnim_options, cls), "CLASS",
	  "Only objects of this class: machines, resources, groups." },
	{ "attribute", 'a', OPT_WORDS, offsetof(struct lsnim_options, attrs), "ATTR,...",
	  "Only these attributes; objects that have none of them are left out." },
	{ "colon", 'Z', OPT_FLAG, offsetof(struct lsnim_options, colon), NULL,
	  "Colon-separated output; with -a always the same columns." },
	{ "json", 0, OPT_FLAG, offsetof(struct lsnim_options, json), NULL,
	  "One JSON object a line; of objects with all attributes that the type has." },
	{ "operations", 'O', OPT_FLAG, offsetof(struct lsnim_options, operations), NULL,
	  "List the operations of an object, or of a type (-t)." },
	{ "query", 'q', OPT_FLAG, offsetof(struct lsnim_options, query), NULL,
	  "List the attributes that an operation takes: -q OPERATION -t TYPE." },
	{ "predefined", 'P', OPT_FLAG, offsetof(struct lsnim_options, help_attributes),
	  NULL,
	  "Explain classes and types, a type (-t), a class (-c), attributes (-a)." },
};

static const char *const synopsis[] = {
	"[-l] [-a ATTR] [-t TYPE | -c CLASS] [-Z | --json] [OBJECT...]",
	"-O {OBJECT | -t TYPE} [--json]",
	"-q [OPERATION] {OBJECT | -t TYPE} [--json]",
	"-P [-c CLASS | -t TYPE | -a ATTR] [--json]",
	NULL,
};

static const struct opt_program program = {
	.name = "lsnim",
	.synopsis = synopsis,
	.about = "Lists the objects of this NIM master and what can be done with them.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
};

const struct type_def *lsnim_type(const char *name, struct err *err)
{
	const struct type_def *t = type_find(name);
	struct nearest near = NEAREST_INIT(name);
	const struct type_def *table;
	size_t n;

	if (t)
		return t;
	table = type_table(&n);
	for (size_t i = 0; i < n; i++)
		nearest_offer(&near, table[i].name);
	err_set(err, ERR_USAGE, "unknown type '%s'", name);
	if (nearest_get(&near))
		err_remedy(err, "did you mean '%s'?", nearest_get(&near));
	else
		err_remedy(err, "lsnim -P lists the types");
	return NULL;
}

static bool is_class(const char *name)
{
	for (int i = 0; i < CLASS_COUNT_; i++)
		if (streq(object_class_name((enum object_class)i), name))
			return true;
	return false;
}

static int check_options(const struct lsnim_options *o, struct err *err)
{
	int actions = o->query + o->operations + o->help_attributes;

	if (actions > 1 && !(o->operations && o->help_attributes && !o->query))
		return err_set(err, ERR_USAGE, "-q, -O and -P cannot be given together");
	if (o->type && o->cls)
		return err_set(err, ERR_USAGE, "-t and -c cannot be given together");
	if (actions && o->colon)
		return err_set(err, ERR_USAGE, "-Z is for objects only");
	if (o->json && o->colon)
		return err_set(err, ERR_USAGE, "--json and -Z cannot be given together");
	if (o->type && !lsnim_type(o->type, err))
		return -1;
	if (o->cls && !is_class(o->cls)) {
		err_set(err, ERR_USAGE, "unknown class '%s'", o->cls);
		return err_remedy(err, "lsnim -P lists the classes");
	}
	return 0;
}

static int list(struct cli *cli, const struct lsnim_options *o, const struct strv *args,
		struct err *err)
{
	if (check_options(o, err) < 0)
		return -1;
	if (o->query)
		return lsnim_query(cli, o, args, err);
	if (o->operations)
		return lsnim_operations(cli, o, args, err);
	if (o->help_attributes)
		return lsnim_predefined(o, args, err);
	return lsnim_objects(cli, o, args, err);
}

static int run(int argc, char **argv)
{
	struct lsnim_options o = { 0 };
	_cleanup_(cli_done) struct cli cli = { 0 };
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct err err = { 0 };
	int rc = cli_parse(&cli, &program, &o, argc, argv, &args, &err);

	if (rc == 0)
		rc = list(&cli, &o, &args, &err);
	strv_done(&o.attrs);
	return cli_exit(rc, &err);
}

const struct command cmd_lsnim = {
	.name = "lsnim",
	.summary = "list NIM objects",
	.run = run,
};
