/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stanza files: parser, editing and writer; what is written reads back the same. */
#include "base/stanza.h"

#include "base/parse.h"

/* Far beyond any real file; keeps the search for repeated keys cheap on hostile input. */
#define MAX_ENTRIES 4096

static bool is_name_char(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && c != '=' && c != '#' && c != '"';
}

static bool is_name(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s; s++)
		if (!is_name_char(*s))
			return false;
	return true;
}

static void entry_add(struct stanza *st, const char *key, char *value, int line)
{
	/* Capacity is the next power of two: no field needed for it. */
	if ((st->n & (st->n - 1)) == 0)
		st->entries = xrealloc(st->entries,
				       MAX(st->n * 2, (size_t)1) * sizeof(*st->entries));
	st->entries[st->n++] = (struct stanza_entry){
		.key = xstrdup(key),
		.value = value,
		.line = line,
	};
}

struct stanza *stanza_add(struct stanza_file *sf, const char *name)
{
	if ((sf->n & (sf->n - 1)) == 0)
		sf->stanzas = xrealloc(sf->stanzas,
				       MAX(sf->n * 2, (size_t)1) * sizeof(*sf->stanzas));
	struct stanza *st = &sf->stanzas[sf->n++];
	*st = (struct stanza){ .name = xstrdup(name) };
	return st;
}

void stanza_file_done(struct stanza_file *sf)
{
	for (size_t i = 0; i < sf->n; i++) {
		struct stanza *st = &sf->stanzas[i];
		for (size_t k = 0; k < st->n; k++) {
			free(st->entries[k].key);
			free(st->entries[k].value);
		}
		free(st->entries);
		free(st->name);
	}
	free(sf->stanzas);
	*sf = (struct stanza_file)STANZA_FILE_INIT;
}

static struct stanza_entry *entry_find(const struct stanza *st, const char *key)
{
	for (size_t i = 0; i < st->n; i++)
		if (streq(st->entries[i].key, key))
			return &st->entries[i];
	return NULL;
}

void stanza_set(struct stanza *st, const char *key, const char *value)
{
	struct stanza_entry *e = entry_find(st, key);
	char *copy = xstrdup(value ? value : "");

	if (!e) {
		entry_add(st, key, copy, 0);
		return;
	}
	free(e->value);
	e->value = copy;
}

void stanza_setf(struct stanza *st, const char *key, const char *fmt, ...)
{
	_cleanup_str_ struct str s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	stanza_set(st, key, str_c(&s));
}

const char *stanza_get(const struct stanza *st, const char *key)
{
	const struct stanza_entry *e = entry_find(st, key);

	return e ? e->value : NULL;
}

const struct stanza *stanza_find(const struct stanza_file *sf, const char *name,
				 size_t nth)
{
	for (size_t i = 0; i < sf->n; i++)
		if (streq(sf->stanzas[i].name, name) && nth-- == 0)
			return &sf->stanzas[i];
	return NULL;
}

/* A '#' at the start or after a blank begins a comment. Cuts it off in place. */
static void cut_comment(char *s)
{
	for (char *p = s; (p = strchr(p, '#')); p++) {
		if (p == s || p[-1] == ' ' || p[-1] == '\t') {
			*p = '\0';
			return;
		}
	}
}

/* The text behind an opening quote; NULL where it is broken. */
static char *unquote(const char *p)
{
	struct str s = STR_INIT;

	for (; *p && *p != '"'; p++) {
		if (*p != '\\') {
			str_addc(&s, *p);
			continue;
		}
		p++;
		if (*p != 'n' && *p != '\\' && *p != '"')
			break;
		str_addc(&s, *p == 'n' ? '\n' : *p);
	}
	if (*p == '"') {
		p++;
		p += strspn(p, " \t\r");
		if (*p == '\0' || *p == '#')
			return str_take(&s);
	}
	str_done(&s);
	return NULL;
}

