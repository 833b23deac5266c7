/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client program: the name it is called by, or its first argument, selects the command. */
#include <sys/stat.h>

#include "altdisk/app.h"
#include "altdisk/beat.h"
#include "altdisk/cmd.h"
#include "base/nearest.h"
#include "sys/signal.h"
#include "sys/streams.h"

static const struct command *const commands[] = {
	&cmd_disk_copy, &cmd_disk_mksysb, &cmd_rootvg_op,
	&cmd_bootlist,	&cmd_check,	  &cmd_copy_tree,
	&cmd_lspv,	&cmd_mksysb,	  &cmd_tree_manifest,
	&cmd_tree_send, &cmd_tree_apply,  &cmd_send_image,
	&cmd_make_root, &cmd_serve_tree,  &cmd_tree_attributes,
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (streq(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static void print_help(void)
{
	puts("Usage: altdisk COMMAND [OPTION]...\n"
	     "\n"
	     "Clones the running system to spare disks, makes the clone bootable, puts it to\n"
	     "sleep and wakes it, and moves the boot list.\n"
	     "\n"
	     "Commands (those marked with * are programs of their own too):");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %c %-15s %s\n", commands[i]->by_name ? '*' : ' ',
		       commands[i]->name, commands[i]->summary);
	puts("\n"
	     "Each takes --help.");
}

static int unknown_command(const char *name)
{
	struct nearest n = NEAREST_INIT(name);

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		nearest_offer(&n, commands[i]->name);
	const char *meant = nearest_get(&n);
	app_warn("there is no command '%s'%s%s%s", name, meant ? "; did you mean '" : "",
		 meant ? meant : "", meant ? "'?" : "");
	fputs("  next: altdisk --help lists the commands\n", stderr);
	return err_exit_status(ERR_USAGE);
}

static int by_argument(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		app_warn("a command is wanted");
		fputs("  next: altdisk --help lists the commands\n", stderr);
		return err_exit_status(ERR_USAGE);
	}
	if (streq(argv[1], "--help") || streq(argv[1], "-h")) {
		print_help();
		return 0;
	}
	if (streq(argv[1], "--version")) {
		puts("altdisk (nimadm) " NIMADM_VERSION);
		return 0;
	}
	command = find_command(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	app_set_program(command->name);
	return command->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	const char *name = argc > 0 ? base_name(argv[0]) : "altdisk";
	const struct command *command = find_command(name);
	int status;

	streams_open();
	umask(022);
	cancel_install();
	beat_start();
	if (command && command->by_name) {
		app_set_program(name);
		status = command->run(argc, argv);
	} else {
		status = by_argument(argc, argv);
	}
	if (streams_flush() < 0) {
		app_warn("cannot write to standard output");
		status = status ? status : err_exit_status(ERR_OPERATOR);
	}
	return status;
}
