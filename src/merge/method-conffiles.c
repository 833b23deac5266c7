/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merge method conffiles: configuration files that the administrator had edited and of which the new packages ship
 * another version are merged three-way with the version that the old package shipped.
 *
 * dpkg (--force-confold) and ucf (UCF_FORCE_CONFFOLD) keep the administrator's file and lay the new one beside it; both
 * record the checksum of the version shipped. So nothing has to be remembered from before the packages.
 */
#include <jansson.h>

#include "merge/method.h"
#include "merge/methods.h"
#include "merge/shipped.h"
#include "merge/three-way.h"
#include "model/json.h"

#define NAME	 "conffiles"
#define CONF_MAX (8U << 20)

static const struct method_text conflict_text = {
	.id = "conffiles.conflict",
	.severity = FINDING_WARN,
	.title = "A configuration file could not be merged: yours is kept",
	.remedy =
		"take over what you want of the new one (diff the two), then remove the new one",
};
static const struct method_text no_base_text = {
	.id = "conffiles.unmerged",
	.severity = FINDING_WARN,
	.title = "A configuration file was not merged: yours is kept",
	.remedy =
		"take over what you want of the new one (diff the two), then remove the new one",
};
static const struct method_text merged_text = {
	.id = "conffiles.merged",
	.severity = FINDING_INFO,
	.title = "A configuration file was merged: your changes on the new version",
	.remedy = "",
};
static const struct method_text obsolete_text = {
	.id = "conffiles.obsolete",
	.severity = FINDING_WARN,
	.title = "An edited configuration file is used no more and was set aside",
	.remedy =
		"see in the package's NEWS.Debian what took its place, and carry your changes over",
};
static const struct method_text carried_text = {
	.id = "conffiles.obsolete",
	.severity = FINDING_INFO,
	.title =
		"An edited configuration file is used no more; its settings were carried over",
	.remedy = "",
};
static const struct method_text returned_text = {
	.id = "conffiles.returned",
	.severity = FINDING_WARN,
	.title = "A configuration file that had been deleted is back",
	.remedy = "delete it again if it is not wanted",
};

struct work {
	const struct merge_ctx *c;
	struct map *old, *now; /* path -> struct shipped */
};

/* One file on its way. */
struct item {
	const char *path;
	const struct shipped *was;
	struct str old, mine, theirs, base;
	char *beside; /* where the new version lies, NULL: it took the file's place */
	bool edited; /* in the old root already; a pre-migration script may have done it since */
	bool replaced; /* the new version took the file's place */
};

static void item_done(struct item *it)
{
	str_done(&it->old);
	str_done(&it->mine);
	str_done(&it->theirs);
	str_done(&it->base);
	free(it->beside);
}

static void row(const struct work *w, const struct item *it, const char *result)
{
	const struct shipped *now = map_get(w->now, it->path);
	json_t *j = json_pack("{s:o, s:s, s:s, s:s, s:s*}", "path", json_text(it->path),
			      "result", result, "package", it->was->package, "by",
			      it->was->by == SHIPPED_UCF ? "ucf" : "dpkg", "new_version",
			      now ? now->version : NULL);
	if (j)
		method_append(w->c, NAME, "files", j);
}

static bool same(const struct str *a, const struct str *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->p, b->p, a->len) == 0);
}

static bool md5_is(const struct str *s, const char *md5)
{
	char hex[33];
	method_md5(s->p, s->len, hex);
	return streq(hex, md5);
}

/* ---- finding the new version ---- */

/* The new version beside the file, checked against the new package's record so that one left by an earlier upgrade is
 * not taken for it. 0: found; 1: none. */
static int find_beside(const struct work *w, struct item *it, const struct shipped *now,
		       struct err *err)
{
	static const char *const suffixes[] = { "dpkg-dist", "dpkg-new", "ucf-dist",
						"ucf-new" };
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_free_ char *path = xasprintf("%s.%s", it->path, suffixes[i]);
		str_reset(&it->theirs);
		int rc = root_read_opt(w->c->root, path, CONF_MAX, &it->theirs, err);
		if (rc < 0)
			return -1;
		if (rc == 0 && md5_is(&it->theirs, now->md5)) {
			it->beside = TAKE_PTR(path);
			return 0;
		}
	}
	return 1;
}

/* 0: *it is complete but for the base; 1: there is nothing to merge. */
static int find_new(const struct work *w, struct item *it, struct err *err)
{
	const struct shipped *now = map_get(w->now, it->path);
	if (!now || streq(now->md5, it->was->md5))
		return 1;
	int rc = root_read_opt(w->c->root, it->path, CONF_MAX, &it->mine, err);
	if (rc != 0)
		return rc;
	if (!it->edited && md5_is(&it->mine, now->md5))
		return 1; /* as the new package ships it */
	rc = find_beside(w, it, now, err);
	if (rc <= 0)
		return rc;
	if (!it->edited || same(&it->mine, &it->old) || !md5_is(&it->mine, now->md5))
		return 1;
	/* A maintainer script put the new version over the edited one. */
	it->replaced = true;
	str_reset(&it->theirs);
	str_addn(&it->theirs, it->mine.p, it->mine.len);
	str_reset(&it->mine);
	str_addn(&it->mine, it->old.p, it->old.len);
	return 0;
}

/* ---- outcomes ---- */

/* Where both versions can be found afterwards, for the findings. */
static char *places(const struct item *it)
{
	return it->beside
		       ? xasprintf("%s (yours), %s (new)", it->path, it->beside)
		       : xasprintf("%s.dpkg-old (yours), %s (new)", it->path, it->path);
}

