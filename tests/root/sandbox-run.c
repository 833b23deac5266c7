/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs one command in the sandbox: what the shell tests use to get at sandbox/sandbox.h. */
#include <getopt.h>

#include "base/parse.h"
#include "sandbox/sandbox.h"
#include "sys/signal.h"

static void print_line(void *arg, const char *line, bool is_err)
{
	fprintf(is_err ? stderr : stdout, "%s\n", line);
	fflush(NULL);
}

static const struct option options[] = {
	{ "spot", required_argument, NULL, 's' },
	{ "root", required_argument, NULL, 'r' },
	{ "lpp", required_argument, NULL, 'l' },
	{ "bind", required_argument, NULL, 'b' },
	{ "memory", required_argument, NULL, 'm' },
	{ "processes", required_argument, NULL, 'p' },
	{ "timeout", required_argument, NULL, 't' },
	{ "read-only", no_argument, NULL, 'R' },
	{ "tty", no_argument, NULL, 'T' },
	{ "limits", no_argument, NULL, 'L' },
	{ NULL, 0, NULL, 0 },
};

static int number(const char *text, uint64_t *ret)
{
	struct err err = { 0 };

	if (parse_size(text, ret, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.msg);
	return -1;
}

static int print_limits(void)
{
	_cleanup_free_ char *missing = sandbox_limits_missing();

	puts(missing ? missing : "all");
	return missing != NULL;
}

static int parse_options(int argc, char **argv, struct sandbox_config *cfg,
			 struct proc_spec *spec)
{
	static struct sandbox_bind bind;
	uint64_t n = 0;
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
		if (strchr("mpt", c) && number(optarg, &n) < 0)
			return -1;
		switch (c) {
		case 's':
			cfg->spot = optarg;
			break;
		case 'r':
			cfg->root = optarg;
			break;
		case 'l':
			cfg->lpp_source = optarg;
			break;
		case 'b': /* SOURCE:TARGET */
			bind.source = strsep(&optarg, ":");
			bind.target = optarg;
			cfg->binds = &bind;
			cfg->n_binds = 1;
			break;
		case 'm':
			cfg->memory_max = n;
			break;
		case 'p':
			cfg->process_max = (unsigned)n;
			break;
		case 't':
			cfg->timeout_s = (unsigned)n;
			break;
		case 'R':
			cfg->root_read_only = true;
			break;
		case 'T':
			spec->tty = true;
			break;
		case 'L':
			exit(print_limits());
		default:
			return -1;
		}
	}
	spec->argv = (const char *const *)(argv + optind);
	return argv[optind] && cfg->spot ? 0 : -1;
}

/* 0..255: the command's status; 125: it could not be run; 124: time is up; 126: wrong use. */
int main(int argc, char **argv)
{
	struct sandbox_config cfg = { 0 };
	struct proc_spec spec = { .on_line = print_line };
	struct proc_result res = { 0 };
	struct err err = { 0 };
	_cleanup_runner_ struct runner *r = NULL;
	int rc;

	cancel_install();
	if (parse_options(argc, argv, &cfg, &spec) < 0)
		return 126;
	rc = sandbox_new(&r, &cfg, &err);
	if (rc == 0)
		rc = runner_run(r, &spec, &res, &err);
	if (rc < 0) {
		fprintf(stderr, "sandbox-run: %s\n%s%s", err.msg, err.remedy,
			*err.remedy ? "\n" : "");
		return 125;
	}
	if (res.how == PROC_TIMED_OUT)
		fputs("sandbox-run: timed out\n", stderr);
	if (strstr(res.tail, "of memory were used up"))
		fputs("sandbox-run: memory limit\n", stderr);
	if (res.how != PROC_EXITED)
		return 124;
	return res.status;
}
