/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lpp.json: what an lpp_source was defined as, and the sources that this came to. */
#include "pkg/lpp-conf.h"

#include "model/json.h"
#include "sys/files.h"
#include "sys/proc.h"

#define LPP_FORMAT   1
#define KEYRINGS_DIR "/usr/share/keyrings"
#define CONF_MAX     (1u << 20)

void lpp_conf_done(struct lpp *l)
{
	free(l->dir);
	free(l->name);
	free(l->arch);
	free(l->source);
	free(l->mirror);
	free(l->suites);
	free(l->components);
	free(l->keyring);
	strv_done(&l->packages);
	strv_done(&l->allow_unsigned);
	lpp_sources_done(&l->sources);
	*l = (struct lpp){ 0 };
}

bool lpp_conf_allows(const struct lpp *l, const char *what)
{
	return strv_has(&l->allow_unsigned, what);
}

bool lpp_conf_is_masters(const struct lpp *l)
{
	return !l->source && !l->mirror;
}

static void set_dir(struct lpp *l, const char *dir)
{
	l->dir = files_absolute(dir);
	const char *slash = strrchr(l->dir, '/');
	l->name = xstrdup(slash && slash[1] ? slash + 1 : l->dir);
}

static void set_name(struct lpp *l, char *name)
{
	if (!name)
		return;
	free(l->name);
	l->name = name;
}

static int set_release(struct lpp *l, const char *release, struct err *err)
{
	l->release = release_find(release);
	if (l->release)
		return 0;
	err_set(err, ERR_USAGE, "lpp_source %s: release \"%s\" is not known", l->name,
		release ? release : "");
	return err_remedy(err, "give a code name or a version: bookworm, trixie, 13");
}

static int set_arch(struct lpp *l, struct err *err)
{
	_cleanup_str_ struct str out = STR_INIT;
	const char *argv[] = { "dpkg", "--print-architecture", NULL };
	const struct proc_spec spec = { .argv = argv, .out = &out };

	if (proc_check(&spec, err) < 0)
		return -1;
	_cleanup_free_ char *text = str_take(&out);
	l->arch = xstrdup(strip(text));
	return 0;
}

static int set_keyring(struct lpp *l, const char *keyring, struct err *err)
{
	const char *file = keyring ? keyring : l->release->keyring;

	l->keyring = strchr(file, '/') ? files_absolute(file)
				       : xasprintf(KEYRINGS_DIR "/%s", file);
	if (files_exists(l->keyring) || lpp_conf_allows(l, "source"))
		return 0;
	err_set(err, ERR_OPERATOR, "lpp_source %s: the keyring %s does not exist",
		l->name, l->keyring);
	return err_remedy(err, "%s",
			  keyring ? "give the file that holds the archive's keys"
				  : "apt-get install debian-archive-keyring");
}

static int check_words(const struct lpp *l, const char *attribute, const char *text,
		       struct err *err)
{
	size_t ok = text ? strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTU"
					"VWXYZ0123456789-+./_ ,:~")
			 : 0;

	if (!text || text[ok] == '\0')
		return 0;
	err_set(err, ERR_USAGE,
		"lpp_source %s: %s \"%s\": the character '%c' has no place in it",
		l->name, attribute, text, text[ok]);
	return err_remedy(err, "give names, separated by commas");
}

static int set_allowed(struct lpp *l, const char *text, struct err *err)
{
	static const char *const known[] = { "local", "source", "expired" };

	if (text)
		strv_split(&l->allow_unsigned, text, " ,");
	for (size_t i = 0; i < l->allow_unsigned.n; i++) {
		bool found = false;
		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			found = found || streq(known[k], l->allow_unsigned.v[i]);
		if (!found) {
			err_set(err, ERR_USAGE,
				"lpp_source %s: allow_unsigned \"%s\" is not known",
				l->name, l->allow_unsigned.v[i]);
			return err_remedy(
				err, "give local, source, expired or several of them");
		}
	}
	return 0;
}

static char *words_joined(const char *text)
{
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_split(&words, text, " ,\t\n");
	return strv_join(&words, " ");
}

