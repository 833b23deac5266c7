/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Archives of the release before: where pristine configuration files come from. */
#include "model/version.h"
#include "pkg/lpp-fetch.h"
#include "pkg/lpp-lists.h"
#include "sys/files.h"

struct wanted {
	const char *package, *version, *arch;
	struct lpp_archives *ret; /* at most one */
};

static bool slice_is(const char *p, size_t len, const char *text)
{
	return strlen(text) == len && memcmp(p, text, len) == 0;
}

static int match(void *arg, const struct lpp_source *src, const struct lpp_stanza *st,
		 struct err *err)
{
	struct wanted *w = arg;
	struct lpp_archives *as = w->ret;

	if (!slice_is(st->package.p, st->package.len, w->package) ||
	    !(slice_is(st->arch.p, st->arch.len, w->arch) ||
	      slice_is(st->arch.p, st->arch.len, "all")))
		return 0;
	if (w->version && !slice_is(st->version.p, st->version.len, w->version))
		return 0;
	_cleanup_free_ char *version = xstrndup(st->version.p, st->version.len);
	if (as->n && version_compare(version, as->v[0].version) <= 0)
		return 0;
	lpp_index_archives_done(as);
	as->v = xcalloc(1, sizeof(*as->v));
	as->n = as->cap = 1;
	lpp_index_from_stanza(&as->v[0], src, st);
	return w->version != NULL;
}

/* The old release's indexes are fetched when they are first needed. */
static int make_old(const char *dir, const char *old_dir, struct events *ev,
		    struct err *err)
{
	_cleanup_lpp_ struct lpp l = LPP_INIT, old = LPP_INIT;
	_cleanup_free_ char *record = xasprintf("%s/lpp.json", old_dir);

	if (lpp_conf_load(&l, dir, err) < 0 || lpp_conf_old(&old, &l, err) < 0)
		return -1;
	_cleanup_close_ int lock = lpp_pool_lock(&l, ev, err);
	if (lock < 0)
		return -1;
	if (files_exists(record))
		return 0;
	if (files_mkdirs(old.dir, 0755, err) < 0 || lpp_conf_resolve(&old, err) < 0 ||
	    lpp_lists_update(&old, ev, err) < 0)
		return -1;
	return lpp_conf_save(&old, err);
}

static int open_old(struct lpp *old, const char *dir, struct events *ev, struct err *err)
{
	_cleanup_free_ char *old_dir = xasprintf("%s/old", dir);
	_cleanup_free_ char *record = xasprintf("%s/lpp.json", old_dir);

	if (!files_exists(record) && make_old(dir, old_dir, ev, err) < 0)
		return -1;
	if (lpp_conf_load(old, old_dir, err) < 0)
		return -1;
	old->plain = true;
	return 0;
}

int lpp_fetch_old(const char *dir, const char *package, const char *version,
		  const char *arch, char **ret_path, struct err *err)
{
	_cleanup_lpp_ struct lpp old = LPP_INIT;
	_cleanup_lpp_archives_ struct lpp_archives as = { 0 };
	struct wanted w = { package, version, arch, &as };
	struct events quiet = { 0 };

	if (open_old(&old, dir, &quiet, err) < 0 ||
	    lpp_index_scan(&old, match, &w, err) < 0)
		return -1;
	if (as.n == 0)
		return 1;
	if (lpp_fetch_archives(&old, &as, &quiet, err) < 0)
		return -1;
	*ret_path = lpp_pool_path(&old, LPP_POOL, as.v[0].name);
	return 0;
}
