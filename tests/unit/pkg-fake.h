/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A runner that executes nothing: it records each command line and answers from a script. */
#pragma once

#include "test.h"

#include "base/strv.h"
#include "sys/runner.h"

struct fake_answer {
	const char *match; /* part of the command line */
	const char *out;
	enum proc_how how;
	int status;
	int times; /* how often this answer serves; 0: always */
};

struct fake_runner {
	struct runner runner;
	struct fake_answer *answers;
	size_t n;
	struct strv calls;
	int used[32];
};

static inline void fake_lines(const struct proc_spec *spec, const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *cursor = copy;

	if (spec->out)
		str_add(spec->out, text);
	for (char *line; spec->on_line && (line = next_line(&cursor));)
		spec->on_line(spec->arg, line, false);
}

static inline int fake_run(struct runner *r, const struct proc_spec *spec,
			   struct proc_result *res, struct err *err)
{
	struct fake_runner *f = (struct fake_runner *)r;
	_cleanup_str_ struct str line = STR_INIT;

	for (const char *const *a = spec->argv; *a; a++)
		str_addf(&line, "%s%s", line.len ? " " : "", *a);
	strv_add(&f->calls, str_c(&line));
	for (size_t i = 0; i < f->n; i++) {
		const struct fake_answer *a = &f->answers[i];
		if (!strstr(str_c(&line), a->match) ||
		    (a->times > 0 && f->used[i] >= a->times))
			continue;
		f->used[i]++;
		fake_lines(spec, a->out ? a->out : "");
		struct proc_result mine = { .how = a->how, .status = a->status };
		snprintf(mine.tail, sizeof(mine.tail), "%s", a->out ? a->out : "");
		if (res)
			*res = mine;
		return a->how == PROC_EXITED && a->status == 0 ? 0 : 1;
	}
	fail_msg("no answer for: %s", str_c(&line));
	return -1;
}

static const struct runner_ops fake_ops = { .name = "fake", .run = fake_run };

/* How many recorded command lines hold `part`. */
static inline int fake_count(const struct fake_runner *f, const char *part)
{
	int n = 0;

	for (size_t i = 0; i < f->calls.n; i++)
		n += strstr(f->calls.v[i], part) != NULL;
	return n;
}
