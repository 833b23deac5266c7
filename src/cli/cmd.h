/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the multi-call program: one cmd-*.c each, which exports one const object; main.c lists them. */
#pragma once

struct command {
	const char *name;
	const char *summary; /* one line, for the list of commands */
	/* Parses its own options (cli_parse); returns the exit status. */
	int (*run)(int argc, char **argv);
};

extern const struct command cmd_lsnim;
extern const struct command cmd_nim;
extern const struct command cmd_nimadm;
