/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rewrites source lists: only the words that change are replaced. */
#include "model/sources.h"

#include <strings.h>

#include "model/deb822.h"
#include "model/sources-classify.h"

void sources_result_done(struct sources_result *r)
{
	strv_done(&r->moved);
	strv_done(&r->disabled);
	strv_done(&r->why);
	strv_done(&r->kept);
}

static void disabled(struct sources_result *res, const char *entry, const char *why)
{
	strv_add(&res->disabled, entry);
	strv_add(&res->why, why);
}

/* Security's archive had its suites as "X/updates" on the bare host until Debian 10. */
static char *moved_uri(const char *uri)
{
	const char *p = strstr(uri, "://security.debian.org");
	if (!p)
		return NULL;
	p += strlen("://security.debian.org");
	return *p == '\0' || streq(p, "/")
		       ? xasprintf("%.*s/debian-security", (int)(p - uri), uri)
		       : NULL;
}

/* Copies blank-separated words of [p, end) with the blanks between them, each word through `map` (NULL: unchanged).
 * Comment lines inside (deb822) are copied as they are. */
static void copy_words(const char *p, const char *end, struct str *out,
		       char *(*map)(const void *arg, const char *word), const void *arg)
{
	while (p < end) {
		if (*p == '#' && p[-1] == '\n') {
			const char *nl = memchr(p, '\n', (size_t)(end - p));
			nl = nl ? nl : end;
			str_addn(out, p, (size_t)(nl - p));
			p = nl;
			continue;
		}
		if (strchr(" \t\r\n", *p) && *p) {
			str_addc(out, *p++);
			continue;
		}
		const char *w = p;
		while (p < end && !(*p && strchr(" \t\r\n", *p)))
			p++;
		_cleanup_free_ char *word = xstrndup(w, (size_t)(p - w));
		_cleanup_free_ char *to = map(arg, word);
		if (to)
			str_add(out, to);
		else
			str_addn(out, w, (size_t)(p - w));
	}
}

static char *map_suite(const void *arg, const char *word)
{
	return sources_suite(arg, word);
}

static char *map_uri(const void *arg, const char *word)
{
	return moved_uri(word);
}

static char *map_component(const void *arg, const char *word)
{
	return streq(word, "non-free") ? xstrdup("non-free non-free-firmware") : NULL;
}

static char *map_key(const void *arg, const char *word)
{
	const struct sources_move *m = arg;
	return *word == '/' && strstr(word, m->from)
		       ? xstrdup("/usr/share/keyrings/debian-archive-keyring.gpg")
		       : NULL;
}

static bool needs_firmware(const struct sources_move *m, const struct strv *components)
{
	return m->add_firmware && strv_has(components, "non-free") &&
	       !strv_has(components, "non-free-firmware");
}

/* ---- one-line form ---- */

struct entry {
	const char *type, *type_end;
	const char *opt, *opt_end; /* "[...]" or NULL */
	const char *uri, *uri_end, *suite, *suite_end;
	const char *comp; /* to the end of the entry */
	const char *end;  /* without a comment at the end */
};

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	return p;
}

static const char *skip_word(const char *p, const char *end)
{
	while (p < end && *p != ' ' && *p != '\t' && *p != '\r')
		p++;
	return p;
}

/* A URI may hold "[...]" with blanks (cdrom:[Debian GNU/Linux 12 ...]/). */
static const char *skip_uri(const char *p, const char *end)
{
	bool inside = false;
	for (; p < end && (inside || (*p != ' ' && *p != '\t' && *p != '\r')); p++) {
		if (*p == '[')
			inside = true;
		else if (*p == ']')
			inside = false;
	}
	return p;
}

static bool parse_entry(const char *p, const char *end, struct entry *e)
{
	*e = (struct entry){ 0 };
	const char *hash = memchr(p, '#', (size_t)(end - p));
	e->end = hash ? hash : end;
	e->type = skip_blank(p, e->end);
	e->type_end = skip_word(e->type, e->end);
	size_t n = (size_t)(e->type_end - e->type);
	if (!(n == 3 && strncmp(e->type, "deb", 3) == 0) &&
	    !(n == 7 && strncmp(e->type, "deb-src", 7) == 0))
		return false;
	p = skip_blank(e->type_end, e->end);
	if (p < e->end && *p == '[') {
		const char *close = memchr(p, ']', (size_t)(e->end - p));
		if (!close)
			return false;
		e->opt = p;
		e->opt_end = close + 1;
		p = skip_blank(close + 1, e->end);
	}
	e->uri = p;
	e->uri_end = skip_uri(p, e->end);
	e->suite = skip_blank(e->uri_end, e->end);
	e->suite_end = skip_word(e->suite, e->end);
	e->comp = e->suite_end;
	return e->uri < e->uri_end && e->suite < e->suite_end;
}

static void add_words(struct strv *sv, const char *p, const char *end)
{
	_cleanup_free_ char *text = xstrndup(p, (size_t)(end - p));
	strv_split(sv, text, " \t\r\n");
}

