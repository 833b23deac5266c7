/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of --help from option tables. */
#include "base/opt.h"

#define WIDTH	 79 /* so that an 80-column terminal does not wrap */
#define HELP_COL 28

/* "-l, --lpp-source=NAME" */
static void write_form(const struct opt *o, struct str *out)
{
	if (o->letter)
		str_addf(out, "-%c, ", o->letter);
	str_addf(out, "--%s", o->name);
	if (o->kind != OPT_FLAG)
		str_addf(out, "=%s", o->meta);
}

void opt_wrap(struct str *out, const char *text, size_t at, size_t indent)
{
	bool start = true;

	for (const char *p = text; *p;) {
		size_t len = strcspn(p, " ");

		if (!start && at + 1 + len > WIDTH) {
			str_addf(out, "\n%*s", (int)indent, "");
			at = indent;
			start = true;
		}
		if (!start) {
			str_addc(out, ' ');
			at++;
		}
		str_addn(out, p, len);
		at += len;
		start = false;
		p += len;
		p += strspn(p, " ");
	}
	str_addc(out, '\n');
}

static void help_option(const struct opt *o, struct str *out)
{
	_cleanup_str_ struct str form = STR_INIT;

	/* Options without a letter line up with the long names of the others. */
	if (!o->letter)
		str_add(&form, "    ");
	write_form(o, &form);
	str_addf(out, "  %s", str_c(&form));
	if (form.len + 3 > HELP_COL)
		str_addf(out, "\n%*s", HELP_COL, "");
	else
		str_addf(out, "%*s", (int)(HELP_COL - 2 - form.len), "");
	opt_wrap(out, o->help, HELP_COL, HELP_COL);
}

void opt_help(const struct opt_program *prog, const struct opt_set *sets, size_t n_sets,
	      struct str *out)
{
	size_t indent = strlen("usage: ") + strlen(prog->name) + 1;

	for (size_t i = 0; prog->synopsis[i]; i++) {
		str_addf(out, "%s%s ", i == 0 ? "usage: " : "       ", prog->name);
		opt_wrap(out, prog->synopsis[i], indent, indent + 2);
	}
	str_addc(out, '\n');
	opt_wrap(out, prog->about, 0, 0);
	for (size_t s = 0; s < n_sets; s++) {
		str_addf(out, "\n%s\n", sets[s].title);
		for (size_t i = 0; i < sets[s].n; i++)
			help_option(&sets[s].opts[i], out);
	}
	for (size_t i = 0; prog->notes && prog->notes[i]; i++) {
		/* Indented: an example, as it is. */
		if (prog->notes[i][0] == ' ') {
			str_addf(out, "%s\n", prog->notes[i]);
			continue;
		}
		str_addc(out, '\n');
		opt_wrap(out, prog->notes[i], 0, 0);
	}
}
