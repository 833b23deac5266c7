/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debian packages: reading what `apt-get -s` and `apt-get --print-uris` print. */
#include "base/parse.h"
#include "pkg/deb.h"

/* Text between `open` and its `close` at *p; moves *p behind it. NULL: none there. malloc'd. */
static char *bracketed(const char **p, char open, char close)
{
	const char *s = *p + strspn(*p, " ");

	if (*s != open)
		return NULL;
	const char *end = strchr(s, close);
	if (!end)
		return NULL;
	*p = end + 1;
	return xstrndup(s + 1, (size_t)(end - s - 1));
}

/* The part in round brackets: "VERSION origin, origin [arch]". Origins are not bracketed, so the first ')' ends it. */
static int new_version(struct pkg_item *it, const char **p)
{
	_cleanup_free_ char *body = bracketed(p, '(', ')');

	if (!body)
		return -1;
	size_t version = strcspn(body, " ");
	const char *open = strrchr(body, '[');
	const char *close = open ? strchr(open, ']') : NULL;
	if (version == 0 || !close)
		return -1;
	it->new_version = xstrndup(body, version);
	it->arch = xstrndup(open + 1, (size_t)(close - open - 1));
	return 0;
}

/* apt's name of an archive in its cache. */
static char *archive_name(const struct pkg_item *it)
{
	_cleanup_str_ struct str s = STR_INIT;

	str_addf(&s, "%s_", it->name);
	for (const char *v = it->new_version; *v; v++) {
		if (*v == ':')
			str_add(&s, "%3a");
		else
			str_addc(&s, *v);
	}
	str_addf(&s, "_%s.deb", it->arch);
	return str_take(&s);
}

int deb_sim_line(struct pkg_plan *plan, const char *line, struct err *err)
{
	bool inst = starts_with(line, "Inst ");

	if (!inst && !starts_with(line, "Remv ") && !starts_with(line, "Purg "))
		return 0;
	const char *p = line + 5;
	size_t name = strcspn(p, " :");
	if (name == 0)
		return err_set(err, ERR_INTERNAL, "apt-get -s: cannot read \"%s\"", line);

	struct pkg_item *it = pkg_plan_add(plan);
	it->name = xstrndup(p, name);
	p += name;
	if (*p == ':') {
		size_t arch = strcspn(p + 1, " ");
		it->arch = inst ? NULL : xstrndup(p + 1, arch);
		p += 1 + arch;
	}
	it->old_version = bracketed(&p, '[', ']');
	it->replaced_by = xstrdup("");
	if (!inst) {
		it->action = PKG_REMOVE;
		it->new_version = xstrdup("");
		it->file = xstrdup("");
		if (!it->old_version)
			it->old_version = xstrdup("");
		return 1;
	}
	it->action = it->old_version ? PKG_UPGRADE : PKG_INSTALL;
	if (!it->old_version)
		it->old_version = xstrdup("");
	if (new_version(it, &p) < 0)
		return err_set(err, ERR_INTERNAL, "apt-get -s: cannot read \"%s\"", line);
	it->file = archive_name(it);
	return 1;
}

static bool returns_as(const struct pkg_item *gone, const struct pkg_item *it)
{
	return it->action != PKG_REMOVE && streq(it->name, gone->name) &&
	       (streq(it->arch, gone->arch) || streq(it->arch, "all") ||
		streq(gone->arch, "all"));
}

static struct pkg_item *find_return(const struct pkg_plan *plan, size_t gone)
{
	for (size_t i = gone + 1; i < plan->n; i++)
		if (returns_as(&plan->v[gone], &plan->v[i]))
			return &plan->v[i];
	return NULL;
}

void deb_sim_join_returns(struct pkg_plan *plan)
{
	for (size_t i = 0; i < plan->n;) {
		struct pkg_item *gone = &plan->v[i];
		struct pkg_item *it = gone->action == PKG_REMOVE ? find_return(plan, i)
								 : NULL;
		if (!it) {
			i++;
			continue;
		}
		if (it->action == PKG_INSTALL)
			it->action = PKG_UPGRADE;
		free(it->old_version);
		it->old_version = TAKE_PTR(gone->old_version);
		pkg_plan_drop(plan, i);
	}
}

void deb_uri_done(struct deb_uri *u)
{
	free(u->uri);
	free(u->name);
	free(u->hash);
	*u = (struct deb_uri){ 0 };
}

bool deb_sim_uri(const char *line, struct deb_uri *ret)
{
	struct deb_uri u = { 0 };
	const char *p = line;

	if (*p == '\'') {
		size_t len = strcspn(p + 1, "'");
		u.uri = xstrndup(p + 1, len);
		p += 1 + len + (p[1 + len] == '\'');
	}
	_cleanup_free_ char *rest = xstrdup(p);
	char *cursor = rest;
	const char *name = u.uri ? next_field(&cursor) : NULL;
	const char *size = name ? next_field(&cursor) : NULL;
	const char *hash = size ? next_field(&cursor) : NULL;
	if (!size || parse_u64(size, &u.size, NULL) < 0) {
		deb_uri_done(&u);
		return false;
	}
	u.name = xstrdup(name);
	u.hash = xstrdup(hash ? hash : "");
	*ret = u;
	return true;
}
