/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -E: a shell in the alternate root when a phase has failed, inside the sandbox, on a terminal only. */
#include <stdio.h>
#include <unistd.h>

#include "phase/common.h"
#include "phase/table.h"

void phase_debug_shell(void *arg, struct phase_ctx *c, const struct err *cause)
{
	_cleanup_site_ struct site site = SITE_INIT;
	const char *const argv[] = { "chroot", "/alt_inst", "/bin/sh", "-i", NULL };
	struct proc_spec spec = { .argv = argv, .tty = true };
	struct err err = { 0 };

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return;
	if (site_open(&site, c, TREE_ALT, false, &err) < 0) {
		events_warning(c->events, "no debug shell: %s", err.msg);
		return;
	}
	printf("\n%s\nA shell in the alternate root; it ends with exit, and the job stays stopped.\n",
	       cause->msg);
	fflush(stdout);
	/* how the shell ended says nothing about the job */
	if (runner_run(site.run, &spec, NULL, &err) < 0)
		events_warning(c->events, "the debug shell ended: %s", err.msg);
}
