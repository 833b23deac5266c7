/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading apt's source lists, in both of their forms. */
#include <dirent.h>

#include "model/deb822.h"
#include "pkg/lpp-sources.h"
#include "sys/files.h"
#include "sys/root.h"

#define SOURCES_MAX (1u << 20)

void lpp_sources_entries_done(struct lpp_entries *es)
{
	for (size_t i = 0; i < es->n; i++) {
		free(es->v[i].uri);
		free(es->v[i].suite);
		free(es->v[i].components);
		free(es->v[i].signed_by);
	}
	free(es->v);
	*es = (struct lpp_entries){ 0 };
}

static void add_entry(struct lpp_entries *es, const char *uri, const char *suite,
		      const char *components, const char *signed_by)
{
	if (es->n == es->cap) {
		es->cap = es->cap ? 2 * es->cap : 8;
		es->v = xrealloc(es->v, es->cap * sizeof(*es->v));
	}
	es->v[es->n++] = (struct lpp_entry){ .uri = xstrdup(uri),
					     .suite = xstrdup(suite),
					     .components = xstrdup(components),
					     .signed_by = xstrdup(signed_by) };
}

static void words_of(const struct deb822_stanza *st, const char *field, struct strv *out)
{
	_cleanup_free_ char *value = deb822_dup(st, field);

	if (value)
		strv_split(out, value, " \t\n");
}

int lpp_sources_parse_deb822(struct lpp_entries *es, const char *label, const char *text,
			     size_t len, struct err *err)
{
	_cleanup_deb822_ struct deb822_stanza st = DEB822_STANZA_INIT;
	struct deb822_reader reader;
	int rc;

	deb822_init(&reader, label, text, len);
	while ((rc = deb822_next(&reader, &st, err)) > 0) {
		_cleanup_strv_ struct strv types = STRV_INIT, uris = STRV_INIT,
					   suites = STRV_INIT;
		_cleanup_free_ char *enabled = deb822_dup(&st, "Enabled");
		_cleanup_free_ char *components = deb822_dup(&st, "Components");
		_cleanup_free_ char *signed_by = deb822_dup(&st, "Signed-By");

		words_of(&st, "Types", &types);
		words_of(&st, "URIs", &uris);
		words_of(&st, "Suites", &suites);
		if (!strv_has(&types, "deb") ||
		    (enabled && (streq(enabled, "no") || streq(enabled, "false"))))
			continue;
		for (size_t u = 0; u < uris.n; u++)
			for (size_t s = 0; s < suites.n; s++)
				add_entry(es, uris.v[u], suites.v[s], components,
					  signed_by);
	}
	return rc;
}

/* The value of signed-by in "[arch=amd64 signed-by=/x.gpg]"; malloc'd or NULL. */
static char *option_signed_by(char *options)
{
	char *word;

	while ((word = next_field(&options)))
		if (starts_with(word, "signed-by="))
			return xstrdup(word + strlen("signed-by="));
	return NULL;
}

static void parse_line(struct lpp_entries *es, char *line)
{
	_cleanup_free_ char *signed_by = NULL;
	char *cursor = line + strcspn(line, "#");

	*cursor = '\0';
	cursor = line;
	const char *type = next_field(&cursor);
	if (!type || !streq(type, "deb") || !cursor)
		return;
	cursor += strspn(cursor, " \t");
	if (*cursor == '[') {
		char *end = strchr(cursor, ']');
		if (!end)
			return;
		*end = '\0';
		signed_by = option_signed_by(cursor + 1);
		cursor = end + 1;
	}
	const char *uri = next_field(&cursor);
	const char *suite = uri ? next_field(&cursor) : NULL;
	if (suite)
		add_entry(es, uri, suite, cursor ? strip(cursor) : "", signed_by);
}

void lpp_sources_parse_list(struct lpp_entries *es, const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *cursor = copy, *line;

	while ((line = next_line(&cursor)))
		parse_line(es, line);
}

static int read_one(struct lpp_entries *es, const char *path, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (files_read(path, SOURCES_MAX, &text, err) < 0)
		return -1;
	if (ends_with(path, ".sources"))
		return lpp_sources_parse_deb822(es, path, str_c(&text), text.len, err);
	lpp_sources_parse_list(es, str_c(&text));
	return 0;
}

int lpp_sources_read_master(struct lpp_entries *es, const char *etc, struct err *err)
{
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *list = xasprintf("%s/sources.list", etc);

	if (files_exists(list) && read_one(es, list, err) < 0)
		return -1;
	if (root_open(&root, etc, err) < 0 ||
	    root_list(&root, "sources.list.d", &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = xasprintf("%s/sources.list.d/%s", etc,
						      names.v[i]);
		if ((ends_with(path, ".sources") || ends_with(path, ".list")) &&
		    read_one(es, path, err) < 0)
			return -1;
	}
	return 0;
}
