/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs one command with runner_chroot: what the shell tests use to get at sys/runner-chroot.h. */
#include "base/parse.h"
#include "sys/runner-chroot.h"
#include "sys/signal.h"

static void print_line(void *arg, const char *line, bool is_err)
{
	fprintf(is_err ? stderr : stdout, "%s\n", line);
	fflush(NULL);
}

/* chroot-run ROOT DEVICES BINDS TIMEOUT COMMAND...: lists are separated by commas; standard input is "input".
 * WITH_NETWORK in the environment: in this machine's network. */
int main(int argc, char **argv)
{
	_cleanup_runner_ struct runner *run = NULL;
	_cleanup_strv_ struct strv devices = STRV_INIT;
	_cleanup_strv_ struct strv binds = STRV_INIT;
	const char *const env[] = { "FROM_CALLER=yes", NULL };
	struct proc_spec spec = {
		.env = env, .on_line = print_line, .input = "input\n", .input_len = 6
	};
	struct proc_result res;
	struct err err = { 0 };
	uint64_t timeout;
	int rc;

	if (argc < 6 || parse_u64(argv[4], &timeout, &err) < 0)
		return 64;
	cancel_install();
	strv_split(&devices, argv[2], ",");
	strv_split(&binds, argv[3], ",");
	spec.argv = (const char *const *)argv + 5;
	spec.timeout_s = (unsigned)timeout;
	const struct chroot_view view = { .devices = &devices,
					  .binds = &binds,
					  .network = getenv("WITH_NETWORK") };
	rc = runner_chroot(&run, argv[1], &view, &err);
	if (rc == 0)
		rc = runner_run(run, &spec, &res, &err);
	if (rc < 0) {
		fprintf(stderr, "chroot-run: %s\n%s\n", err.msg, err.remedy);
		return 125;
	}
	if (rc == 0)
		return 0;
	return res.how == PROC_EXITED	   ? res.status
	       : res.how == PROC_TIMED_OUT ? 124
					   : 128 + res.status;
}
