/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merge method users: every account and group of the old system is there with its number, its password and its shell;
 * new system accounts are told. Lost accounts and changed passwords are put back, a changed number is reported: files
 * on disk carry numbers.
 */
#include <jansson.h>

#include "base/map.h"
#include "merge/method.h"
#include "merge/methods.h"
#include "model/json.h"

#define NAME "users"

struct record {
	char *line;  /* as it stands in the file */
	char *id;    /* third field; NULL in shadow files */
	char *field; /* second field: password */
};

static void record_free(void *p)
{
	struct record *r = p;
	free(r->line);
	free(r->id);
	free(r->field);
	free(r);
}

static char *colon_field(const char *line, int n)
{
	for (; n > 0; n--) {
		line = strchr(line, ':');
		if (!line)
			return NULL;
		line++;
	}
	return xstrndup(line, strcspn(line, ":"));
}

static struct map *read_db(const struct root *r, const char *path)
{
	struct map *m = map_new(record_free);
	_cleanup_free_ char *text = method_slurp(r, path);
	char *cursor = text;
	for (char *line; (line = next_line(&cursor)) != NULL;) {
		if (*line == '\0' || *line == '#' || *line == '+' || *line == '-')
			continue;
		_cleanup_free_ char *name = colon_field(line, 0);
		char *field = colon_field(line, 1);
		if (!field || *name == '\0') {
			free(field);
			continue;
		}
		struct record *rec = xcalloc(1, sizeof(*rec));
		rec->line = xstrdup(line);
		rec->field = field;
		rec->id = colon_field(line, 2);
		map_set(m, name, rec);
	}
	return m;
}

static const struct method_text lost = {
	.id = "merge.users.lost",
	.severity = FINDING_WARN,
	.title = "An account or group had been removed and was put back",
	.remedy =
		"remove it yourself if its package is gone and nothing owns files under its "
		"number",
};
static const struct method_text renumbered = {
	.id = "merge.users.number",
	.severity = FINDING_WARN,
	.title = "An account or group has another number than before",
	.remedy =
		"files on disk still carry the old number: find / -uid OLD (or -gid OLD), then "
		"chown, or change the number back with usermod -u / groupmod -g",
};
static const struct method_text password = {
	.id = "merge.users.password",
	.severity = FINDING_WARN,
	.title = "A password had been changed and was put back",
	.remedy = "",
};

struct db {
	const char *path;
	bool numbered; /* passwd, group: the third field is the number */
	mode_t mode;
};
static const struct db dbs[] = {
	{ "/etc/passwd", true, 0644 },
	{ "/etc/group", true, 0644 },
	{ "/etc/shadow", false, 0640 },
	{ "/etc/gshadow", false, 0640 },
};

/* Entries that are to be written again: appended, or in place of the present one. */
struct fix {
	struct map *lines; /* name -> line */
	bool any;
};

static void compare_entry(const struct merge_ctx *c, const struct db *db,
			  const char *name, const struct record *old,
			  const struct record *now, struct fix *fix)
{
	if (!now) {
		map_set(fix->lines, name, xstrdup(old->line));
		fix->any = true;
		method_changed(c, NAME, db->path, "%s put back", name);
		if (db->numbered)
			method_findf(c, &lost, "%s: %s (number %s)", db->path, name,
				     old->id);
		return;
	}
	if (db->numbered && old->id && now->id && !streq(old->id, now->id))
		method_findf(c, &renumbered, "%s: %s had %s and has %s", db->path, name,
			     old->id, now->id);
	/* Never show a hash. */
	if (!db->numbered && !streq(old->field, now->field) && *old->field == '$') {
		map_set(fix->lines, name, xstrdup(old->line));
		fix->any = true;
		method_changed(c, NAME, db->path, "password of %s put back", name);
		method_findf(c, &password, "%s: %s", db->path, name);
	}
}

static int write_fix(const struct merge_ctx *c, const struct db *db,
		     const struct fix *fix, struct err *err)
{
	_cleanup_str_ struct str out = STR_INIT;
	_cleanup_free_ char *text = method_slurp(c->root, db->path);
	char *cursor = text;
	for (char *line; (line = next_line(&cursor)) != NULL;) {
		_cleanup_free_ char *name = colon_field(line, 0);
		const char *better = map_get(fix->lines, name);
		str_addf(&out, "%s\n", better ? better : line);
		if (better)
			map_remove(fix->lines, name);
	}
	const char *name;
	void *line;
	for (size_t it = 0; map_next(fix->lines, &it, &name, &line);)
		str_addf(&out, "%s\n", (char *)line);
	return root_write(c->root, db->path, str_c(&out), out.len, db->mode, err);
}

static int compare_db(const struct merge_ctx *c, const struct db *db, struct err *err)
{
	_cleanup_map_ struct map *old = read_db(method_base(c), db->path);
	_cleanup_map_ struct map *now = read_db(c->root, db->path);
	_cleanup_map_ struct map *lines = map_new(free);
	struct fix fix = { .lines = lines };
	const char *name;
	void *rec;
	/* An empty or missing file is no statement about accounts. */
	if (map_size(old) == 0 || map_size(now) == 0)
		return 0;
	for (size_t it = 0; map_next(old, &it, &name, &rec);)
		compare_entry(c, db, name, rec, map_get(now, name), &fix);
	for (size_t it = 0; map_next(now, &it, &name, &rec);) {
		const struct record *r = rec;
		if (!db->numbered || map_has(old, name))
			continue;
		json_t *row = json_pack("{s:s, s:o, s:o}", "file", db->path, "name",
					json_text(name), "number", json_text(r->id));
		if (row)
			method_append(c, NAME, "added", row);
	}
	return fix.any ? write_fix(c, db, &fix, err) : 0;
}

static bool applies(const struct merge_ctx *c)
{
	return method_exists(c, "/etc/passwd");
}

static int run(const struct merge_ctx *c, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(dbs); i++)
		if (compare_db(c, &dbs[i], err) < 0)
			return -1;
	return 0;
}

const struct merge_method method_users = {
	.name = NAME,
	.title = "Users and groups",
	.help = "Lost accounts and changed passwords are put back, changed numbers "
		"are told.",
	.stage = MERGE_AFTER_PACKAGES,
	.applies = applies,
	.run = run,
};
