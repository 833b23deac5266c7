/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests that mount: in a child with a mount namespace of its own. They need root, and are skipped without. */
#pragma once

#include "test.h"

#include <sys/wait.h>

#include "sys/mount.h"

/* In the child: cmocka's checks are the parent's. */
static void must(bool ok, const char *what, const struct err *err)
{
	if (ok)
		return;
	fprintf(stderr, "%s: %s\n", what, err->msg);
	_exit(1);
}
#define MUST(cond) must((cond), #cond, &err)

/* A failed check in the child ends it with a message and status 1. */
static void in_namespace(void (*body)(const char *dir))
{
	_cleanup_scratch_ char *dir = scratch_new();
	struct err err = { 0 };
	int status = -1;

	if (geteuid() != 0)
		skip();
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		if (mount_private_namespace(&err) < 0 ||
		    mount_tmpfs(dir, "size=64m", &err) < 0) {
			fprintf(stderr, "%s\n", err.msg);
			_exit(77);
		}
		body(dir);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}
