/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading of the configuration file. */
#include "cli/config.h"

#include "base/nearest.h"
#include "base/parse.h"
#include "sys/files.h"

#define CONFIG_SIZE_MAX (1 << 20)

enum kind { TEXT, PATH, NUMBER, BOOL };

/* What they are for: nimadm.conf(5). */
static const struct key {
	const char *name;
	enum kind kind;
} keys[] = {
	{ "state", PATH },
	{ "cache", PATH },
	{ "mirror", TEXT },
	{ "script_timeout", NUMBER },
	{ "client_timeout", NUMBER },
	{ "jobs", NUMBER },
	{ "accept_licenses", BOOL },
};

void config_done(struct config *c)
{
	c->values = map_free(c->values);
}

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (streq(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static int check_value(const struct key *key, const char *value, struct err *err)
{
	uint64_t number;
	bool flag;

	if (*value == '\0')
		return err_set(err, ERR_USAGE, "%s has no value", key->name);
	if (key->kind == PATH && *value != '/')
		return err_set(err, ERR_USAGE, "%s: '%s' is no absolute path", key->name,
			       value);
	if (key->kind == NUMBER && parse_u64(value, &number, err) < 0)
		return err_prefix(err, "%s", key->name);
	if (key->kind == BOOL && parse_bool(value, &flag, err) < 0)
		return err_prefix(err, "%s", key->name);
	return 0;
}

static int unknown_key(const char *name, struct err *err)
{
	struct nearest near = NEAREST_INIT(name);

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		nearest_offer(&near, keys[i].name);
	err_set(err, ERR_USAGE, "unknown key '%s'", name);
	if (nearest_get(&near))
		return err_remedy(err, "did you mean '%s'?", nearest_get(&near));
	return err_remedy(err, "nimadm.conf(5) lists the keys");
}

static int parse_line(struct config *c, char *line, struct err *err)
{
	char *text = strip(line), *equal, *name;
	const struct key *key;

	if (*text == '\0' || *text == '#' || *text == ';')
		return 0;
	if (*text == '[') {
		if (streq(text, "[nimadm]"))
			return 0;
		return err_set(err, ERR_USAGE, "unknown section %s", text);
	}
	equal = strchr(text, '=');
	if (!equal)
		return err_set(err, ERR_USAGE, "'%s' is not of the form key = value",
			       text);
	*equal = '\0';
	name = strip(text);
	key = find_key(name);
	if (!key)
		return unknown_key(name, err);
	text = strip(equal + 1);
	if (check_value(key, text, err) < 0)
		return -1;
	if (map_has(c->values, name))
		return err_set(err, ERR_USAGE, "%s is given twice", name);
	map_set(c->values, name, xstrdup(text));
	return 0;
}

int config_parse(struct config *c, const char *label, char *text, struct err *err)
{
	char *line, *rest = text;

	if (!c->values)
		c->values = map_new(free);
	for (unsigned number = 1; (line = next_line(&rest)); number++)
		if (parse_line(c, line, err) < 0) {
			err->kind = ERR_USAGE;
			return err_prefix(err, "%s: line %u", label, number);
		}
	return 0;
}

int config_read(struct config *c, const char *path, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	const char *file = path ? path : CONFIG_DEFAULT_PATH;

	if (!path && !files_exists(file))
		return 0;
	if (files_read(file, CONFIG_SIZE_MAX, &text, err) < 0) {
		err->kind = ERR_USAGE;
		return -1;
	}
	str_addc(&text, '\0'); /* so that there is something to cut up */
	return config_parse(c, file, text.p, err);
}

const char *config_get(const struct config *c, const char *key)
{
	return c->values ? map_get(c->values, key) : NULL;
}

uint64_t config_get_number(const struct config *c, const char *key, uint64_t def)
{
	const char *value = config_get(c, key);
	uint64_t number;

	return value && parse_u64(value, &number, NULL) == 0 ? number : def;
}

bool config_get_bool(const struct config *c, const char *key, bool def)
{
	const char *value = config_get(c, key);
	bool flag;

	return value && parse_bool(value, &flag, NULL) == 0 ? flag : def;
}