/* The new version stands in the file's place: the administrator's is laid beside it, under dpkg's name for that. */
static int lay_old_beside(const struct work *w, const struct item *it, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s.dpkg-old", it->path);
	return root_copy(w->c->old_root, it->path, w->c->root, path, err);
}

static int leave_both(const struct work *w, struct item *it,
		      const struct method_text *text, const char *why, struct err *err)
{
	_cleanup_free_ char *where = places(it);
	if (it->replaced && lay_old_beside(w, it, err) < 0)
		return -1;
	row(w, it, text == &conflict_text ? "conflict" : "unmerged");
	method_findf(w->c, text, "%s%s%s", where, *why ? "\n" : "", why);
	return 0;
}

/* The file was replaced, so its owner and mode are the package's: the administrator's are those of the old root. */
static int restore_inode(const struct work *w, const struct item *it, struct err *err)
{
	return it->replaced
		       ? root_copy(w->c->old_root, it->path, w->c->root, it->path, err)
		       : 0;
}

static int install(const struct work *w, struct item *it, const struct str *merged,
		   struct err *err)
{
	if (method_save(w->c, it->path, err) < 0 || restore_inode(w, it, err) < 0 ||
	    root_write(w->c->root, it->path, str_c(merged), merged->len, 0644, err) < 0)
		return -1;
	if (it->beside && root_unlink(w->c->root, it->beside, err) < 0)
		return -1;
	row(w, it, "merged");
	method_changed(w->c, NAME, it->path, "merged with the new version");
	method_findf(w->c, &merged_text, "%s", it->path);
	return 0;
}

static int merge_texts(const struct work *w, struct item *it, struct err *err)
{
	struct three_way in = { .mine = &it->mine,
				.base = &it->base,
				.theirs = &it->theirs };
	_cleanup_str_ struct str merged = STR_INIT, why = STR_INIT;
	switch (three_way_solve(w->c->run, &in, &merged, &why, err)) {
	case 0:
		return install(w, it, &merged, err);
	case 1:
		return leave_both(w, it, &conflict_text, str_c(&why), err);
	case 2:
		return leave_both(w, it, &no_base_text, str_c(&why), err);
	default:
		return -1;
	}
}

static int merge_item(const struct work *w, struct item *it, struct err *err)
{
	if (same(&it->mine, &it->theirs))
		return install(w, it, &it->theirs, err);
	struct err why = { 0 };
	int rc = shipped_pristine(w->c, it->path, it->was, &it->base, &why);
	if (rc < 0 && why.kind == ERR_CANCELLED) {
		*err = why;
		return -1;
	}
	if (rc < 0)
		return leave_both(w, it, &no_base_text, why.msg, err);
	if (rc > 0)
		return leave_both(
			w, it, &no_base_text,
			"the version that the old package shipped is not to be had", err);
	return merge_texts(w, it, err);
}

/* ---- files without a successor ---- */

static int report_obsolete(const struct work *w, struct item *it)
{
	static const char *const suffixes[] = { "dpkg-bak", "dpkg-old", "dpkg-remove" };
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_free_ char *path = xasprintf("%s.%s", it->path, suffixes[i]);
		if (!method_exists(w->c, path))
			continue;
		bool carried = streq(it->path, "/etc/sysctl.conf") &&
			       method_exists(w->c, "/etc/sysctl.d/60-migrated.conf");
		row(w, it, carried ? "carried" : "obsolete");
		method_findf(w->c, carried ? &carried_text : &obsolete_text,
			     "%s is now %s", it->path, path);
		return 0;
	}
	return 0;
}

static void check_deleted(const struct work *w, struct item *it)
{
	struct stat st;
	if (it->was->obsolete || root_lstat(w->c->root, it->path, &st) < 0)
		return;
	row(w, it, "returned");
	method_findf(w->c, &returned_text, "%s", it->path);
}

static int one_file(const struct work *w, struct item *it, struct err *err)
{
	struct stat st;
	if (root_lstat(w->c->old_root, it->path, &st) < 0) {
		check_deleted(w, it);
		return 0;
	}
	if (!S_ISREG(st.st_mode)) /* linked elsewhere by the administrator: not ours */
		return 0;
	if (root_read(w->c->old_root, it->path, CONF_MAX, &it->old, err) < 0)
		return -1;
	it->edited = !md5_is(&it->old, it->was->md5);
	if (root_lstat(w->c->root, it->path, &st) < 0)
		return it->edited ? report_obsolete(w, it) : 0;
	if (!S_ISREG(st.st_mode))
		return 0;
	int rc = find_new(w, it, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	return merge_item(w, it, err);
}

static bool applies(const struct merge_ctx *c)
{
	return method_exists(c, "/var/lib/dpkg/status");
}

static int run(const struct merge_ctx *c, struct err *err)
{
	_cleanup_map_ struct map *old = NULL, *now = NULL;
	if (shipped_read(c->old_root, &old, err) < 0 ||
	    shipped_read(c->root, &now, err) < 0)
		return -1;
	struct work w = { .c = c, .old = old, .now = now };
	const char *path;
	void *was;
	for (size_t pos = 0; map_next(old, &pos, &path, &was);) {
		struct item it = { .path = path, .was = was };
		int rc = one_file(&w, &it, err);
		item_done(&it);
		if (rc < 0)
			return err_prefix(err, "%s", path);
	}
	return 0;
}

const struct merge_method method_conffiles = {
	.name = NAME,
	.title = "Configuration files",
	.help = "Edited files of which there is a new version are merged; see below.",
	.stage = MERGE_AFTER_PACKAGES,
	.applies = applies,
	.run = run,
};
