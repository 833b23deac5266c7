/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An lpp_source's life: made, brought up to date, described. */
#include "pkg/lpp.h"

#include <errno.h>
#include <sys/stat.h>

#include "model/version.h"
#include "pkg/lpp-fetch.h"
#include "pkg/lpp-lists.h"
#include "pkg/lpp-solve.h"
#include "pkg/lpp-verify.h"
#include "sys/files.h"

/* The packages that the object asks for by name, and with "local" what lies in local/. */
static int fetch_asked(const struct lpp *l, struct events *ev, struct err *err)
{
	_cleanup_map_ struct map *names = map_new(NULL);

	if (l->packages.n && lpp_solve_closure(l, &l->packages, names, err) < 0)
		return -1;
	return map_size(names) ? lpp_fetch_names(l, names, ev, err) : 0;
}

static int collect(void *arg, const struct lpp_source *src, const struct lpp_stanza *st,
		   struct err *err)
{
	struct lpp_archives *as = arg;

	if (!starts_with(src->uri, "file:/lpp_source/local"))
		return 0;
	if (as->n == as->cap) {
		as->cap = as->cap ? 2 * as->cap : 16;
		as->v = xrealloc(as->v, as->cap * sizeof(*as->v));
	}
	as->v[as->n] = (struct lpp_archive){ 0 };
	lpp_index_from_stanza(&as->v[as->n++], src, st);
	return 0;
}

static int shelve_local(const struct lpp *l, struct events *ev, struct err *err)
{
	_cleanup_lpp_archives_ struct lpp_archives as = { 0 };

	if (!lpp_conf_allows(l, "local"))
		return 0;
	if (lpp_index_scan(l, collect, &as, err) < 0)
		return -1;
	return as.n ? lpp_fetch_archives(l, &as, ev, err) : 0;
}

int lpp_create(const struct lpp_config *cfg, struct events *ev, struct err *err)
{
	_cleanup_lpp_ struct lpp l = LPP_INIT;

	if (lpp_conf_from(&l, cfg, err) < 0 || lpp_conf_resolve(&l, err) < 0 ||
	    files_mkdirs(l.dir, 0755, err) < 0)
		return -1;
	_cleanup_free_ char *record = xasprintf("%s/lpp.json", l.dir);
	if (files_exists(record)) {
		err_set(err, ERR_OPERATOR, "%s holds an lpp_source already", l.dir);
		return err_remedy(err, "nim -o update %s, or choose another location",
				  l.name);
	}
	if (lpp_lists_update(&l, ev, err) < 0 || shelve_local(&l, ev, err) < 0 ||
	    fetch_asked(&l, ev, err) < 0)
		return -1;
	return lpp_conf_save(&l, err);
}

int lpp_change(const struct lpp_config *cfg, struct err *err)
{
	_cleanup_lpp_ struct lpp l = LPP_INIT, changed = LPP_INIT;

	if (lpp_conf_load(&l, cfg->dir, err) < 0 ||
	    lpp_conf_change(&changed, &l, cfg, err) < 0 ||
	    lpp_conf_save(&changed, err) < 0)
		return -1;
	return cfg->source || cfg->suites || cfg->components || cfg->keyring ||
	       cfg->packages || cfg->allow_unsigned;
}

/* The newest version of each "package:arch" that the pool holds in some version. */
struct newest {
	struct map *held;    /* "package_arch" */
	struct map *found;   /* "package_arch" -> char *version */
	struct map *indexed; /* archive names of held packages */
};

static char *held_key(const char *package, const char *arch)
{
	return xasprintf("%s_%s", package, arch);
}

static int note_newest(void *arg, const struct lpp_source *src,
		       const struct lpp_stanza *st, struct err *err)
{
	struct newest *n = arg;
	_cleanup_free_ char *package = xstrndup(st->package.p, st->package.len);
	_cleanup_free_ char *arch = xstrndup(st->arch.p, st->arch.len);
	_cleanup_free_ char *key = held_key(package, arch);

	if (!map_has(n->held, key))
		return 0;
	_cleanup_free_ char *version = xstrndup(st->version.p, st->version.len);
	_cleanup_free_ char *name = lpp_index_archive_name(package, version, arch);
	const char *best = map_get(n->found, key);
	map_set(n->indexed, name, MAP_PRESENT);
	if (!best || version_compare(version, best) > 0)
		map_set(n->found, key, TAKE_PTR(version));
	return 0;
}

/* "name_version_arch.deb" -> "name_arch" */
static char *key_of_archive(const char *name)
{
	const char *first = strchr(name, '_'), *last = strrchr(name, '_');
	size_t arch = last ? strlen(last + 1) : 0;

	if (!first || !last || first == last || arch < 5)
		return NULL;
	return xasprintf("%.*s_%.*s", (int)(first - name), name, (int)(arch - 4),
			 last + 1);
}

static int remove_archive(const struct lpp *l, const char *name, struct err *err)
{
	for (enum lpp_shelf s = LPP_POOL; s <= LPP_UNPACK; s++) {
		_cleanup_free_ char *path = lpp_pool_path(l, s, name);
		if (unlink(path) < 0 && errno != ENOENT)
			return err_set_errno(err, ERR_OPERATOR, "cannot remove %s", path);
	}
	return 0;
}

/* Archives that are not what they were verified as lose record and file; so do those that no index names any more
 * (only with `indexed`). */