static const char *parse_entry(struct stanza *st, char *line, char *equals, int number)
{
	*equals = '\0';
	const char *key = strip(line);
	char *value = equals + 1;

	value += strspn(value, " \t\r");
	if (!st)
		return "an attribute before the first stanza name";
	if (!is_name(key))
		return "no attribute name in front of '='";
	if (entry_find(st, key))
		return "the attribute is given twice in this stanza";
	if (st->n >= MAX_ENTRIES)
		return "too many attributes in one stanza";
	if (*value == '"') {
		char *text = unquote(value + 1);
		if (!text)
			return "a quoted value does not end properly";
		entry_add(st, key, text, number);
		return NULL;
	}
	cut_comment(value);
	entry_add(st, key, xstrdup(strip(value)), number);
	return NULL;
}

/* NULL, or the cause of the refusal. `line` is changed. */
static const char *parse_line(struct stanza_file *sf, char *line, int number)
{
	line += strspn(line, " \t\r\v\f");
	if (*line == '\0' || *line == '#')
		return NULL;
	char *equals = strchr(line, '='), *hash = strchr(line, '#');
	if (equals && (!hash || equals < hash))
		return parse_entry(sf->n ? &sf->stanzas[sf->n - 1] : NULL, line, equals,
				   number);
	cut_comment(line);
	char *name = strip(line);
	size_t len = strlen(name);
	if (name[len - 1] != ':')
		return "neither a stanza name with ':' nor an attribute with '='";
	name[len - 1] = '\0';
	if (!is_name(name))
		return "the stanza has no usable name";
	stanza_add(sf, name)->line = number;
	return NULL;
}

int stanza_parse(struct stanza_file *sf, const char *label, const char *text, size_t len,
		 struct err *err)
{
	_cleanup_stanza_file_ struct stanza_file parsed = STANZA_FILE_INIT;

	if (memchr(text, '\0', len))
		return err_set(err, ERR_OPERATOR, "%s: holds a NUL byte: not a text file",
			       label);
	_cleanup_free_ char *copy = xstrndup(text, len);
	char *cursor = copy;
	int number = 0;
	for (char *line; (line = next_line(&cursor));) {
		const char *cause = parse_line(&parsed, line, ++number);
		if (cause)
			return err_set(err, ERR_OPERATOR, "%s: line %d: %s", label,
				       number, cause);
	}
	stanza_file_done(sf);
	*sf = parsed;
	parsed = (struct stanza_file)STANZA_FILE_INIT;
	return 0;
}

static bool needs_quotes(const char *value)
{
	size_t n = strlen(value);

	if (n == 0)
		return false;
	if (strchr(" \t\r\v\f#\"", value[0]) || strchr(" \t\r\v\f", value[n - 1]))
		return true;
	return strchr(value, '\n') || strstr(value, " #") || strstr(value, "\t#");
}

static void write_value(const char *value, struct str *out)
{
	if (!needs_quotes(value)) {
		str_add(out, value);
		return;
	}
	str_addc(out, '"');
	for (const char *p = value; *p; p++) {
		if (*p == '\n') {
			str_add(out, "\\n");
			continue;
		}
		if (*p == '"' || *p == '\\')
			str_addc(out, '\\');
		str_addc(out, *p);
	}
	str_addc(out, '"');
}

void stanza_write(const struct stanza_file *sf, struct str *out)
{
	for (size_t i = 0; i < sf->n; i++) {
		const struct stanza *st = &sf->stanzas[i];
		if (i > 0)
			str_addc(out, '\n');
		str_addf(out, "%s:\n", st->name);
		for (size_t k = 0; k < st->n; k++) {
			str_addf(out, "    %s=", st->entries[k].key);
			if (st->entries[k].value[0] != '\0') {
				str_addc(out, ' ');
				write_value(st->entries[k].value, out);
			}
			str_addc(out, '\n');
		}
	}
}
