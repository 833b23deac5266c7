/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the services' own checkers on the old and on the migrated root and reports what is worse than before.
 *
 * A package manager that ends with 0 does not mean that a server works: the checkers find a configuration that the new
 * version refuses in seconds, before the reboot. Both roots are asked, since many a configuration was never clean.
 */
#include <jansson.h>

#include "merge/method.h"
#include "merge/units.h"
#include "merge/validators.h"
#include "model/json.h"
#include "model/version.h"
#include "sys/signal.h"

/* Where the sandbox has the root (design, section 7). */
#define INSIDE	     "/alt_inst"
#define TIMEOUT_S    60
#define WORDS_LINES  12
#define OUTPUT_LINES 200

/* Outcome of one checker in one root. */
enum outcome { NOT_ASKED, ABSENT, PASSED, FAILED, NOT_RUN };
static const char *const outcome_names[] = { "not asked", "absent", "passed", "failed",
					     "not run" };

struct answer {
	enum outcome outcome;
	struct str words; /* the checker's last lines */
};

/* One checker about one subject. */
struct question {
	const struct validator *v;
	const char *subject; /* path of `each`, or NULL */
};

/* ---- one run ---- */

struct output {
	const struct validator *v;
	struct strv lines;
	bool begun, passes, fails;
};

/* Printed before the checker starts: without it the sandbox or the root's shell failed, not the checker. */
#define BEGUN "nimadm: the checker starts"

static bool is_noise(const char *line)
{
	for (const char *const *n = validator_noise(); *n; n++)
		if (strstr(line, *n))
			return true;
	return false;
}

static void on_line(void *arg, const char *line, bool is_err)
{
	struct output *o = arg;
	if (!o->begun && streq(line, BEGUN)) {
		o->begun = true;
		return;
	}
	if (o->v->passes && strstr(line, o->v->passes))
		o->passes = true;
	if (o->v->fails && strstr(line, o->v->fails))
		o->fails = true;
	if (*line == '\0' || is_noise(line))
		return;
	strv_addf(&o->lines, "%.300s", line);
	/* Only the end is shown; a checker that prints its whole configuration must not fill the memory. */
	if (o->lines.n > OUTPUT_LINES) {
		size_t drop = o->lines.n - WORDS_LINES;
		for (size_t i = 0; i < drop; i++)
			free(o->lines.v[i]);
		memmove(o->lines.v, o->lines.v + drop,
			(WORDS_LINES + 1) * sizeof(*o->lines.v));
		o->lines.n = WORDS_LINES;
	}
}

/* Program that the pattern names in the root: of several versions the newest. malloc'd; NULL: none. */
static char *find_program(const struct root *r, const char *pattern, struct err *err)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	if (method_glob(r, pattern, &paths, err) < 0)
		return NULL;
	const char *best = NULL;
	for (size_t i = 0; i < paths.n; i++)
		if (root_exists(r, paths.v[i]) &&
		    (!best || version_compare(paths.v[i], best) > 0))
			best = paths.v[i];
	return xstrdup(best);
}

static bool has_config(const struct root *r, const struct question *q)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	struct err err = { 0 };
	if (q->subject)
		return root_exists(r, q->subject);
	return !q->v->config ||
	       (method_glob(r, q->v->config, &paths, &err) == 0 && paths.n > 0);
}

static void build_argv(const struct question *q, const char *program, struct strv *argv)
{
	/* The shell is the root's own, inside the sandbox; nothing is put into the script. */
	static const char script[] = "set -f; for dir in $1; do mkdir -p \"$dir\"; done; "
				     "shift; echo '" BEGUN "'; exec \"$@\"";
	strv_add_all(argv, "chroot", INSIDE, "/bin/sh", "-c", script, "sh",
		     q->v->dirs ? q->v->dirs : "", program, NULL);
	for (size_t i = 0; i < VALIDATOR_ARGS_MAX && q->v->args[i]; i++)
		strv_add(argv, q->v->args[i]);
	if (q->subject)
		strv_add(argv, q->subject);
}

static void take_words(const struct output *o, struct answer *a)
{
	size_t from = o->lines.n > WORDS_LINES ? o->lines.n - WORDS_LINES : 0;
	for (size_t i = from; i < o->lines.n; i++)
		str_addf(&a->words, "%s%s", i > from ? "\n" : "", o->lines.v[i]);
}

static enum outcome judge(const struct output *o, const struct proc_result *res, int rc,
			  struct answer *a)
{
	if (!o->begun)
		return NOT_RUN;
	if (o->passes)
		return PASSED;
	if (rc == 0)
		return o->fails ? FAILED : PASSED;
	if (res->how == PROC_TIMED_OUT) {
		str_addf(&a->words, "%sno answer within %d s", a->words.len ? "\n" : "",
			 TIMEOUT_S);
		return NOT_RUN;
	}
	/* 126 and 127: the program could not be started; a signal: it crashed, and that is an answer. */
	if (res->how == PROC_EXITED && (res->status == 126 || res->status == 127))
		return NOT_RUN;
	return FAILED;
}