/* "[signed-by=/a/bookworm.gpg arch=amd64]" */
static void copy_options(const struct sources_move *m, const struct entry *e,
			 struct str *out)
{
	_cleanup_free_ char *opt = xstrndup(e->opt, (size_t)(e->opt_end - e->opt));
	char *key = strcasestr(opt, "signed-by=");
	if (!key) {
		str_add(out, opt);
		return;
	}
	key += strlen("signed-by=");
	size_t n = strcspn(key, " \t]");
	_cleanup_free_ char *value = xstrndup(key, n);
	_cleanup_free_ char *to = map_key(m, value);
	str_addn(out, opt, (size_t)(key - opt));
	str_add(out, to ? to : value);
	str_add(out, key + n);
}

static void move_entry(const struct sources_move *m, const struct entry *e,
		       const char *line_end, struct str *out)
{
	_cleanup_strv_ struct strv comps = STRV_INIT;
	add_words(&comps, e->comp, e->end);
	if (e->opt) {
		str_addn(out, e->type, (size_t)(e->opt - e->type));
		copy_options(m, e, out);
		str_addn(out, e->opt_end, (size_t)(e->uri - e->opt_end));
	} else {
		str_addn(out, e->type, (size_t)(e->uri - e->type));
	}
	copy_words(e->uri, e->uri_end, out, map_uri, m);
	str_addn(out, e->uri_end, (size_t)(e->suite - e->uri_end));
	copy_words(e->suite, e->suite_end, out, map_suite, m);
	if (needs_firmware(m, &comps))
		copy_words(e->comp, e->end, out, map_component, m);
	else
		str_addn(out, e->comp, (size_t)(e->end - e->comp));
	str_addn(out, e->end, (size_t)(line_end - e->end));
}

static void move_line(const struct sources_move *m, const char *p, const char *end,
		      struct str *out, struct sources_result *res)
{
	struct entry e;
	if (!parse_entry(p, end, &e)) {
		str_addn(out, p, (size_t)(end - p));
		return;
	}
	_cleanup_strv_ struct strv uris = STRV_INIT, suites = STRV_INIT,
				   comps = STRV_INIT;
	strv_add_take(&uris, xstrndup(e.uri, (size_t)(e.uri_end - e.uri)));
	add_words(&suites, e.suite, e.suite_end);
	add_words(&comps, e.comp, e.end);
	_cleanup_free_ char *text = xstrndup(e.type, (size_t)(e.end - e.type));
	const char *why, *entry = strip(text);
	switch (sources_classify(m, &uris, &suites, &comps, &why)) {
	case SOURCES_MOVE:
		str_addn(out, p, (size_t)(e.type - p));
		move_entry(m, &e, end, out);
		strv_add(&res->moved, entry);
		break;
	case SOURCES_KEEP:
		str_addn(out, p, (size_t)(end - p));
		strv_add(&res->kept, entry);
		break;
	case SOURCES_DISABLE:
		str_add(out, "# ");
		str_addn(out, p, (size_t)(end - p));
		str_addf(out, " # disabled by nimadm on the way to %s: %s", m->to, why);
		disabled(res, entry, why);
		break;
	}
}

void sources_move_list(const struct sources_move *m, const char *text, size_t len,
		       struct str *out, struct sources_result *res)
{
	const char *end = text + len;
	for (const char *p = text; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		move_line(m, p, nl ? nl : end, out, res);
		if (nl)
			str_addc(out, '\n');
		p = nl ? nl + 1 : end;
	}
}

/* ---- deb822 form ---- */

static void field_words(const struct deb822_stanza *st, const char *name,
			struct strv *ret)
{
	_cleanup_free_ char *v = deb822_dup(st, name);
	if (v)
		strv_split(ret, v, " \t\r\n");
}

static bool field_is(const struct deb822_field *f, const char *name)
{
	return f->name_len == strlen(name) &&
	       strncasecmp(f->name, name, f->name_len) == 0;
}

static bool is_off(const struct deb822_stanza *st)
{
	static const char *const words[] = { "no", "false", "without", "off", "disable" };
	_cleanup_free_ char *v = deb822_dup(st, "Enabled");
	for (size_t i = 0; v && i < ARRAY_SIZE(words); i++)
		if (strcasecmp(v, words[i]) == 0)
			return true;
	return false;
}

static void move_stanza(const struct sources_move *m, const struct deb822_stanza *st,
			const struct strv *comps, struct str *out)
{
	const char *p = st->begin;
	for (size_t i = 0; i < st->n; i++) {
		const struct deb822_field *f = &st->fields[i];
		const char *v = f->value, *vend = f->value + f->value_len;
		char *(*map)(const void *, const char *) = NULL;
		if (field_is(f, "Suites"))
			map = map_suite;
		else if (field_is(f, "URIs"))
			map = map_uri;
		else if (field_is(f, "Signed-By"))
			map = map_key;
		else if (field_is(f, "Components") && needs_firmware(m, comps))
			map = map_component;
		if (!map)
			continue;
		str_addn(out, p, (size_t)(v - p));
		copy_words(v, vend, out, map, m);
		p = vend;
	}
	str_addn(out, p, (size_t)(st->end - p));
}

