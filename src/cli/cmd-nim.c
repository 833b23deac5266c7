/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nim: defines, changes, checks and removes objects. */
#include "base/nearest.h"
#include "cli/cmd.h"
#include "cli/nim.h"
#include "ui/ui.h"

struct nim_options {
	const char *operation, *type;
	struct strv attrs;
	bool force, verbose;
};

static const struct opt options[] = {
	{ "operation", 'o', OPT_STRING, offsetof(struct nim_options, operation),
	  "OPERATION", "What to do; lsnim -O -t TYPE lists the operations of a type." },
	{ "type", 't', OPT_STRING, offsetof(struct nim_options, type), "TYPE",
	  "Type of the object; needed by define." },
	{ "attribute", 'a', OPT_LIST, offsetof(struct nim_options, attrs), "ATTR=VALUE",
	  "An attribute; lsnim -q OPERATION -t TYPE lists them. May be repeated." },
	{ "force", 'F', OPT_FLAG, offsetof(struct nim_options, force), NULL,
	  "Break the lease of a process that has been silent for a minute." },
	{ "verbose", 'V', OPT_FLAG, offsetof(struct nim_options, verbose), NULL,
	  "Show what the tools print, and checks that passed." },
};

static const char *const synopsis[] = {
	"-o define -t TYPE [-a ATTR=VALUE ...] NAME",
	"-o {change|remove|check|reset|update|select} [-F] [-a ATTR=VALUE ...] NAME",
	"-o {showres|showlog} NAME",
	NULL,
};

static const char *const notes[] = {
	"A repository of Debian 13, the tools that migrate to it, and an image:",
	"  nim -o define -t lpp_source -a release=trixie lpp13",
	"  nim -o define -t spot -a source=lpp13 spot13",
	"  nim -o define -t mksysb -a location=/images/web01.mksysb web01",
	NULL,
};

static const struct opt_program program = {
	.name = "nim",
	.synopsis = synopsis,
	.about = "Manages the objects of this NIM master.",
	.opts = options,
	.n_opts = ARRAY_SIZE(options),
	.notes = notes,
};

static const struct {
	const char *name;
	int (*run)(struct nim_request *r, struct err *err);
	bool reads; /* changes nothing: takes no lease, writes no log */
} operations[] = {
	{ "define", nim_define, false },  { "change", nim_change, false },
	{ "remove", nim_remove, false },  { "check", nim_check, false },
	{ "reset", nim_reset, false },	  { "update", nim_update, false },
	{ "select", nim_select, false },  { "showres", nim_showres, true },
	{ "showlog", nim_showlog, true },
};

static const struct nim_handler *const handlers[] = {
	&nim_lpp_source,      &nim_spot,	  &nim_mksysb,	   &nim_script,
	&nim_installp_bundle, &nim_exclude_files, &nim_image_data, &nim_bosinst_data,
	&nim_resolv_conf,     &nim_cache,
};

static const struct nim_handler *find_handler(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
		if (streq(handlers[i]->type, type))
			return handlers[i];
	return NULL;
}

/* --- the request --- */

static int unknown_operation(const char *name, struct err *err)
{
	struct nearest near = NEAREST_INIT(name);

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		nearest_offer(&near, operations[i].name);
	err_set(err, ERR_USAGE, "unknown operation '%s'", name);
	if (nearest_get(&near))
		return err_remedy(err, "did you mean '%s'?", nearest_get(&near));
	return err_remedy(err, "lsnim -O -t TYPE lists the operations of a type");
}

static int unknown_type(const char *name, struct err *err)
{
	struct nearest near = NEAREST_INIT(name);
	size_t n;
	const struct type_def *types = type_table(&n);

	for (size_t i = 0; i < n; i++)
		nearest_offer(&near, types[i].name);
	err_set(err, ERR_USAGE, "unknown type '%s'", name);
	if (nearest_get(&near))
		return err_remedy(err, "did you mean '%s'?", nearest_get(&near));
	return err_remedy(err, "lsnim -P lists the types");
}

static int find_type(struct nim_request *r, const struct nim_options *o, struct err *err)
{
	bool define = streq(r->operation->name, "define");

	if (o->type && !type_find(o->type))
		return unknown_type(o->type, err);
	if (define && !o->type) {
		err_set(err, ERR_USAGE, "define '%s' as what? -t TYPE is missing",
			r->name);
		return err_remedy(err, "lsnim -P lists the types");
	}
	if (!define && store_object_get(r->store, r->name, o->type, &r->object, err) < 0)
		return -1;
	r->type = type_find(define ? o->type : r->object.type);
	if (!r->type)
		return err_set(err, ERR_INTERNAL, "'%s' has the unknown type '%s'",
			       r->name, r->object.type);
	if (!type_has_operation(r->type, r->operation->name)) {
		err_set(err, ERR_USAGE, "objects of type %s have no operation %s",
			r->type->name, r->operation->name);
		return err_remedy(err, "lsnim -O -t %s lists the operations",
				  r->type->name);
	}
	r->handler = find_handler(r->type->name);
	return 0;
}

