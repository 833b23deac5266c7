/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pre-flight: the state of the packages, their sources, and the trial solve. */
#include "inventory/preflight-internal.h"
#include "model/sources.h"

#include <openssl/evp.h>

/* How many names an evidence line lists before it says "and N more". */
#define NAMES_MAX 20

void preflight_dpkg_state(const struct preflight_ctx *c,
			  const struct preflight_check *self, struct findings *fs)
{
	static const char *const fine[] = { "installed", "config-files", "not-installed",
					    "triggers-pending", "triggers-awaited" };
	_cleanup_strv_ struct strv bad = STRV_INIT;

	for (size_t i = 0; i < c->inv->packages.n; i++) {
		const struct dpkg_package *p = &c->inv->packages.v[i];
		bool sound = streq(p->flag, "ok");
		bool settled = false;
		for (size_t k = 0; k < ARRAY_SIZE(fine); k++)
			settled |= streq(p->state, fine[k]);
		if (!sound || !settled)
			strv_addf(&bad, "%s (%s %s %s)", p->name, p->want, p->flag,
				  p->state);
	}
	if (!bad.n) {
		preflight_pass(self, fs, NULL);
		return;
	}
	_cleanup_free_ char *names = preflight_join(&bad, NAMES_MAX);
	preflight_add(
		self, fs, FINDING_INHIBIT, names,
		"repair the system first: dpkg --configure -a; apt-get -f install; then make "
		"the image anew");
}

void preflight_held(const struct preflight_ctx *c, const struct preflight_check *self,
		    struct findings *fs)
{
	_cleanup_strv_ struct strv held = STRV_INIT;

	for (size_t i = 0; i < c->inv->packages.n; i++) {
		const struct dpkg_package *p = &c->inv->packages.v[i];
		if (streq(p->want, "hold") && inventory_is_installed(p))
			strv_addf(&held, "%s %s", p->name, p->version);
	}
	if (!held.n) {
		preflight_pass(self, fs, NULL);
		return;
	}
	_cleanup_free_ char *names = preflight_join(&held, NAMES_MAX);
	preflight_add(self, fs, FINDING_WARN, names,
		      "held packages stay as they are and may keep others back; "
		      "apt-mark unhold NAME on the system to let them go with the rest");
}

void preflight_pinned(const struct preflight_ctx *c, const struct preflight_check *self,
		      struct findings *fs)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_strv_ struct strv files = STRV_INIT;

	if (root_exists(c->root, "etc/apt/preferences"))
		strv_add(&files, "/etc/apt/preferences");
	/* an unreadable directory has no pins that apt could read either */
	if (root_list(c->root, "etc/apt/preferences.d", &names, NULL) == 0) {
		for (size_t i = 0; i < names.n; i++)
			strv_addf(&files, "/etc/apt/preferences.d/%s", names.v[i]);
	}
	if (!files.n) {
		preflight_pass(self, fs, NULL);
		return;
	}
	_cleanup_free_ char *list = preflight_join(&files, NAMES_MAX);
	preflight_add(
		self, fs, FINDING_WARN, list,
		"pins are not used during the migration; look whether they still make sense "
		"for the new release");
}

static void list_unknown(const struct preflight_ctx *c, bool in_old, struct strv *ret)
{
	for (size_t i = 0; i < c->inv->packages.n; i++) {
		const struct dpkg_package *p = &c->inv->packages.v[i];
		if (!inventory_is_installed(p) || map_has(c->known_target, p->name))
			continue;
		if (map_has(c->known_old, p->name) == in_old)
			strv_addf(ret, "%s %s", p->name, p->version);
	}
}

void preflight_foreign(const struct preflight_ctx *c, const struct preflight_check *self,
		       struct findings *fs)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (!c->known_target || !c->known_old) {
		preflight_add(self, fs, FINDING_INFO,
			      "the indexes of both releases are not at hand",
			      "nim -o update LPP_SOURCE fetches them");
		return;
	}
	list_unknown(c, false, &names);
	if (!names.n) {
		preflight_pass(self, fs, NULL);
		return;
	}
	_cleanup_free_ char *list = preflight_join(&names, NAMES_MAX);
	preflight_add(
		self, fs, FINDING_WARN, list,
		"in neither release: they stay as they are; put new versions into the "
		"lpp_source's local/ directory, or check that they work afterwards");
}

