/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debian packages: what is installed now, and what an item of the plan still needs. */
#include "pkg/deb.h"

static void installed_free(void *p)
{
	struct deb_installed *in = p;

	free(in->version);
	free(in);
}

void deb_state_done(struct deb_state *st)
{
	st->by_name = map_free(st->by_name);
}

int deb_state_parse(struct deb_state *ret, char *text, struct err *err)
{
	struct deb_state st = { map_new(installed_free) };
	char *cursor = text;

	for (char *line; (line = next_line(&cursor));) {
		char *fields = line;
		const char *name = next_field(&fields);
		const char *abbrev = next_field(&fields);
		const char *version = next_field(&fields);
		if (!name)
			continue;
		if (!abbrev || strlen(abbrev) < 2) {
			deb_state_done(&st);
			return err_set(err, ERR_INTERNAL,
				       "dpkg-query: unexpected line for %s", name);
		}
		struct deb_installed *in = xcalloc(1, sizeof(*in));
		in->want = abbrev[0];
		in->state = abbrev[1];
		in->reinstall = abbrev[2] == 'R';
		in->version = xstrdup(version ? version : "");
		map_set(st.by_name, name, in);
	}
	*ret = st;
	return 0;
}

int deb_state_read(const struct pkg_ctx *c, struct deb_state *ret, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_str_ struct str out = STR_INIT;

	deb_dpkg_argv(c, "dpkg-query", &argv);
	strv_add_all(&argv, "-W", "-f",
		     "${Package}:${Architecture} ${db:Status-Abbrev} ${Version}\\n",
		     NULL);
	if (deb_capture(c, &argv, NULL, &out, err) < 0)
		return err_prefix(err, "reading the package state");
	_cleanup_free_ char *text = str_take(&out);
	return deb_state_parse(ret, text, err);
}

const struct deb_installed *deb_state_find(const struct deb_state *st, const char *name,
					   const char *arch)
{
	_cleanup_free_ char *key = xasprintf("%s:%s", name, arch ? arch : "");

	return map_get(st->by_name, key);
}

static bool is_present(const struct deb_installed *in)
{
	return in && in->state != 'n' && in->state != 'c';
}

enum deb_need deb_state_need(const struct deb_state *st, const struct pkg_item *item,
			     bool triggers_ok)
{
	const struct deb_installed *in = deb_state_find(st, item->name, item->arch);

	if (item->action == PKG_REMOVE)
		return is_present(in) ? DEB_REMOVE : DEB_DONE;
	if (!is_present(in) || !streq(in->version, item->new_version) || in->reinstall)
		return DEB_UNPACK;
	switch (in->state) {
	case 'i':
		return DEB_DONE;
	case 'W':
	case 't':
		return triggers_ok ? DEB_DONE : DEB_CONFIGURE;
	case 'U':
	case 'F':
		return DEB_CONFIGURE;
	default:
		return DEB_UNPACK;
	}
}
