/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all commands of the client program share: the options --json, --help and --version, the events and their sinks,
 * the form of error messages, the exit status.
 *
 * A command's run looks like this:
 *
 *	struct my_options o = { 0 };
 *	_cleanup_(app_done) struct app app = APP_INIT;
 *	_cleanup_strv_ struct strv args = STRV_INIT;
 *	struct err err = { 0 };
 *	int rc = app_parse(&app, &program, &o, argc, argv, &args, &err);
 *
 *	if (rc == 0)
 *		rc = do_it(&app, &o, &args, &err);
 *	return app_exit(&app, rc, &err);
 */
#pragma once

#include <jansson.h>

#include "base/opt.h"
#include "model/event.h"

struct app {
	bool help, version, json;
	struct events events;
};
#define APP_INIT                                                                         \
	{                                                                                \
		0                                                                        \
	}
void app_done(struct app *app);
/* Parses the command line into `options` and `args`. 1: --help or --version was answered; nothing more is to be done. */
int app_parse(struct app *app, const struct opt_program *program, void *options, int argc,
	      char **argv, struct strv *args, struct err *err) _must_check_;
/* For commands that take time: events go to standard output as JSON lines with --json, else to standard error as lines
 * or, on a terminal, one that is redrawn. `weights`: the phases' shares of the whole; NULL: each step counts for itself. */
void app_show_events(struct app *app, bool verbose, const unsigned *weights);
/* -D: every command that is run from now on, a line each on standard error (sys/proc.h). */
void app_trace_commands(void);
/* ERR_USAGE where there is an argument. */
int app_no_arguments(const struct strv *args, struct err *err) _must_check_;
/* ERR_OPERATOR where we are not root. */
int app_need_root(struct err *err) _must_check_;

/* Adds one pattern a line of the file; blank lines and those that begin with '#' are skipped. `path` NULL: none. */
int app_read_patterns(const char *path, struct strv *ret, struct err *err) _must_check_;

/* The name in front of messages: set by main. */
void app_set_program(const char *name);
/* "altdisk: text" on standard error. */
void app_warn(const char *fmt, ...) _printf_(1, 2);
void app_print_json(json_t *o); /* one line on standard output; drops the reference */
/* Shows the error of a negative rc: "altdisk: message" and "  next: remedy" on standard error, with --json an event
 * on standard output. Returns the exit status. */
int app_exit(struct app *app, int rc, struct err *err);
