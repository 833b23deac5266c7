/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two roots in a scratch directory and a context for merge methods. Include after test.h. */
#pragma once

#include <jansson.h>

#include "merge/merge.h"
#include "sys/files.h"

struct fixture {
	char *dir;
	struct root old, new;
	struct findings findings;
	struct merge_ctx c;
	struct err err;
};

static inline void fixture_init(struct fixture *f)
{
	*f = (struct fixture){ .dir = scratch_new(),
			       .old = ROOT_INIT,
			       .new = ROOT_INIT,
			       .findings = FINDINGS_INIT };
	_cleanup_free_ char *old = xasprintf("%s/old", f->dir);
	_cleanup_free_ char *new = xasprintf("%s/new", f->dir);
	assert_int_equal(mkdir(old, 0755), 0);
	assert_int_equal(mkdir(new, 0755), 0);
	assert_ok(root_open(&f->old, old, &f->err), &f->err);
	assert_ok(root_open(&f->new, new, &f->err), &f->err);
	f->c = (struct merge_ctx){
		.old_root = &f->old,
		.root = &f->new,
		.run = runner_local(),
		.run_old = runner_local(),
		.from_release = "bookworm",
		.release = "trixie",
		.work_dir = f->dir,
		.hooks_dir = "/nonexistent",
		.findings = &f->findings,
		.report = json_object(),
	};
}

static inline void fixture_done(struct fixture *f)
{
	root_done(&f->old);
	root_done(&f->new);
	findings_done(&f->findings);
	json_decref(f->c.report);
	scratch_free(f->dir);
}

static inline void fixture_put(const struct root *r, const char *path, const char *text)
{
	struct err err = { 0 };
	_cleanup_free_ char *dir = xstrdup(path);
	*strrchr(dir, '/') = '\0';
	if (*dir)
		assert_ok(root_mkdirs(r, dir, 0755, &err), &err);
	assert_ok(root_write(r, path, text, strlen(text), 0644, &err), &err);
}

/* In both roots. */
static inline void fixture_both(struct fixture *f, const char *path, const char *text)
{
	fixture_put(&f->old, path, text);
	fixture_put(&f->new, path, text);
}

static inline void fixture_link(const struct root *r, const char *path,
				const char *target)
{
	struct err err = { 0 };
	_cleanup_free_ char *dir = xstrdup(path);
	*strrchr(dir, '/') = '\0';
	assert_ok(root_mkdirs(r, dir, 0755, &err), &err);
	assert_ok(root_symlink(r, target, path, &err), &err);
}

static inline void fixture_is(const struct root *r, const char *path, const char *want)
{
	struct err err = { 0 };
	_cleanup_str_ struct str text = STR_INIT;
	assert_ok(root_read(r, path, 0, &text, &err), &err);
	assert_string_equal(str_c(&text), want);
}

/* Runs one method of the table, as merge_run does it; twice, since methods are idempotent. */
static inline void fixture_run(struct fixture *f, const char *name)
{
	size_t n;
	const struct merge_method *const *table = merge_table(&n);
	for (size_t i = 0; i < n; i++) {
		if (!streq(table[i]->name, name) || !table[i]->applies(&f->c))
			continue;
		assert_ok(table[i]->run(&f->c, &f->err), &f->err);
		struct findings again = FINDINGS_INIT;
		struct merge_ctx c = f->c;
		c.findings = &again;
		c.report = json_object();
		assert_ok(table[i]->run(&c, &f->err), &f->err);
		json_decref(c.report);
		findings_done(&again);
		return;
	}
}

static inline const struct finding *fixture_find(const struct fixture *f, const char *id)
{
	for (size_t i = 0; i < f->findings.n; i++)
		if (streq(f->findings.v[i].id, id))
			return &f->findings.v[i];
	return NULL;
}

static inline void fixture_has_finding(const struct fixture *f, const char *id,
				       enum finding_severity severity,
				       const char *evidence)
{
	const struct finding *found = fixture_find(f, id);
	if (!found) {
		fail_msg("no finding %s", id);
		return;
	}
	assert_int_equal(found->severity, severity);
	const char *seen = found->evidence ? found->evidence : "";
	if (!strstr(seen, evidence))
		fail_msg("\"%s\" is not in: %s", evidence, seen);
}
