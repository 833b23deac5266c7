/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options, events and messages of all commands. */
#include "altdisk/app.h"

#include <stdarg.h>

#include "sys/files.h"
#include "ui/ui.h"

#define PATTERNS_MAX ((size_t)4 << 20)

static const char *program_name = "altdisk";

static const struct opt common_options[] = {
	{ "json", 0, OPT_FLAG, offsetof(struct app, json), NULL,
	  "Print JSON, one object a line." },
	{ "help", 'h', OPT_FLAG, offsetof(struct app, help), NULL, "Print this help." },
	{ "version", 0, OPT_FLAG, offsetof(struct app, version), NULL,
	  "Print the version." },
};

void app_done(struct app *app)
{
	events_done(&app->events);
}

static void print_help(const struct opt_program *program, const struct opt_set *sets,
		       size_t n)
{
	_cleanup_str_ struct str out = STR_INIT;

	opt_help(program, sets, n, &out);
	fputs(str_c(&out), stdout);
}

int app_parse(struct app *app, const struct opt_program *program, void *options, int argc,
	      char **argv, struct strv *args, struct err *err)
{
	const struct opt_set sets[] = {
		{ "Options:", program->opts, program->n_opts, options },
		{ "Common options:", common_options, ARRAY_SIZE(common_options), app },
	};
	const struct opt_set *used = program->n_opts > 0 ? sets : sets + 1;
	size_t n = ARRAY_SIZE(sets) - (size_t)(used - sets);

	if (opt_parse(used, n, argc, argv, args, err) < 0)
		return -1;
	if (app->help) {
		print_help(program, used, n);
		return 1;
	}
	if (app->version) {
		printf("%s (nimadm) %s\n", program->name, NIMADM_VERSION);
		return 1;
	}
	return 0;
}

void app_show_events(struct app *app, bool verbose, const unsigned *weights)
{
	events_add_sink(&app->events, app->json ? ui_json(stdout)
						: ui_console(stderr, weights, verbose));
}

void app_trace_commands(void)
{
	setenv("NIMADM_TRACE", "/proc/self/fd/2", 1);
}

int app_no_arguments(const struct strv *args, struct err *err)
{
	if (args->n > 0)
		return err_set(err, ERR_USAGE, "unexpected argument '%s'", args->v[0]);
	return 0;
}

int app_need_root(struct err *err)
{
	if (geteuid() == 0)
		return 0;
	err_set(err, ERR_OPERATOR, "this must be run as root");
	return err_remedy(err, "sudo %s ...", program_name);
}

int app_read_patterns(const char *path, struct strv *ret, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (!path)
		return 0;
	if (!files_exists(path)) {
		err_set(err, ERR_USAGE, "-e: there is no file %s", path);
		return err_remedy(err, "make the file first, or leave -e out");
	}
	if (files_read(path, PATTERNS_MAX, &text, err) < 0)
		return -1;
	char *cursor = text.p;
	for (char *line; cursor && (line = next_line(&cursor));)
		if (*strip(line) != '\0' && *line != '#')
			strv_add(ret, strip(line));
	return 0;
}

void app_set_program(const char *name)
{
	program_name = name;
}

void app_warn(const char *fmt, ...)
{
	_cleanup_str_ struct str text = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", program_name, str_c(&text));
}

void app_print_json(json_t *o)
{
	_cleanup_free_ char *text = json_dumps(o, JSON_COMPACT);

	puts(text ? text : "{}");
	json_decref(o);
}

int app_exit(struct app *app, int rc, struct err *err)
{
	struct event ev = { .type = EVENT_ERROR, .phase = -1, .text = err->msg };

	if (rc >= 0)
		return 0;
	if (err->kind == ERR_USAGE)
		err_remedy(err, "--help shows the forms of the command");
	ev.remedy = err->remedy[0] ? err->remedy : NULL;
	if (app->json && app->events.n == 0)
		events_add_sink(&app->events, ui_json(stdout));
	if (app->json) {
		events_emit(&app->events, &ev);
	} else {
		events_done(&app->events); /* ends a line that is redrawn */
		app_warn("%s", err->msg);
		err_print_next(err, program_name);
	}
	return err_exit_status(err->kind);
}