int lpp_conf_from(struct lpp *l, const struct lpp_config *cfg, struct err *err)
{
	const char *mirror = getenv("NIM_MIRROR");

	set_dir(l, cfg->dir);
	set_name(l, cfg->name ? xstrdup(cfg->name) : NULL);
	if (set_release(l, cfg->release, err) < 0 ||
	    set_allowed(l, cfg->allow_unsigned, err) < 0 || set_arch(l, err) < 0 ||
	    set_keyring(l, cfg->keyring, err) < 0 ||
	    check_words(l, "suites", cfg->suites, err) < 0 ||
	    check_words(l, "components", cfg->components, err) < 0 ||
	    check_words(l, "packages", cfg->packages, err) < 0)
		return -1;
	l->source = cfg->source && *cfg->source ? xstrdup(cfg->source) : NULL;
	if (!l->source && mirror && *mirror)
		l->mirror = xstrdup(mirror);
	if (cfg->suites)
		l->suites = words_joined(cfg->suites);
	l->components = words_joined(cfg->components ? cfg->components
						     : l->release->components);
	if (cfg->packages)
		strv_split(&l->packages, cfg->packages, " ,\t\n");
	return 0;
}

/* Given: itself, "" the default; else what holds already. */
static const char *given_or(const char *given, const char *now)
{
	const char *value = given ? given : now;

	return value && *value ? value : NULL;
}

int lpp_conf_change(struct lpp *changed, struct lpp *l, const struct lpp_config *cfg,
		    struct err *err)
{
	_cleanup_free_ char *packages = strv_join(&l->packages, " ");
	_cleanup_free_ char *allowed = strv_join(&l->allow_unsigned, " ");
	const struct lpp_config all = {
		.dir = cfg->dir,
		.name = cfg->name ? cfg->name : l->name,
		.release = l->release->codename,
		.source = given_or(cfg->source, l->source),
		.suites = given_or(cfg->suites, l->suites),
		.components = given_or(cfg->components, l->components),
		.keyring = given_or(cfg->keyring, l->keyring),
		.packages = given_or(cfg->packages, packages),
		.allow_unsigned = given_or(cfg->allow_unsigned, allowed),
	};

	if (lpp_conf_from(changed, &all, err) < 0)
		return -1;
	if (!changed->source && !changed->mirror)
		changed->mirror = TAKE_PTR(l->mirror);
	changed->sources = l->sources;
	l->sources = (struct lpp_sources){ 0 };
	return 0;
}

int lpp_conf_resolve(struct lpp *l, struct err *err)
{
	const char *mirror = getenv("NIM_MIRROR");
	const char *suites = l->suites ? l->suites : l->release->suites;

	lpp_sources_done(&l->sources);
	if (!l->source && mirror && *mirror) {
		free(l->mirror);
		l->mirror = xstrdup(mirror);
	}
	if (lpp_conf_is_masters(l)) {
		_cleanup_lpp_entries_ struct lpp_entries es = { 0 };
		if (lpp_sources_read_master(&es, "/etc/apt", err) < 0 ||
		    lpp_sources_derive(&l->sources, &es, suites, err) < 0)
			return err_prefix(err, "lpp_source %s", l->name);
		return 0;
	}
	struct lpp_base base = { .base = l->source ? l->source : l->mirror,
				 .suites = suites,
				 .split_security = !l->source,
				 .strict = l->suites != NULL };
	if (lpp_sources_from_base(&l->sources, &base, err) < 0)
		return err_prefix(err, "lpp_source %s", l->name);
	for (size_t i = 0; i < l->sources.n; i++)
		if (l->sources.v[i].flat && !lpp_conf_allows(l, "source")) {
			err_set(err, ERR_OPERATOR,
				"lpp_source %s: %s has no dists/, so nothing in it is signed",
				l->name, base.base);
			return err_remedy(
				err,
				"give a signed repository, or -a allow_unsigned=source");
		}
	return 0;
}

