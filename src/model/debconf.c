/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers in debconf's database. */
#include "model/debconf.h"

/* The stanza of a question; NULL: nobody has asked it. */
static const char *find_stanza(const struct str *text, const char *question, size_t *len)
{
	_cleanup_free_ char *head = xasprintf("Name: %s\n", question);
	const char *p = str_c(text);

	while ((p = strstr(p, head)) != NULL && p != text->p && p[-1] != '\n')
		p++;
	if (p) {
		const char *end = strstr(p, "\n\n");

		*len = end ? (size_t)(end + 1 - p) : strlen(p);
	}
	return p;
}

/* Of a line of a stanza: it, with its end; NULL: there is none. */
static const char *find_line(const char *stanza, size_t len, const char *name,
			     size_t *line_len)
{
	for (const char *p = stanza; p < stanza + len;) {
		const char *end = memchr(p, '\n', (size_t)(stanza + len - p));
		size_t n = end ? (size_t)(end + 1 - p) : (size_t)(stanza + len - p);

		if (starts_with(p, name)) {
			*line_len = n;
			return p;
		}
		p += n;
	}
	return NULL;
}

bool debconf_has(const struct str *text, const char *question)
{
	size_t len;

	return find_stanza(text, question, &len) != NULL;
}

char *debconf_get(const struct str *text, const char *question)
{
	size_t len = 0, line_len = 0;
	const char *stanza = find_stanza(text, question, &len);
	const char *line = stanza ? find_line(stanza, len, "Value:", &line_len) : NULL;
	_cleanup_free_ char *copy = line ? xstrndup(line, line_len) : NULL;

	return xstrdup(copy ? strip(copy + strlen("Value:")) : "");
}

bool debconf_put(struct str *text, const char *question, const char *owner,
		 const char *value)
{
	_cleanup_free_ char *want = xasprintf("Value: %s\n", value);
	_cleanup_str_ struct str out = STR_INIT;
	size_t len = 0, line_len = 0, template_len = 0;
	const char *stanza = find_stanza(text, question, &len);

	if (!stanza) {
		if (text->len > 0)
			str_add(text, ends_with(str_c(text), "\n\n") ? "" : "\n");
		str_addf(text, "Name: %s\nTemplate: %s\n%sOwners: %s\nFlags: seen\n\n",
			 question, question, want, owner);
		return true;
	}
	const char *line = find_line(stanza, len, "Value:", &line_len);
	if (line && line_len == strlen(want) && memcmp(line, want, line_len) == 0)
		return false;
	if (!line) {
		line = find_line(stanza, len, "Template:", &template_len);
		line = line ? line + template_len : stanza + len;
	}
	str_addn(&out, text->p, (size_t)(line - text->p));
	str_add(&out, want);
	str_add(&out, line + line_len);
	str_done(text);
	*text = out;
	out = (struct str)STR_INIT;
	return true;
}