void preflight_obsolete(const struct preflight_ctx *c, const struct preflight_check *self,
			struct findings *fs)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (!c->known_target || !c->known_old) {
		preflight_pass(self, fs, "the indexes of both releases are not at hand");
		return;
	}
	list_unknown(c, true, &names);
	if (!names.n) {
		preflight_pass(self, fs, NULL);
		return;
	}
	_cleanup_free_ char *list = preflight_join(&names, NAMES_MAX);
	preflight_add(
		self, fs, FINDING_INFO, list,
		"they get no more security updates; the plan says which of them go");
}

/* --- package sources --- */

/* The same judgement as the merge method's that will disable them, without its change. */
static void scan_sources(const struct preflight_ctx *c, const char *path,
			 struct strv *ret)
{
	const struct sources_move move = {
		.from = c->inv->release ? c->inv->release->codename : "",
		.to = c->target->codename,
	};
	_cleanup_sources_ struct sources_result res = SOURCES_RESULT_INIT;
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_str_ struct str moved = STR_INIT;
	struct err err = { 0 };

	if (root_read_opt(c->root, path, 0, &text, NULL) != 0)
		return;
	if (ends_with(path, ".sources")) {
		if (sources_move_deb822(&move, path, str_c(&text), text.len, &moved, &res,
					&err) < 0)
			strv_add(ret, err.msg);
	} else {
		sources_move_list(&move, str_c(&text), text.len, &moved, &res);
	}
	for (size_t i = 0; i < res.disabled.n; i++)
		strv_addf(ret, "/%s: %s (%s)", path, res.disabled.v[i], res.why.v[i]);
}

void preflight_sources(const struct preflight_ctx *c, const struct preflight_check *self,
		       struct findings *fs)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_strv_ struct strv third = STRV_INIT;

	scan_sources(c, "etc/apt/sources.list", &third);
	if (root_list(c->root, "etc/apt/sources.list.d", &names, NULL) == 0) {
		for (size_t i = 0; i < names.n; i++) {
			_cleanup_free_ char *path = xasprintf("etc/apt/sources.list.d/%s",
							      names.v[i]);
			if (ends_with(path, ".list") || ends_with(path, ".sources"))
				scan_sources(c, path, &third);
		}
	}
	if (!third.n) {
		preflight_pass(self, fs, NULL);
		return;
	}
	_cleanup_free_ char *list = strv_join(&third, "\n");
	preflight_add(
		self, fs, FINDING_WARN, list,
		"they are kept but disabled; enable each again once its vendor has packages "
		"for the new release");
}

/* --- configuration files --- */

static void md5_hex(const char *data, size_t n, char hex[33])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	/* dpkg records MD5; nothing here relies on it for security */
	if (EVP_Digest(data, n, digest, &len, EVP_md5(), NULL) != 1 || len != 16)
		len = 0;
	for (unsigned i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	hex[2 * len] = '\0';
}

static bool is_edited(const struct preflight_ctx *c, const struct dpkg_conffile *conf)
{
	_cleanup_str_ struct str text = STR_INIT;
	char hex[33];

	if (conf->obsolete || !*conf->md5 ||
	    root_read_opt(c->root, conf->path, 0, &text, NULL) != 0)
		return false;
	md5_hex(str_c(&text), text.len, hex);
	return !streq(hex, conf->md5);
}

void preflight_conffiles(const struct preflight_ctx *c,
			 const struct preflight_check *self, struct findings *fs)
{
	_cleanup_strv_ struct strv edited = STRV_INIT;

	for (size_t i = 0; i < c->inv->packages.n; i++) {
		const struct dpkg_package *p = &c->inv->packages.v[i];
		for (size_t k = 0; dpkg_is_present(p) && k < p->n_conffiles; k++) {
			if (is_edited(c, &p->conffiles[k]))
				strv_add(&edited, p->conffiles[k].path);
		}
	}
	strv_sort(&edited);
	strv_uniq(&edited);
	if (!edited.n) {
		preflight_pass(self, fs, "none is edited");
		return;
	}
	_cleanup_free_ char *list = preflight_join(&edited, 40);
	preflight_add(
		self, fs, FINDING_INFO, list,
		"they are merged with the new release's versions; the report names conflicts");
}

