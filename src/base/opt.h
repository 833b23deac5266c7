/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command lines from tables: one const table of struct opt a program drives parsing, --help, the message about an
 * unknown option and the comparison with the manual page.
 *
 * Letters may be bundled (-YF), values stand in the same word or the next (-lNAME, -l NAME, --name=VALUE, --name VALUE),
 * options and arguments may be mixed, "--" ends the options.
 */
#pragma once

#include "base/err.h"
#include "base/strv.h"

enum opt_kind {
	OPT_FLAG,   /* bool: set to true */
	OPT_STRING, /* const char *: the value; given twice is an error */
	OPT_NUMBER, /* uint64_t */
	OPT_LIST,   /* struct strv: each value is added */
	OPT_WORDS,  /* struct strv: each value is split at commas and blanks */
};

struct opt {
	const char *name; /* long name */
	char letter;	  /* or 0 */
	enum opt_kind kind;
	size_t offset;	  /* of the field in the program's options struct */
	const char *meta; /* of the value: "NAME" */
	const char *help; /* one sentence */
};

struct opt_program {
	const char *name; /* "nimadm" */
	const char *const
		*synopsis; /* what may follow the name, one line each; NULL at the end */
	const char *about; /* what it does: one paragraph */
	const struct opt *opts;
	size_t n_opts;
	/* paragraphs, and indented examples, after the options; NULL at the end, or NULL */
	const char *const *notes;
};

/* A table and the struct that its offsets point into. */
struct opt_set {
	const char *title; /* in --help: "Options:" */
	const struct opt *opts;
	size_t n;
	void *target;
};

/* Arguments that are no options go to `args`. ERR_USAGE names the mistake and the nearest option. */
int opt_parse(const struct opt_set *sets, size_t n_sets, int argc, char **argv,
	      struct strv *args, struct err *err) _must_check_;
/* The text of --help, at most 80 columns. */
void opt_help(const struct opt_program *prog, const struct opt_set *sets, size_t n_sets,
	      struct str *out);
/* Appends text broken at blanks so that no line passes 79 columns: the first line starts at column `at`,
 * the others at `indent`. Ends with a newline. */
void opt_wrap(struct str *out, const char *text, size_t at, size_t indent);
