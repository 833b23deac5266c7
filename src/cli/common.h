/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all commands share: the options --state, --config, --help and --version, the configuration, the state
 * directory, the form of error messages, the exit status.
 *
 * A command's run looks like this:
 *
 *	struct my_options o = { 0 };
 *	_cleanup_(cli_done) struct cli cli = { 0 };
 *	_cleanup_strv_ struct strv args = STRV_INIT;
 *	struct err err = { 0 };
 *	int rc = cli_parse(&cli, &program, &o, argc, argv, &args, &err);
 *
 *	if (rc == 0)
 *		rc = do_it(&cli, &o, &args, &err);
 *	return cli_exit(rc, &err);
 */
#pragma once

#include "base/opt.h"
#include "cli/config.h"
#include "store/store.h"

struct cli {
	const char *state_option, *config_option;
	bool help, version;
	struct config config;
	char *state_dir;     /* absolute */
	struct store *store; /* opened by cli_store */
};

void cli_done(struct cli *cli);
/* Parses the command line into `options` and `args`, reads the configuration, finds the state directory.
 * 1: --help or --version was answered; nothing more is to be done. */
int cli_parse(struct cli *cli, const struct opt_program *program, void *options, int argc,
	      char **argv, struct strv *args, struct err *err) _must_check_;
/* The opened store of the state directory; NULL and *err. Needs the rights of its owner. */
struct store *cli_store(struct cli *cli, struct err *err) _must_check_;

/* The name in front of messages: set by main. */
void cli_set_program(const char *name);
/* "nimadm: message" and "  next: remedy" on standard error. */
void cli_print_error(const struct err *err);
/* A line of the same form that is no failure. */
void cli_warn(const char *fmt, ...) _printf_(1, 2);
/* Prints the error of a negative rc; the exit status. */
int cli_exit(int rc, const struct err *err);
/* The path of this program, malloc'd; NULL: an error. To be asked before the process gets a mount namespace of its own: below a
 * chroot the kernel tells another one from then on. */
char *cli_own_program(struct err *err);
