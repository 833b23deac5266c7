/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merge method successors: packages that keep their settings in a directory of their version (PHP) start the new version
 * with its defaults; what the administrator had changed in the old version's files is merged into the new version's.
 *
 * The old directory stays as it is.
 */
#include <jansson.h>

#include "merge/method.h"
#include "merge/methods.h"
#include "merge/shipped.h"
#include "merge/three-way.h"
#include "model/json.h"
#include "model/version.h"

#define NAME	 "successors"
#define CONF_MAX (8U << 20)

/* "<dir>/<version>/rest": settings below it have a successor where `program` says which versions are installed. */
static const struct {
	const char *dir;
	const char *program; /* "{}": the version */
} versioned[] = {
	{ "/etc/php", "/usr/lib/php/{}" },
};

static const struct method_text carried = {
	.id = "conffiles.carried",
	.severity = FINDING_INFO,
	.title = "Settings of an old version were carried over to the new one",
	.remedy = "",
};
static const struct method_text conflict = {
	.id = "conffiles.not_carried",
	.severity = FINDING_WARN,
	.title = "Settings of an old version could not be carried over to the new one",
	.remedy =
		"carry over what you changed; the new version runs with its defaults there",
};

struct pair {
	const char *old_path;
	char *new_path;
	const struct shipped *was; /* the old file's record */
};

static bool is_installed(const struct merge_ctx *c, const char *program,
			 const char *version)
{
	const char *hole = strstr(program, "{}");
	_cleanup_free_ char *path = xasprintf("%.*s%s%s", (int)(hole - program), program,
					      version, hole + 2);
	return root_exists(c->root, path);
}

/* The newest version below the directory that is installed in the migrated root; malloc'd, NULL: none. */
static char *newest(const struct merge_ctx *c, size_t which, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	const char *best = NULL;
	if (root_list(c->root, versioned[which].dir, &names, err) < 0)
		return NULL;
	for (size_t i = 0; i < names.n; i++)
		if (is_installed(c, versioned[which].program, names.v[i]) &&
		    (!best || version_compare(names.v[i], best) > 0))
			best = names.v[i];
	return xstrdup(best);
}

static void row(const struct merge_ctx *c, const struct pair *p, const char *result)
{
	json_t *j = json_pack("{s:o, s:o, s:s}", "path", json_text(p->old_path),
			      "successor", json_text(p->new_path), "result", result);
	if (j)
		method_append(c, NAME, "files", j);
}

static int carry(const struct merge_ctx *c, const struct pair *p,
		 const struct str *theirs, struct err *err)
{
	_cleanup_str_ struct str base = STR_INIT, mine = STR_INIT, merged = STR_INIT,
				 why = STR_INIT;
	if (root_read(c->old_root, p->old_path, CONF_MAX, &mine, err) < 0)
		return -1;
	int rc = shipped_pristine(c, p->old_path, p->was, &base, err);
	if (rc < 0)
		return -1;
	if (rc > 0) {
		str_add(&why,
			"the version that the old package shipped is not to be had");
	} else {
		struct three_way in = { .mine = &mine, .base = &base, .theirs = theirs };
		rc = three_way_solve(c->run, &in, &merged, &why, err);
		if (rc < 0)
			return -1;
	}
	if (rc > 0) {
		row(c, p, "conflict");
		method_findf(c, &conflict, "%s to %s\n%s", p->old_path, p->new_path,
			     str_c(&why));
		return 0;
	}
	if (method_write(c, p->new_path, str_c(&merged), merged.len, err) < 0)
		return -1;
	row(c, p, "carried");
	method_changed(c, NAME, p->new_path, "your changes of %s carried over",
		       p->old_path);
	method_findf(c, &carried, "%s to %s", p->old_path, p->new_path);
	return 0;
}

static int one_pair(const struct merge_ctx *c, const struct pair *p,
		    const struct map *now, struct err *err)
{
	_cleanup_str_ struct str theirs = STR_INIT;
	/* Only into a file as its package shipped it: after a first run it is not any more. */
	if (!shipped_is_pristine(now, c->root, p->new_path))
		return 0;
	if (root_read(c->root, p->new_path, CONF_MAX, &theirs, err) < 0)
		return -1;
	return carry(c, p, &theirs, err);
}

static int one_dir(const struct merge_ctx *c, size_t which, const struct map *old,
		   const struct map *now, struct err *err)
{
	size_t n = strlen(versioned[which].dir);
	_cleanup_free_ char *version = newest(c, which, err);
	const char *path;
	void *was;
	for (size_t it = 0; version && map_next(old, &it, &path, &was);) {
		if (strncmp(path, versioned[which].dir, n) != 0 || path[n] != '/')
			continue;
		const char *mine = path + n + 1;
		const char *rest = strchr(mine, '/');
		size_t len = rest ? (size_t)(rest - mine) : 0;
		if (!rest ||
		    (strlen(version) == len && strncmp(mine, version, len) == 0) ||
		    !shipped_is_edited(old, c->old_root, path))
			continue;
		struct pair p = { .old_path = path,
				  .new_path = xasprintf("%s/%s%s", versioned[which].dir,
							version, rest),
				  .was = was };
		int rc = one_pair(c, &p, now, err);
		free(p.new_path);
		if (rc < 0)
			return err_prefix(err, "%s", path);
	}
	return 0;
}

static bool applies(const struct merge_ctx *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(versioned); i++)
		if (method_exists(c, versioned[i].dir))
			return true;
	return false;
}

static int run(const struct merge_ctx *c, struct err *err)
{
	_cleanup_map_ struct map *old = NULL, *now = NULL;
	if (shipped_read(c->old_root, &old, err) < 0 ||
	    shipped_read(c->root, &now, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(versioned); i++)
		if (one_dir(c, i, old, now, err) < 0)
			return -1;
	return 0;
}

const struct merge_method method_successors = {
	.name = NAME,
	.title = "Settings of versioned packages",
	.help = "Edits below the directory of an old version (/etc/php/8.2) are "
		"merged into the new version's files.",
	.stage = MERGE_AFTER_PACKAGES,
	.applies = applies,
	.run = run,
};
