/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the client program: one cmd-*.c each, which exports one const object; main.c lists them. */
#pragma once

#include <stdbool.h>

struct command {
	const char *name;
	const char *summary; /* one line, for the list of commands */
	bool by_name; /* is installed under its own name too; the others are called as "altdisk NAME" */
	/* argv[0] is the command's name. Parses its own options (app_parse); returns the exit status. */
	int (*run)(int argc, char **argv);
};

extern const struct command cmd_bootlist;
extern const struct command cmd_check;
extern const struct command cmd_copy_tree;
extern const struct command cmd_disk_copy;
extern const struct command cmd_disk_mksysb;
extern const struct command cmd_lspv;
extern const struct command cmd_make_root;
extern const struct command cmd_mksysb;
extern const struct command cmd_rootvg_op;
extern const struct command cmd_serve_tree;
extern const struct command cmd_tree_apply;
extern const struct command cmd_tree_attributes;
extern const struct command cmd_tree_manifest;
extern const struct command cmd_tree_send;
extern const struct command cmd_send_image;