static void disable_stanza(const struct sources_move *m, const struct deb822_stanza *st,
			   const char *why, struct str *out)
{
	const struct deb822_field *f = deb822_find(st, "Enabled");
	str_addf(out, "# disabled by nimadm on the way to %s: %s\n", m->to, why);
	if (f) {
		str_addn(out, st->begin, (size_t)(f->value - st->begin));
		str_add(out, " no");
		const char *rest = f->value + f->value_len;
		str_addn(out, rest, (size_t)(st->end - rest));
	} else {
		str_add(out, "Enabled: no\n");
		str_addn(out, st->begin, (size_t)(st->end - st->begin));
	}
}

static char *stanza_line(const struct deb822_stanza *st)
{
	static const char *const names[] = { "Types", "URIs", "Suites", "Components" };
	_cleanup_strv_ struct strv words = STRV_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		field_words(st, names[i], &words);
	return strv_join(&words, " ");
}

static void one_stanza(const struct sources_move *m, const struct deb822_stanza *st,
		       struct str *out, struct sources_result *res)
{
	_cleanup_strv_ struct strv uris = STRV_INIT, suites = STRV_INIT,
				   comps = STRV_INIT;
	field_words(st, "URIs", &uris);
	field_words(st, "Suites", &suites);
	field_words(st, "Components", &comps);
	_cleanup_free_ char *line = stanza_line(st);
	const char *why;
	if (is_off(st)) {
		str_addn(out, st->begin, (size_t)(st->end - st->begin));
		return;
	}
	switch (sources_classify(m, &uris, &suites, &comps, &why)) {
	case SOURCES_MOVE:
		move_stanza(m, st, &comps, out);
		strv_add(&res->moved, line);
		break;
	case SOURCES_KEEP:
		str_addn(out, st->begin, (size_t)(st->end - st->begin));
		strv_add(&res->kept, line);
		break;
	case SOURCES_DISABLE:
		disable_stanza(m, st, why, out);
		disabled(res, line, why);
		break;
	}
}

int sources_move_deb822(const struct sources_move *m, const char *label, const char *text,
			size_t len, struct str *out, struct sources_result *res,
			struct err *err)
{
	struct deb822_reader r;
	deb822_init(&r, label, text, len);
	_cleanup_deb822_ struct deb822_stanza st = DEB822_STANZA_INIT;
	const char *p = text;
	for (;;) {
		int rc = deb822_next(&r, &st, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
		str_addn(out, p, (size_t)(st.begin - p));
		one_stanza(m, &st, out, res);
		p = st.end;
	}
	str_addn(out, p, (size_t)(text + len - p));
	return 0;
}

/* ---- preferences ---- */

static bool pins_old(const struct sources_move *m, const char *pin)
{
	static const char *const keys[] = { "n=", "a=", "" };
	_cleanup_strv_ struct strv words = STRV_INIT;
	strv_split(&words, pin, " \t\r\n,");
	if (words.n < 2 || !streq(words.v[0], "release"))
		return false;
	for (size_t i = 1; i < words.n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
			const char *w = words.v[i];
			if (starts_with(w, keys[k]) &&
			    sources_names_old(m, w + strlen(keys[k])))
				return true;
		}
	return false;
}

static void comment_out(const struct deb822_stanza *st, const struct sources_move *m,
			struct str *out)
{
	str_addf(out, "# disabled by nimadm on the way to %s: pins the old release\n",
		 m->to);
	for (const char *p = st->begin; p < st->end;) {
		const char *nl = memchr(p, '\n', (size_t)(st->end - p));
		const char *e = nl ? nl : st->end;
		str_addf(out, "# %.*s", (int)(e - p), p);
		if (nl)
			str_addc(out, '\n');
		p = nl ? nl + 1 : st->end;
	}
}

int sources_drop_pins(const struct sources_move *m, const char *label, const char *text,
		      size_t len, struct str *out, struct strv *ret, struct err *err)
{
	struct deb822_reader r;
	deb822_init(&r, label, text, len);
	_cleanup_deb822_ struct deb822_stanza st = DEB822_STANZA_INIT;
	const char *p = text;
	for (;;) {
		int rc = deb822_next(&r, &st, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
		_cleanup_free_ char *pin = deb822_dup(&st, "Pin");
		str_addn(out, p, (size_t)(st.begin - p));
		if (pin && pins_old(m, pin)) {
			_cleanup_free_ char *pkg = deb822_dup(&st, "Package");
			strv_addf(ret, "Package: %s, Pin: %s", pkg ? pkg : "", pin);
			comment_out(&st, m, out);
		} else {
			str_addn(out, st.begin, (size_t)(st.end - st.begin));
		}
		p = st.end;
	}
	str_addn(out, p, (size_t)(text + len - p));
	return 0;
}
