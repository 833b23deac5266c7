/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The services' own checkers, as data. Private to src/merge. */
#pragma once

#include "merge/merge.h"

#define VALIDATOR_ARGS_MAX 8

struct validator {
	const char *name;    /* finding "validate.<name>" */
	const char *units;   /* blank-separated patterns: enabled when one of them is */
	const char *program; /* pattern; the newest version that matches is run */
	const char *config;  /* pattern of a path that must be there, or NULL */
	const char *args[VALIDATOR_ARGS_MAX];
	/* Run once for each path of the pattern, with that path as last argument; its name is the unit. NULL: once. */
	const char *each;
	/* blank-separated directories that the service's start would make, or NULL */
	const char *dirs;
	/* a text of the output that means a pass whatever the exit status, or NULL */
	const char *passes;
	/* a text of the output that means a failure whatever the exit status, or NULL */
	const char *fails;
	const char *remedy;
};
const struct validator *validator_table(size_t *ret_n);
/* Lines with one of these texts say something about the sandbox, not about the configuration. NULL-terminated. */
const char *const *validator_noise(void);