static int prune(const struct lpp *l, const struct map *indexed, struct events *ev,
		 struct err *err)
{
	for (enum lpp_shelf s = LPP_POOL; s <= LPP_UNPACK; s++) {
		_cleanup_map_ struct map *records = lpp_pool_records(l, s, err);
		_cleanup_map_ struct map *kept = map_new(NULL);
		_cleanup_lpp_verify_ struct lpp_verify_list list = { 0 };
		if (!records || lpp_verify_shelf(l, s, records, ev, &list, err) < 0)
			return -1;
		for (size_t i = 0; i < list.n; i++) {
			const struct lpp_verify_item *it = &list.v[i];
			bool gone = indexed && !map_has(indexed, it->name);
			if (it->why && !gone)
				events_warning(ev, "%s: %s; it is fetched anew", it->path,
					       it->why);
			if (!it->why && !gone)
				map_set(kept, it->name, (void *)(uintptr_t)it->record);
			else if (gone ? remove_archive(l, it->name, err) < 0
				      : (unlink(it->path) < 0 && errno != ENOENT))
				return err && err->kind
					       ? -1
					       : err_set_errno(err, ERR_OPERATOR,
							       "cannot remove %s",
							       it->path);
		}
		if (map_size(kept) != map_size(records) &&
		    lpp_pool_rewrite(l, s, kept, err) < 0)
			return -1;
	}
	return 0;
}

static int refresh_held(const struct lpp *l, struct events *ev, struct err *err)
{
	_cleanup_map_ struct map *held = map_new(NULL);
	_cleanup_map_ struct map *found = map_new(free);
	_cleanup_map_ struct map *indexed = map_new(NULL);
	_cleanup_map_ struct map *want = map_new(NULL);
	_cleanup_map_ struct map *records = lpp_pool_records(l, LPP_POOL, err);
	struct newest n = { held, found, indexed };
	const char *name;
	void *value;

	if (!records)
		return -1;
	for (size_t it = 0; map_next(records, &it, &name, &value);) {
		_cleanup_free_ char *key = key_of_archive(name);
		if (key)
			map_set(held, key, MAP_PRESENT);
	}
	if (lpp_index_scan(l, note_newest, &n, err) < 0)
		return -1;
	for (size_t it = 0; map_next(found, &it, &name, &value);) {
		const char *arch = strrchr(name, '_');
		_cleanup_free_ char *package = xstrndup(name, (size_t)(arch - name));
		_cleanup_free_ char *file = lpp_index_archive_name(package, value,
								   arch + 1);
		map_set(want, file, MAP_PRESENT);
	}
	{
		_cleanup_close_ int lock = lpp_pool_lock(l, ev, err);
		if (lock < 0 || prune(l, indexed, ev, err) < 0)
			return -1;
	}
	return map_size(want) ? lpp_fetch_names(l, want, ev, err) : 0;
}

int lpp_update(const char *dir, struct events *ev, struct err *err)
{
	_cleanup_lpp_ struct lpp l = LPP_INIT, old = LPP_INIT;
	_cleanup_free_ char *old_lists = xasprintf("%s/old/lists", dir);

	if (lpp_conf_load(&l, dir, err) < 0 || lpp_conf_resolve(&l, err) < 0 ||
	    lpp_lists_update(&l, ev, err) < 0 || lpp_conf_save(&l, err) < 0 ||
	    shelve_local(&l, ev, err) < 0 || refresh_held(&l, ev, err) < 0 ||
	    fetch_asked(&l, ev, err) < 0)
		return -1;
	if (!files_is_dir(old_lists))
		return 0;
	if (lpp_conf_old(&old, &l, err) < 0 || lpp_conf_resolve(&old, err) < 0 ||
	    lpp_lists_update(&old, ev, err) < 0)
		return -1;
	return lpp_conf_save(&old, err);
}

/* The archive's name is the last word but two of a plan's line, or the whole line. */
static char *name_of_line(const char *line)
{
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_split(&words, line, " \t");
	return xstrdup(words.n == 0 ? "" : words.n == 1 ? words.v[0] : words.v[1]);
}

int lpp_fetch(const char *dir, const struct strv *missing, struct events *ev,
	      struct err *err)
{
	_cleanup_lpp_ struct lpp l = LPP_INIT;
	_cleanup_map_ struct map *names = map_new(NULL);

	if (lpp_conf_load(&l, dir, err) < 0)
		return -1;
	_cleanup_map_ struct map *pool = lpp_pool_records(&l, LPP_POOL, err);
	_cleanup_map_ struct map *unpack = pool ? lpp_pool_records(&l, LPP_UNPACK, err)
						: NULL;
	if (!pool || !unpack)
		return -1;
	for (size_t i = 0; i < missing->n; i++) {
		_cleanup_free_ char *name = name_of_line(missing->v[i]);
		if (!lpp_pool_has(&l, LPP_POOL, pool, name) ||
		    !lpp_pool_has(&l, LPP_UNPACK, unpack, name))
			map_set(names, name, MAP_PRESENT);
	}
	return map_size(names) ? lpp_fetch_names(&l, names, ev, err) : 0;
}

int lpp_describe(const char *dir, char **ret_level, size_t *ret_packages,
		 uint64_t *ret_bytes, struct err *err)
{
	_cleanup_lpp_ struct lpp l = LPP_INIT;
	_cleanup_free_ char *version = NULL;

	if (lpp_conf_load(&l, dir, err) < 0)
		return -1;
	for (size_t i = 0; i < l.sources.n && !version; i++)
		version = lpp_lists_release_field(&l, &l.sources.v[i], "Version");
	_cleanup_map_ struct map *records = lpp_pool_records(&l, LPP_POOL, err);
	if (!records || files_disk_usage(l.dir, ret_bytes, err) < 0)
		return -1;
	*ret_packages = map_size(records);
	*ret_level = xasprintf("%s %s", l.release->codename,
			       version ? version : l.release->version);
	return 0;
}