/* --- the plan --- */

void preflight_solve(const struct preflight_ctx *c, const struct preflight_check *self,
		     struct findings *fs)
{
	if (!c->plan && c->plan_untried) {
		preflight_add(self, fs, FINDING_INFO, c->plan_error,
			      "it is tried when that is mended");
		return;
	}
	if (!c->plan) {
		const char *why = c->plan_error ? c->plan_error : "no solve was made";
		/* Only a bundle names packages that need not be there. */
		preflight_add(self, fs, FINDING_INHIBIT, why,
			      strstr(why, "Unable to locate package")
				      ? "correct the name in the bundle, or add the "
					"package to the lpp_source and update it"
				      : "remove or unhold the packages named, or put "
					"versions for the new release into the "
					"lpp_source");
		return;
	}
	unsigned n[3] = { 0 };
	for (size_t i = 0; i < c->plan->n; i++)
		n[c->plan->v[i].action]++;
	_cleanup_free_ char *text = xasprintf("%u upgraded, %u new, %u removed",
					      n[PKG_UPGRADE], n[PKG_INSTALL],
					      n[PKG_REMOVE]);
	preflight_pass(self, fs, text);
}

void preflight_removals(const struct preflight_ctx *c, const struct preflight_check *self,
			struct findings *fs)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	for (size_t i = 0; c->plan && i < c->plan->n; i++) {
		const struct pkg_item *item = &c->plan->v[i];
		if (item->action != PKG_REMOVE || item->removal == PKG_LOST)
			continue;
		if (item->removal == PKG_REPLACED && item->replaced_by &&
		    *item->replaced_by)
			strv_addf(&names, "%s (replaced by %s)", item->name,
				  item->replaced_by);
		else
			strv_addf(&names, "%s (obsolete)", item->name);
	}
	if (!names.n) {
		preflight_pass(self, fs, NULL);
		return;
	}
	_cleanup_free_ char *list = preflight_join(&names, 60);
	preflight_add(self, fs, FINDING_INFO, list,
		      "removed, never purged: their configuration stays");
}

void preflight_lost(const struct preflight_ctx *c, const struct preflight_check *self,
		    struct findings *fs)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	bool essential = false;

	for (size_t i = 0; c->plan && i < c->plan->n; i++) {
		const struct pkg_item *item = &c->plan->v[i];
		if (item->action != PKG_REMOVE || item->removal != PKG_LOST)
			continue;
		const struct dpkg_package *p = dpkg_status_find(&c->inv->packages,
								item->name, NULL);
		essential |= p && (p->essential || streq(p->priority, "required"));
		strv_addf(&names, "%s %s", item->name, item->old_version);
	}
	if (!names.n) {
		preflight_pass(self, fs, NULL);
		return;
	}
	_cleanup_free_ char *list = preflight_join(&names, 60);
	preflight_add(
		self, fs, essential ? FINDING_INHIBIT : FINDING_WARN, list,
		"nothing in the plan takes their place; add what you need to a bundle (-b), or "
		"put versions for the new release into the lpp_source's local/ directory");
}

void preflight_size(const struct preflight_ctx *c, const struct preflight_check *self,
		    struct findings *fs)
{
	char fetch[32], grow[32];

	if (!c->plan) {
		preflight_pass(self, fs, "no plan");
		return;
	}
	_cleanup_free_ char *text =
		xasprintf("%s of archives, the installed size changes by %s",
			  fmt_bytes(fetch, sizeof(fetch), c->plan->download_bytes),
			  fmt_bytes(grow, sizeof(grow), c->plan->unpacked_delta));
	preflight_pass(self, fs, text);
}