int nim_open_log(struct nim_request *r, struct err *err)
{
	_cleanup_free_ char *log = xasprintf("%s/log/%s/nim.log", r->cli->state_dir,
					     r->name);
	_cleanup_free_ char *begin = xasprintf("nim -o %s %s", r->operation->name,
					       r->name);
	struct event_sink *sink;

	if (ui_log(&sink, log, err) < 0)
		return -1;
	sink->emit(sink,
		   &(struct event){ .type = EVENT_STEP, .phase = -1, .text = begin });
	events_add_sink(&r->events, sink);
	return 0;
}

void nim_say_ready(struct nim_request *r)
{
	r->result = xasprintf("%s '%s' is %s", r->type->name, r->name, RSTATE_READY);
	events_step(&r->events, "%s", r->result);
}

static int add_sinks(struct nim_request *r, bool verbose, struct err *err)
{
	r->events.client = r->name;
	events_add_sink(&r->events, ui_console(stdout, NULL, verbose));
	/* A define opens the log when there is an object: a mistyped command leaves nothing behind. */
	return streq(r->operation->name, "define") ? 0 : nim_open_log(r, err);
}

static int perform(struct nim_request *r, const struct nim_options *o, size_t operation,
		   struct err *err)
{
	_cleanup_lease_ struct lease *lease = NULL;
	int rc;

	if (find_type(r, o, err) < 0 || nim_attrs_parse(r, &o->attrs, err) < 0)
		return -1;
	if (operations[operation].reads)
		return operations[operation].run(r, err);
	if (lease_take(&lease, r->store, r->cli->state_dir, r->name, r->force, err) < 0 ||
	    add_sinks(r, o->verbose, err) < 0)
		return -1;
	r->lease = lease;
	rc = operations[operation].run(r, err);
	if (rc < 0 && err->kind == ERR_CANCELLED)
		err_remedy(err, "give the same command again when you are ready");
	if (rc < 0)
		events_emit(&r->events, &(struct event){ .type = EVENT_ERROR,
							 .text = err->msg,
							 .remedy = err->remedy });
	return rc;
}

static int execute(struct nim_request *r, const struct nim_options *o,
		   const struct strv *args, struct err *err)
{
	size_t operation = 0;

	if (!o->operation) {
		err_set(err, ERR_USAGE, "which operation? -o OPERATION is missing");
		return err_remedy(err, "nim --help shows the forms of the command");
	}
	while (operation < ARRAY_SIZE(operations) &&
	       !streq(operations[operation].name, o->operation))
		operation++;
	if (operation == ARRAY_SIZE(operations))
		return unknown_operation(o->operation, err);
	r->operation = operation_find(o->operation);
	if (args->n == 0)
		return err_set(err, ERR_USAGE, "%s which object? its name is missing",
			       o->operation);
	if (args->n > 1) {
		err_set(err, ERR_USAGE, "one name is enough: '%s' and '%s' are given",
			args->v[0], args->v[1]);
		return err_remedy(err, "write attributes with -a: -a %s", args->v[0]);
	}
	r->name = args->v[0];
	if (object_name_check(r->name, err) < 0)
		return -1;
	r->store = cli_store(r->cli, err);
	return r->store ? perform(r, o, operation, err) : -1;
}

static int run(int argc, char **argv)
{
	struct nim_options o = { 0 };
	_cleanup_(cli_done) struct cli cli = { 0 };
	_cleanup_strv_ struct strv args = STRV_INIT;
	struct nim_request r = { .cli = &cli };
	struct err err = { 0 };
	int rc = cli_parse(&cli, &program, &o, argc, argv, &args, &err);

	r.force = o.force;
	if (rc == 0)
		rc = execute(&r, &o, &args, &err);
	events_done(&r.events);
	if (rc == 0 && r.result && ui_is_live(stdout))
		puts(r.result);
	free(r.result);
	object_done(&r.object);
	free(r.attrs);
	strv_done(&o.attrs);
	return cli_exit(rc, &err);
}

const struct command cmd_nim = {
	.name = "nim",
	.summary = "define, change, check and remove NIM objects",
	.run = run,
};
