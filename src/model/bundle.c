/* SPDX-License-Identifier: GPL-2.0-or-later */
/* installp_bundle files. */
#include "model/bundle.h"

/* Debian Policy 5.6.1: at least two characters. */
bool bundle_is_package(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789+-.");

	if (n < 2 || strchr("+-.", name[0]))
		return false;
	if (name[n] == ':') {
		const char *arch = name + n + 1;

		return *arch &&
		       arch[strspn(arch, "abcdefghijklmnopqrstuvwxyz0123456789-")] ==
			       '\0';
	}
	return name[n] == '\0';
}

static int parse_line(struct strv *ret, char *line, struct err *err)
{
	char *comment = strchr(line, '#'), *name;

	if (comment)
		*comment = '\0';
	name = strip(line);
	if (starts_with(name, "I:"))
		name = strip(name + 2);
	if (*name == '\0')
		return 0;
	if (!bundle_is_package(name))
		return err_set(err, ERR_OPERATOR, "'%s' is not the name of a package",
			       name);
	strv_add(ret, name);
	return 0;
}

int bundle_parse(struct strv *ret, const char *label, const char *text, size_t len,
		 struct err *err)
{
	_cleanup_free_ char *copy = xstrndup(text, len);
	char *rest = copy, *line;

	for (unsigned number = 1; (line = next_line(&rest)); number++)
		if (parse_line(ret, line, err) < 0) {
			err_prefix(err, "%s: line %u", label, number);
			return err_remedy(
				err, "write one package a line; '#' begins a comment");
		}
	return 0;
}
