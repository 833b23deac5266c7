/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The multi-call program of the master: the name it is called by selects the command. */
#include <sys/stat.h>

#include "cli/cmd.h"
#include "cli/common.h"
#include "sys/signal.h"
#include "sys/streams.h"

static const struct command *const commands[] = {
	&cmd_lsnim,
	&cmd_nim,
	&cmd_nimadm,
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

static int unknown_command(const char *name)
{
	fprintf(stderr, "%s: this program must be called by one of these names:\n", name);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stderr, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
	return err_exit_status(ERR_USAGE);
}

int main(int argc, char **argv)
{
	const char *name = argc > 0 ? base_name(argv[0]) : "nimadm";
	const struct command *command = find_command(name);
	int status;

	streams_open();
	umask(022);
	cli_set_program(name);
	if (!command)
		return unknown_command(name);
	cancel_install();
	status = command->run(argc, argv);
	if (streams_flush() < 0) {
		fprintf(stderr, "%s: cannot write to standard output\n", name);
		status = status ? status : err_exit_status(ERR_OPERATOR);
	}
	return status;
}