static int ask(const struct root *r, struct runner *run, const struct question *q,
	       struct answer *a, struct err *err)
{
	struct err why = { 0 };
	_cleanup_free_ char *program = find_program(r, q->v->program, &why);
	a->outcome = ABSENT;
	if (!program || !has_config(r, q))
		return 0;
	_cleanup_strv_ struct strv argv = STRV_INIT;
	build_argv(q, program, &argv);
	struct output o = { .v = q->v };
	struct proc_spec spec = { .argv = strv_argv(&argv),
				  .timeout_s = TIMEOUT_S,
				  .on_line = on_line,
				  .arg = &o };
	struct proc_result res = { 0 };
	int rc = runner_run(run, &spec, &res, err);
	if (rc >= 0) {
		take_words(&o, a);
		a->outcome = judge(&o, &res, rc, a);
	}
	strv_done(&o.lines);
	return rc < 0 ? -1 : 0;
}

/* ---- what the two answers mean ---- */

static bool is_enabled(const struct map *links, const struct question *q)
{
	_cleanup_strv_ struct strv units = STRV_INIT;
	strv_split(&units, q->v->units, " ");
	if (q->subject) {
		const char *slash = strrchr(q->subject, '/');
		strv_add(&units, slash ? slash + 1 : q->subject);
	}
	for (size_t i = 0; i < units.n; i++)
		if (units_is_enabled(links, units.v[i]))
			return true;
	return false;
}

static void report(const struct merge_ctx *c, const struct question *q,
		   const struct answer *old, const struct answer *now, bool enabled)
{
	_cleanup_free_ char *id = xasprintf("validate.%s", q->v->name);
	const char *what = q->subject ? q->subject : q->v->name;
	_cleanup_free_ char *title = NULL, *evidence = NULL;
	enum finding_severity severity = FINDING_INFO;
	const char *remedy = "";
	if (now->outcome == PASSED) {
		severity = FINDING_PASS;
		title = xasprintf("%s: its checker accepts the configuration", what);
		evidence = xstrdup("");
	} else if (now->outcome == NOT_RUN) {
		severity = FINDING_WARN;
		title = xasprintf("%s: its checker could not be run", what);
		evidence = xstrdup(str_c(&now->words));
		remedy = "check the service after the first boot";
	} else if (old->outcome == FAILED) {
		title = xasprintf("%s: its checker complains, as it did before", what);
		evidence = xasprintf("now:\n%s\nbefore:\n%s", str_c(&now->words),
				     str_c(&old->words));
	} else {
		severity = enabled ? FINDING_INHIBIT : FINDING_WARN;
		title = xasprintf("%s: the new version refuses the configuration%s", what,
				  enabled ? " of an enabled service" : "");
		evidence = xasprintf("%s%s%s", q->v->config ? q->v->config : "",
				     q->v->config ? ":\n" : "", str_c(&now->words));
		remedy = q->v->remedy;
	}
	method_find(c, id, severity, title, evidence, remedy);
	json_t *row = json_pack("{s:s, s:o, s:s, s:s, s:b}", "name", q->v->name,
				"subject", json_text(what), "old",
				outcome_names[old->outcome], "new",
				outcome_names[now->outcome], "enabled", enabled);
	if (row)
		method_append(c, "validate", "checks", row);
}

static int check(const struct merge_ctx *c, const struct map *links,
		 const struct question *q, struct err *err)
{
	struct answer old = { .words = STR_INIT }, now = { .words = STR_INIT };
	struct runner *run = c->run_check ? c->run_check : c->run;
	int rc = ask(c->root, run, q, &now, err);
	/* A pass needs no comparison: half of the runs are saved. */
	if (rc == 0 && now.outcome == FAILED)
		rc = ask(c->old_root, c->run_old, q, &old, err);
	if (rc == 0 && now.outcome != ABSENT)
		report(c, q, &old, &now, is_enabled(links, q));
	str_done(&old.words);
	str_done(&now.words);
	return rc;
}

static int check_each(const struct merge_ctx *c, const struct map *links,
		      const struct validator *v, struct err *err)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	if (method_glob(c->root, v->each, &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.n; i++) {
		struct stat st;
		struct question q = { .v = v, .subject = paths.v[i] };
		/* Links are aliases and masks; the units they name belong to packages. */
		if (root_lstat(c->root, paths.v[i], &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		if (check(c, links, &q, err) < 0)
			return -1;
	}
	return 0;
}

int merge_validate(const struct merge_ctx *c, struct err *err)
{
	ERR_CONTEXT(err, "running the services' checkers");
	_cleanup_map_ struct map *links = NULL;
	if (units_links(c->root, &links, err) < 0)
		return -1;
	size_t n;
	const struct validator *table = validator_table(&n);
	for (size_t i = 0; i < n; i++) {
		struct question q = { .v = &table[i] };
		if (cancel_check(err) < 0)
			return -1;
		if ((table[i].each ? check_each(c, links, &table[i], err)
				   : check(c, links, &q, err)) < 0)
			return -1;
	}
	return 0;
}
