/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options, configuration, state directory and messages of all commands. */
#include "cli/common.h"

#include <stdarg.h>

#include "sys/files.h"
#include "transport/transport.h"

#define STATE_DEFAULT "/var/lib/nim"

static const char *program_name = "nimadm";

static const struct opt common_options[] = {
	{ "state", 0, OPT_STRING, offsetof(struct cli, state_option), "DIR",
	  "State directory: database, logs, default locations (NIM_STATE)." },
	{ "config", 0, OPT_STRING, offsetof(struct cli, config_option), "FILE",
	  "Configuration file instead of " CONFIG_DEFAULT_PATH "." },
	{ "help", 'h', OPT_FLAG, offsetof(struct cli, help), NULL, "Print this help." },
	{ "version", 0, OPT_FLAG, offsetof(struct cli, version), NULL,
	  "Print the version." },
};

void cli_done(struct cli *cli)
{
	cli->store = store_close(cli->store);
	config_done(&cli->config);
	free(cli->state_dir);
	cli->state_dir = NULL;
}

static void print_help(const struct opt_program *program, const struct opt_set *sets,
		       size_t n)
{
	_cleanup_str_ struct str out = STR_INIT;

	opt_help(program, sets, n, &out);
	fputs(str_c(&out), stdout);
}

/* --state, NIM_STATE, the configuration, the default: the first that is set. */
static void find_state_dir(struct cli *cli)
{
	const char *dir = cli->state_option;

	if (!dir)
		dir = getenv("NIM_STATE");
	if (!dir || *dir == '\0')
		dir = config_get(&cli->config, "state");
	cli->state_dir = files_absolute(dir ? dir : STATE_DEFAULT);
}

int cli_parse(struct cli *cli, const struct opt_program *program, void *options, int argc,
	      char **argv, struct strv *args, struct err *err)
{
	const struct opt_set sets[] = {
		{ "Options:", program->opts, program->n_opts, options },
		{ "Common options:", common_options, ARRAY_SIZE(common_options), cli },
	};
	const char *mirror;

	if (opt_parse(sets, ARRAY_SIZE(sets), argc, argv, args, err) < 0)
		return -1;
	if (cli->help) {
		print_help(program, sets, ARRAY_SIZE(sets));
		return 1;
	}
	if (cli->version) {
		printf("%s (nimadm) %s\n", program->name, NIMADM_VERSION);
		return 1;
	}
	if (cli->state_option && *cli->state_option == '\0')
		return err_set(err, ERR_USAGE, "option --state has an empty value");
	if (config_read(&cli->config, cli->config_option, err) < 0)
		return -1;
	mirror = config_get(&cli->config, "mirror");
	if (mirror)
		setenv("NIM_MIRROR", mirror, 0); /* the environment goes first */
	uint64_t quiet = config_get_number(&cli->config, "client_timeout", 0);
	if (quiet > 0)
		transport_set_quiet((unsigned)MIN(quiet, 1u << 30));
	find_state_dir(cli);
	return 0;
}

struct store *cli_store(struct cli *cli, struct err *err)
{
	if (!cli->store && store_open(&cli->store, cli->state_dir, err) < 0)
		return NULL;
	return cli->store;
}

void cli_set_program(const char *name)
{
	program_name = name;
}

void cli_print_error(const struct err *err)
{
	fflush(stdout); /* so that both streams are in order where they meet */
	fprintf(stderr, "%s: %s\n", program_name, err->msg);
	err_print_next(err, program_name);
}

void cli_warn(const char *fmt, ...)
{
	_cleanup_str_ struct str text = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", program_name, str_c(&text));
}

char *cli_own_program(struct err *err)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0) {
		err_set_errno(err, ERR_INTERNAL, "/proc/self/exe");
		return NULL;
	}
	return xstrndup(path, (size_t)n);
}

int cli_exit(int rc, const struct err *err)
{
	if (rc >= 0)
		return 0;
	cli_print_error(err);
	return err_exit_status(err->kind);
}
