/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nim: lpp_source objects. */
#include <jansson.h>

#include "cli/nim.h"
#include "model/release.h"
#include "phase/common.h"
#include "pkg/lpp.h"
#include "sys/root.h"

char *nim_read_fact(const char *dir, const char *file, const char *key)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, file);
	json_t *facts = json_load_file(path, 0, NULL);
	char *value = xstrdup(json_string_value(json_object_get(facts, key)));

	json_decref(facts);
	return value;
}

static const struct release *find_release(const struct nim_request *r, struct err *err)
{
	const char *name = nim_value(r, "release");
	const struct release *release = release_find(name);
	_cleanup_str_ struct str known = STR_INIT;
	const struct release *table;
	size_t n;

	if (release)
		return release;
	table = release_table(&n);
	for (size_t i = 0; i < n; i++)
		str_addf(&known, "%s%s (%s)", i ? ", " : "", table[i].codename,
			 table[i].version);
	err_set(err, ERR_USAGE, "lpp_source '%s': unknown release '%s'", r->name,
		name ? name : "");
	err_remedy(err, "known are: %s", str_c(&known));
	return NULL;
}

static struct lpp_config given_config(const struct nim_request *r, const char *location)
{
	return (struct lpp_config){
		.dir = location,
		.name = r->name,
		.source = nim_given(r, "source"),
		.suites = nim_given(r, "suites"),
		.components = nim_given(r, "components"),
		.keyring = nim_given(r, "keyring"),
		.packages = nim_given(r, "packages"),
		.allow_unsigned = nim_given(r, "allow_unsigned"),
	};
}

static int create(struct nim_request *r, const char *location, struct err *err)
{
	const struct release *release = find_release(r, err);
	struct lpp_config cfg = given_config(r, location);

	if (!release)
		return -1;
	cfg.release = release->codename;
	return lpp_create(&cfg, &r->events, err);
}

static int apply(struct nim_request *r, const char *location, struct err *err)
{
	const struct lpp_config cfg = given_config(r, location);
	int rc = lpp_change(&cfg, err);

	if (rc > 0)
		events_step(&r->events, "It takes effect with: nim -o update %s",
			    r->name);
	return MIN(rc, 0);
}

static int check(struct nim_request *r, const char *location, struct findings *fs,
		 struct err *err)
{
	if (!find_release(r, err))
		return -1;
	return lpp_check(location, &r->events, fs, err);
}

/* What is there may be of another release than the definition says. */
static int check_level(struct nim_request *r, const struct release *release,
		       const char *level, struct err *err)
{
	size_t n = strcspn(level, " ");

	if (strlen(release->codename) == n && strncmp(level, release->codename, n) == 0)
		return 0;
	err_set(err, ERR_OPERATOR, "lpp_source '%s' holds %s, not %s", r->name, level,
		release->codename);
	return err_remedy(err,
			  "define it with the release that it holds: -a release=%.*s",
			  (int)n, level);
}

int nim_lpp_describe(struct store *s, const char *name, const char *dir, struct err *err)
{
	_cleanup_free_ char *arch = nim_read_fact(dir, nim_lpp_source.marker, "arch");

	if (store_attr_set(s, name, "arch", arch, err) < 0)
		return -1;
	return common_lpp_level(s, name, dir, err);
}

static int describe(struct nim_request *r, const char *location, struct err *err)
{
	const struct release *release = find_release(r, err);
	_cleanup_object_ struct object o = OBJECT_INIT;

	if (!release || nim_lpp_describe(r->store, r->name, location, err) < 0 ||
	    store_object_get(r->store, r->name, NULL, &o, err) < 0 ||
	    check_level(r, release, object_get(&o, "level"), err) < 0)
		return -1;
	return nim_set(r, "release", release->codename, err);
}

static int update(struct nim_request *r, const char *location, struct err *err)
{
	return lpp_update(location, &r->events, err);
}

/* The archives of its directories: packages, the administrator's own, RPM images. */
static int show(struct nim_request *r, const char *location, struct err *err)
{
	static const char *const dirs[] = { "pool", "local", "RPMS" };
	_cleanup_root_ struct root root = ROOT_INIT;

	if (root_open(&root, location, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_strv_ struct strv names = STRV_INIT;

		if (root_list(&root, dirs[i], &names, err) < 0)
			return -1;
		for (size_t k = 0; k < names.n; k++)
			if (ends_with(names.v[k], ".deb") ||
			    ends_with(names.v[k], ".rpm"))
				printf("%s/%s\n", dirs[i], names.v[k]);
	}
	return 0;
}

const struct nim_handler nim_lpp_source = {
	.type = "lpp_source",
	.marker = "lpp.json",
	.create = create,
	.check = check,
	.describe = describe,
	.apply = apply,
	.update = update,
	.show = show,
	.update_is_atomic = true,
};
