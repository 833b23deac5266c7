/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reader of Debian's control format: fields are ranges of the caller's text. */
#include "model/deb822.h"

#include <strings.h>

void deb822_init(struct deb822_reader *r, const char *label, const char *text, size_t len)
{
	*r = (struct deb822_reader){
		.label = label, .p = text, .end = text + len, .line = 1
	};
}

void deb822_stanza_done(struct deb822_stanza *st)
{
	free(st->fields);
	*st = (struct deb822_stanza)DEB822_STANZA_INIT;
}

static bool blank_char(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct line {
	const char *begin, *end; /* without the '\n' */
	int number;
};

static bool peek_line(const struct deb822_reader *r, struct line *ret)
{
	if (r->p >= r->end)
		return false;
	const char *nl = memchr(r->p, '\n', (size_t)(r->end - r->p));
	*ret = (struct line){ .begin = r->p, .end = nl ? nl : r->end, .number = r->line };
	return true;
}

static void take_line(struct deb822_reader *r, const struct line *l)
{
	r->p = l->end < r->end ? l->end + 1 : r->end;
	r->line++;
}

static bool line_is_blank(const struct line *l)
{
	for (const char *p = l->begin; p < l->end; p++)
		if (!blank_char(*p))
			return false;
	return true;
}

static void add_field(struct deb822_stanza *st, struct deb822_field f)
{
	if (st->n == st->cap) {
		st->cap = st->cap ? 2 * st->cap : 16;
		st->fields = xrealloc(st->fields, st->cap * sizeof(*st->fields));
	}
	st->fields[st->n++] = f;
}

/* A name is printable ASCII without ':' and blanks and does not start with '-' (deb822(5)). */
static const char *parse_field(const struct line *l, struct deb822_field *ret)
{
	const char *p = l->begin;
	while (p < l->end && *p != ':' && *p > ' ' && (unsigned char)*p < 0x7f)
		p++;
	if (p == l->begin || *l->begin == '-')
		return "no field name";
	const char *colon = p;
	while (colon < l->end && blank_char(*colon))
		colon++;
	if (colon == l->end || *colon != ':')
		return "no ':' after the field name";
	*ret = (struct deb822_field){ .name = l->begin,
				      .name_len = (size_t)(p - l->begin),
				      .value = colon + 1,
				      .value_len = (size_t)(l->end - colon - 1),
				      .line = l->number };
	return NULL;
}

static void skip_stanza(struct deb822_reader *r)
{
	for (struct line l; peek_line(r, &l) && !line_is_blank(&l);)
		take_line(r, &l);
}

static int bad_line(struct deb822_reader *r, const struct line *l, const char *why,
		    struct err *err)
{
	int n = (int)MIN(l->end - l->begin, (ptrdiff_t)60);
	err_set(err, ERR_OPERATOR, "%s: line %d: %s: \"%.*s\"", r->label, l->number, why,
		n, l->begin);
	skip_stanza(r);
	return -1;
}

int deb822_next(struct deb822_reader *r, struct deb822_stanza *st, struct err *err)
{
	st->n = 0;
	st->begin = st->end = NULL;
	for (struct line l; peek_line(r, &l); take_line(r, &l)) {
		if (l.begin < l.end && *l.begin == '#')
			continue;
		if (line_is_blank(&l)) {
			if (st->n > 0)
				break;
			continue;
		}
		if (blank_char(*l.begin)) {
			if (st->n == 0)
				return bad_line(r, &l, "a continuation without a field",
						err);
			struct deb822_field *f = &st->fields[st->n - 1];
			f->value_len = (size_t)(l.end - f->value);
		} else {
			struct deb822_field f;
			const char *why = parse_field(&l, &f);
			if (why)
				return bad_line(r, &l, why, err);
			if (st->n == 0) {
				st->begin = l.begin;
				st->line = l.number;
			}
			add_field(st, f);
		}
		st->end = l.end;
	}
	return st->n > 0;
}

const struct deb822_field *deb822_find(const struct deb822_stanza *st, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < st->n; i++)
		if (st->fields[i].name_len == len &&
		    strncasecmp(st->fields[i].name, name, len) == 0)
			return &st->fields[i];
	return NULL;
}

char *deb822_dup(const struct deb822_stanza *st, const char *name)
{
	const struct deb822_field *f = deb822_find(st, name);
	if (!f)
		return NULL;
	_cleanup_str_ struct str out = STR_INIT;
	const char *p = f->value, *end = f->value + f->value_len;
	bool first = true;
	for (;;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *b = p, *e = nl ? nl : end;
		bool comment = !first && b < e && *b == '#';
		while (b < e && blank_char(*b))
			b++;
		while (b < e && blank_char(e[-1]))
			e--;
		if (!comment) {
			if (!first)
				str_addc(&out, '\n');
			str_addn(&out, b, (size_t)(e - b));
			first = false;
		}
		if (!nl)
			break;
		p = nl + 1;
	}
	return str_take(&out);
}
