/* SPDX-License-Identifier: GPL-2.0-or-later */
/* grub-pc's answers in debconf's database, a stanza each: "Name: ", "Template: ", perhaps "Value: ", "Owners: ", "Flags: ". */
#include "altdisk/grub-answer.h"

#define DATABASE     "var/cache/debconf/config.dat"
#define DATABASE_MAX ((size_t)64 << 20)
#define DEVICES	     "grub-pc/install_devices"
#define NOWHERE	     "grub-pc/install_devices_empty"

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

/* Returns whether the text has changed. */
static bool set_value(struct str *text, const char *question, const char *value)
{
	_cleanup_free_ char *want = xasprintf("Value: %s\n", value);
	_cleanup_str_ struct str out = STR_INIT;
	size_t len = 0, line_len = 0, template_len = 0;
	const char *stanza = find_stanza(text, question, &len);

	if (!stanza) {
		if (text->len > 0)
			str_add(text, ends_with(str_c(text), "\n\n") ? "" : "\n");
		str_addf(text,
			 "Name: %s\nTemplate: %s\n%sOwners: grub-pc\nFlags: seen\n\n",
			 question, question, want);
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

/* malloc'd; NULL: it has no value. */
static char *get_value(const struct str *text, const char *question)
{
	size_t len = 0, line_len = 0;
	const char *stanza = find_stanza(text, question, &len);
	const char *line = stanza ? find_line(stanza, len, "Value:", &line_len) : NULL;

	if (!line)
		return NULL;
	_cleanup_free_ char *copy = xstrndup(line, line_len);
	return xstrdup(strip(copy + strlen("Value:")));
}

int grub_answer_apply(const struct root *alt, const char *disk, struct events *events,
		      struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	size_t len;
	int rc = root_read_opt(alt, DATABASE, DATABASE_MAX, &text, err);

	if (rc != 0 || !find_stanza(&text, DEVICES, &len))
		return rc < 0 ? -1 : 0;
	_cleanup_free_ char *devices = get_value(&text, DEVICES);
	_cleanup_free_ char *nowhere = get_value(&text, NOWHERE);
	if (streq0(nowhere, "true") && (!devices || *devices == '\0'))
		return 0;
	bool changed = set_value(&text, DEVICES, disk);
	changed |= set_value(&text, NOWHERE, *disk ? "false" : "true");
	if (!changed)
		return 0;
	if (*disk)
		events_step(events, "grub-pc's next update in the clone goes to %s",
			    disk);
	else
		events_warning(
			events,
			"grub-pc's next update in the clone goes to no disk, because this "
			"one has no lasting name below /dev/disk/by-id; once the clone "
			"runs: dpkg-reconfigure grub-pc");
	return root_write(alt, DATABASE, text.p, text.len, 0644, err);
}
