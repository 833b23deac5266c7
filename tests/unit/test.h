/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every unit test needs: cmocka with its prerequisites, a scratch directory, terse checks. */
#pragma once

/* cmocka.h needs these before it: a block of their own keeps them there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/str.h"

/* Says what went wrong when a call that must work does not. */
#define assert_ok(call, err)                                                             \
	do {                                                                             \
		if ((call) != 0)                                                         \
			fail_msg("%s: %s", #call, (err)->msg);                           \
	} while (0)
/* A call must fail with this kind and a message that holds `text`. */
#define assert_err(call, err, want, text)                                                \
	do {                                                                             \
		err_clear(err);                                                          \
		assert_true((call) < 0);                                                 \
		assert_int_equal((err)->kind, (want));                                   \
		if (!strstr((err)->msg, (text)))                                         \
			fail_msg("\"%s\" is not in: %s", (text), (err)->msg);            \
	} while (0)

static inline int scratch_remove_(const char *path, const struct stat *st, int type,
				  struct FTW *ftw)
{
	return remove(path);
}

/* A new empty directory; remove it with scratch_free. */
static inline char *scratch_new(void)
{
	const char *base = getenv("NIM_TEST_TMP");
	char *path = xasprintf("%s/nimadm-test-XXXXXX", base ? base : "/var/tmp");

	if (!mkdtemp(path))
		fail_msg("cannot make %s", path);
	return path;
}

/* Independent of files_rmtree, which is among what is tested. */
static inline void scratch_free(char *path)
{
	nftw(path, scratch_remove_, 64, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(path);
}

static inline void scratch_free_p(char **path)
{
	if (*path)
		scratch_free(*path);
}
#define _cleanup_scratch_ _cleanup_(scratch_free_p)

/* Writes a text file, for fixtures. */
static inline void put_file(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	_cleanup_fclose_ FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) == EOF)
		fail_msg("cannot write %s", path);
}