int lpp_conf_old(struct lpp *old, const struct lpp *l, struct err *err)
{
	const struct release *prev = release_prev(l->release);

	if (!prev)
		return err_set(err, ERR_OPERATOR,
			       "lpp_source %s: no release before %s is known", l->name,
			       l->release->codename);
	old->plain = true;
	old->dir = xasprintf("%s/old", l->dir);
	old->name = xasprintf("%s (%s)", l->name, prev->codename);
	old->release = prev;
	old->arch = xstrdup(l->arch);
	old->source = xstrdup(l->source);
	old->mirror = xstrdup(l->mirror);
	old->components = xstrdup(prev->components);
	old->keyring = xstrdup(l->keyring);
	strv_add_strv(&old->allow_unsigned, &l->allow_unsigned);
	return 0;
}

static json_t *sources_to_json(const struct lpp_sources *s)
{
	json_t *a = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(a, json_pack("{s:s, s:s, s:b, s:b}", "uri",
						   s->v[i].uri, "suite", s->v[i].suite,
						   "optional", s->v[i].optional, "flat",
						   s->v[i].flat));
	return a;
}

int lpp_conf_save(const struct lpp *l, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/lpp.json", l->dir);
	json_t *o = json_pack(
		"{s:i, s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s, s:s, s:o, s:o, s:o}",
		"format", LPP_FORMAT, "name", l->name, "release", l->release->codename,
		"arch", l->arch, "source", l->source, "mirror", l->mirror, "suites",
		l->suites, "components", l->components, "keyring", l->keyring, "packages",
		json_from_strv(&l->packages), "allow_unsigned",
		json_from_strv(&l->allow_unsigned), "sources",
		sources_to_json(&l->sources));
	_cleanup_free_ char *text = json_dumps(o, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

	json_decref(o);
	if (!text)
		return err_set(err, ERR_INTERNAL, "%s: cannot be written as JSON", path);
	return files_write_atomic(path, text, strlen(text), 0644, err);
}

static char *member(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? xstrdup(value) : NULL;
}

static int fill(struct lpp *l, const json_t *o, struct err *err)
{
	_cleanup_free_ char *release = member(o, "release");
	json_int_t format = json_integer_value(json_object_get(o, "format"));
	const json_t *sources = json_object_get(o, "sources");
	size_t i;
	json_t *v;

	set_name(l, member(o, "name"));
	if (format > LPP_FORMAT) {
		err_set(err, ERR_OPERATOR, "lpp_source %s was made by a newer nimadm",
			l->name);
		return err_remedy(err, "upgrade nimadm on this master");
	}
	if (set_release(l, release, err) < 0)
		return -1;
	l->arch = member(o, "arch");
	l->source = member(o, "source");
	l->mirror = member(o, "mirror");
	l->suites = member(o, "suites");
	l->components = member(o, "components");
	l->keyring = member(o, "keyring");
	json_to_strv(json_object_get(o, "packages"), &l->packages);
	json_to_strv(json_object_get(o, "allow_unsigned"), &l->allow_unsigned);
	json_array_foreach(sources, i, v)
	{
		const char *uri = json_string_value(json_object_get(v, "uri"));
		const char *suite = json_string_value(json_object_get(v, "suite"));
		if (uri && suite)
			lpp_sources_add(&l->sources, uri, suite,
					json_is_true(json_object_get(v, "optional")),
					json_is_true(json_object_get(v, "flat")));
	}
	if (l->arch && l->components && l->keyring)
		return 0;
	return err_set(err, ERR_OPERATOR, "lpp_source %s: lpp.json lacks a member",
		       l->name);
}

int lpp_conf_load(struct lpp *l, const char *dir, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	json_error_t je;

	set_dir(l, dir);
	_cleanup_free_ char *path = xasprintf("%s/lpp.json", l->dir);
	if (!files_exists(path)) {
		err_set(err, ERR_OPERATOR, "%s is no lpp_source: it has no lpp.json",
			l->dir);
		return err_remedy(err, "nim -o define -t lpp_source -a release=... %s",
				  l->name);
	}
	if (files_read(path, CONF_MAX, &text, err) < 0)
		return -1;
	json_t *o = json_loads(str_c(&text), 0, &je);
	if (!o) {
		err_set(err, ERR_OPERATOR, "%s: line %d: %s", path, je.line, je.text);
		return err_remedy(err, "nim -o remove %s and define it again", l->name);
	}
	int rc = fill(l, o, err);
	json_decref(o);
	return rc;
}
