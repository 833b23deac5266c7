/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the merge methods of a stage and keeps what they did. */
#include <errno.h>
#include <jansson.h>

#include "merge/baseline.h"
#include "merge/hooks.h"
#include "merge/method.h"
#include "sys/signal.h"

static char *note_path(const struct merge_method *m)
{
	return xasprintf(MERGE_NOTE_DIR "/%s.json", m->name);
}

/* The note of an earlier run, or NULL. An unreadable one is no reason to stop: the method's work stands for itself. */
static json_t *note_load(const struct merge_ctx *c, const struct merge_method *m)
{
	_cleanup_free_ char *path = note_path(m);
	_cleanup_free_ char *text = method_slurp(c->root, path);
	return *text ? json_loads(text, 0, NULL) : NULL;
}

static int note_store(const struct merge_ctx *c, const struct merge_method *m,
		      const json_t *note, struct err *err)
{
	_cleanup_free_ char *path = note_path(m);
	_cleanup_free_ char *text = json_dumps(note, JSON_INDENT(1) | JSON_SORT_KEYS);
	if (!text)
		return err_set(err, ERR_INTERNAL,
			       "merge method %s: no JSON of its report", m->name);
	if (root_mkdirs(c->root, MERGE_NOTE_DIR, 0700, err) < 0)
		return -1;
	return root_write(c->root, path, text, strlen(text), 0600, err);
}

static bool array_has(const json_t *array, const json_t *item)
{
	size_t i;
	json_t *have;
	json_array_foreach(array, i, have) if (json_equal(have, item)) return true;
	return false;
}

/* Lists are united, the earlier run's items first; other members are the later run's. */
static void note_unite(json_t *now, const json_t *before)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)before, key, value)
	{
		json_t *have = json_object_get(now, key);
		if (!have) {
			json_object_set(now, key, value);
			continue;
		}
		if (!json_is_array(have) || !json_is_array(value))
			continue;
		json_t *all = json_copy(value);
		size_t i;
		json_t *item;
		json_array_foreach(have, i, item) if (!array_has(all, item))
			json_array_append(all, item);
		json_object_set_new(now, key, all);
	}
}

/* What an earlier run found out about things it changed is not to be seen any more by a later one. An INHIBIT is: it
 * stands as long as its cause does. */
static void unite_findings(struct findings *now, const json_t *before)
{
	struct findings old = FINDINGS_INIT;
	if (before && findings_from_json(&old, before) == 0) {
		for (size_t i = 0; i < old.n; i++) {
			const struct finding *f = &old.v[i];
			bool known = f->severity == FINDING_INHIBIT;
			for (size_t k = 0; k < now->n && !known; k++)
				known = streq(now->v[k].id, f->id) &&
					streq(now->v[k].evidence, f->evidence);
			if (!known)
				findings_add(now, f->id, f->severity, f->title,
					     f->evidence, f->remedy);
		}
	}
	findings_done(&old);
}

static int run_method(const struct merge_ctx *c, const struct merge_method *m,
		      struct err *err)
{
	if (c->events)
		events_step(c->events, "Merging: %s", m->title);
	struct findings found = FINDINGS_INIT;
	json_t *report = json_object();
	struct merge_ctx mc = *c;
	mc.findings = &found;
	mc.report = report;
	int rc = m->run(&mc, err);
	if (rc < 0)
		err_prefix(err, "merging %s", m->name);

	/* Kept also when the method failed half-way: what it did up to there is done. */
	json_t *before = note_load(c, m);
	json_t *mine = method_report(&mc, m->name);
	json_object_set_new(mine, "title", json_string(m->title));
	if (before) {
		const json_t *b = json_object_get(before, "report");
		if (json_is_object(b))
			note_unite(mine, b);
		unite_findings(&found, json_object_get(before, "findings"));
	}
	json_t *note = json_pack("{s:O, s:o}", "report", mine, "findings",
				 findings_to_json(&found));
	struct err err2 = { 0 };
	if (note_store(c, m, note, &err2) < 0 && rc == 0) {
		*err = err2;
		rc = -1;
	}
	json_object_set(c->report, m->name, mine);
	for (size_t i = 0; i < found.n; i++)
		findings_add(c->findings, found.v[i].id, found.v[i].severity,
			     found.v[i].title, found.v[i].evidence, found.v[i].remedy);
	json_decref(note);
	json_decref(before);
	json_decref(report);
	findings_done(&found);
	return rc;
}

static int run_stage(const struct merge_ctx *c, enum merge_stage stage, struct err *err)
{
	size_t n;
	const struct merge_method *const *table = merge_table(&n);
	for (size_t i = 0; i < n; i++) {
		if (table[i]->stage != stage || !table[i]->applies(c))
			continue;
		if (cancel_check(err) < 0 || run_method(c, table[i], err) < 0)
			return -1;
	}
	return hooks_run(c, stage, err);
}

int merge_run(const struct merge_ctx *c, enum merge_stage stage, struct err *err)
{
	_cleanup_root_ struct root base = ROOT_INIT;
	struct merge_ctx mc = *c;
	mc.baseline = NULL;
	if (stage == MERGE_BEFORE_PACKAGES) {
		if (baseline_store(&mc, err) < 0)
			return -1;
		return run_stage(&mc, stage, err);
	}
	int rc = baseline_open(&mc, &base, err);
	if (rc < 0)
		return -1;
	mc.baseline = rc == 0 ? &base : NULL;
	return run_stage(&mc, stage, err);
}
