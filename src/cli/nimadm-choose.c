/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chooses lpp_source and spot where the command line leaves them out and one choice is evident. */
#include "cli/nimadm.h"
#include "model/object.h"
#include "model/release.h"

struct choice {
	const char *type, *letter;
	const char *given;  /* the option's value, or NULL */
	const char *define; /* how one is made */
};

static const char *release_of(const struct object *o)
{
	const char *release = object_get(o, "release");
	const struct release *r = release ? release_find(release) : NULL;

	return r ? r->codename : release ? release : "";
}

static bool usable(const struct object *o)
{
	const char *state = object_get(o, "Rstate");

	return !state || streq(state, RSTATE_READY);
}

/* Names of the usable objects of a type, of one release where it is known. */
static int candidates(struct store *s, const char *type, const char *release,
		      struct strv *ret, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (store_object_list(s, type, NULL, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_object_ struct object o = OBJECT_INIT;
		if (store_object_get(s, names.v[i], type, &o, err) < 0)
			return -1;
		if (usable(&o) && (!release || streq(release_of(&o), release)))
			strv_add(ret, names.v[i]);
	}
	return 0;
}

static int choose(struct store *s, const struct choice *c, const char *release,
		  char **ret, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (c->given) {
		*ret = xstrdup(c->given);
		return 0;
	}
	if (candidates(s, c->type, release, &names, err) < 0)
		return -1;
	if (names.n == 1) {
		*ret = xstrdup(names.v[0]);
		return 0;
	}
	if (names.n == 0) {
		err_set(err, ERR_USAGE, "there is no %s%s%s that can be used", c->type,
			release ? " of " : "", release ? release : "");
		return err_remedy(err, "nim -o define -t %s %s NAME, or name one with %s",
				  c->type, c->define, c->letter);
	}
	_cleanup_free_ char *list = strv_join(&names, ", ");
	err_set(err, ERR_USAGE, "more than one %s could be meant: %s", c->type, list);
	return err_remedy(err, "name one with %s", c->letter);
}

/* The release that a named object fixes; NULL where no name is given. */
static int fixed_release(struct store *s, const struct choice *c, char **ret,
			 struct err *err)
{
	_cleanup_object_ struct object o = OBJECT_INIT;

	if (!c->given || *ret)
		return 0;
	if (nimadm_object(s, c->letter, c->given, c->type, &o, err) < 0)
		return -1;
	if (*release_of(&o))
		*ret = xstrdup(release_of(&o));
	return 0;
}

/* The release after the image's or client's, where its object says what it holds ("debian 12 bookworm"). */
static char *next_release(const struct object *source)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	const char *level = object_get(source, "os_level");

	strv_split(&words, level ? level : "", " ");
	for (size_t i = 0; i < words.n; i++) {
		const struct release *r = release_find(words.v[i]);
		const struct release *next = r ? release_next(r) : NULL;
		if (next)
			return xstrdup(next->codename);
	}
	return NULL;
}

int nimadm_choose(struct store *s, const struct nimadm_options *o,
		  const struct object *source, char **ret_lpp, char **ret_spot,
		  struct err *err)
{
	const struct choice lpp = { "lpp_source", "-l", o->lpp_source,
				    "-a release=CODENAME" };
	const struct choice spot = { "spot", "-s", o->spot, "-a source=LPP_SOURCE" };
	_cleanup_free_ char *release = NULL;

	if (fixed_release(s, &lpp, &release, err) < 0 ||
	    fixed_release(s, &spot, &release, err) < 0)
		return -1;
	if (!release && !o->update)
		release = next_release(source);
	if (choose(s, &lpp, release, ret_lpp, err) < 0)
		return -1;
	return choose(s, &spot, release, ret_spot, err);
}
