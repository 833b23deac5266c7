/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parsing of command lines by option tables. */
#include "base/opt.h"

#include "base/nearest.h"
#include "base/parse.h"

struct found {
	const struct opt *opt;
	void *target;
};

static struct found find(const struct opt_set *sets, size_t n_sets, const char *name,
			 size_t len, char letter)
{
	for (size_t s = 0; s < n_sets; s++)
		for (size_t i = 0; i < sets[s].n; i++) {
			const struct opt *o = &sets[s].opts[i];

			if (letter ? o->letter == letter
				   : strlen(o->name) == len &&
					     strncmp(o->name, name, len) == 0)
				return (struct found){ o, sets[s].target };
		}
	return (struct found){ NULL, NULL };
}

static int unknown_name(const struct opt_set *sets, size_t n_sets, const char *name,
			size_t len, struct err *err)
{
	_cleanup_free_ char *typed = xstrndup(name, len);
	struct nearest near = NEAREST_INIT(typed);

	for (size_t s = 0; s < n_sets; s++)
		for (size_t i = 0; i < sets[s].n; i++)
			nearest_offer(&near, sets[s].opts[i].name);
	err_set(err, ERR_USAGE, "unknown option --%s", typed);
	if (nearest_get(&near))
		return err_remedy(err, "did you mean --%s?", nearest_get(&near));
	return err_remedy(err, "--help lists the options");
}

static int unknown_letter(char letter, struct err *err)
{
	err_set(err, ERR_USAGE, "unknown option -%c", letter);
	return err_remedy(err, "--help lists the options");
}

static int store_value(struct found f, const char *value, struct err *err)
{
	void *field = (char *)f.target + f.opt->offset;
	const char **text = field;

	switch (f.opt->kind) {
	case OPT_FLAG:
		*(bool *)field = true;
		return 0;
	case OPT_STRING:
		if (*text && !streq(*text, value))
			return err_set(err, ERR_USAGE,
				       "option --%s is given twice: '%s' and '%s'",
				       f.opt->name, *text, value);
		*text = value;
		return 0;
	case OPT_NUMBER:
		if (parse_u64(value, field, err) < 0) {
			err->kind = ERR_USAGE;
			return err_prefix(err, "option --%s", f.opt->name);
		}
		return 0;
	case OPT_LIST:
		strv_add(field, value);
		return 0;
	case OPT_WORDS:
		strv_split(field, value, ", \t");
		return 0;
	}
	return 0;
}

struct cursor {
	int i, argc;
	char **argv;
};

/* The value of an option: what is left of its word, or the next word. */
static int take_value(struct found f, const char *rest, struct cursor *c, struct err *err)
{
	if (f.opt->kind == OPT_FLAG)
		return store_value(f, NULL, err);
	if (!rest && c->i + 1 >= c->argc)
		return err_set(err, ERR_USAGE, "option --%s wants a value: %s",
			       f.opt->name, f.opt->meta);
	return store_value(f, rest ? rest : c->argv[++c->i], err);
}

static int parse_long(const struct opt_set *sets, size_t n_sets, struct cursor *c,
		      struct err *err)
{
	const char *name = c->argv[c->i] + 2;
	size_t len = strcspn(name, "=");
	const char *rest = name[len] == '=' ? name + len + 1 : NULL;
	struct found f = find(sets, n_sets, name, len, 0);

	if (!f.opt)
		return unknown_name(sets, n_sets, name, len, err);
	if (rest && f.opt->kind == OPT_FLAG)
		return err_set(err, ERR_USAGE, "option --%s takes no value", f.opt->name);
	return take_value(f, rest, c, err);
}

static int parse_letters(const struct opt_set *sets, size_t n_sets, struct cursor *c,
			 struct err *err)
{
	for (const char *p = c->argv[c->i] + 1; *p; p++) {
		struct found f = find(sets, n_sets, NULL, 0, *p);

		if (!f.opt)
			return unknown_letter(*p, err);
		if (f.opt->kind != OPT_FLAG)
			return take_value(f, p[1] ? p + 1 : NULL, c, err);
		if (store_value(f, NULL, err) < 0)
			return -1;
	}
	return 0;
}

int opt_parse(const struct opt_set *sets, size_t n_sets, int argc, char **argv,
	      struct strv *args, struct err *err)
{
	struct cursor c = { .i = 1, .argc = argc, .argv = argv };

	for (; c.i < argc; c.i++) {
		const char *word = argv[c.i];
		int rc = 0;

		if (streq(word, "--")) {
			for (c.i++; c.i < argc; c.i++)
				strv_add(args, argv[c.i]);
			break;
		}
		if (starts_with(word, "--"))
			rc = parse_long(sets, n_sets, &c, err);
		else if (word[0] == '-' && word[1])
			rc = parse_letters(sets, n_sets, &c, err);
		else
			strv_add(args, word);
		if (rc < 0)
			return rc;
	}
	return 0;
}
