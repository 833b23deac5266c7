/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Object types, operations, and lookups in the attribute table. */
#include "model/object.h"

#include <ctype.h>

#include "base/parse.h"

#define OBJECT_NAME_MAX 39

static const char *const class_names[] = {
	[CLASS_MACHINES] = "machines",
	[CLASS_RESOURCES] = "resources",
	[CLASS_GROUPS] = "groups",
};
_Static_assert(ARRAY_SIZE(class_names) == CLASS_COUNT_, "every class has a name");

static const char *const kind_names[] = {
	[ATTR_TEXT] = "text",	  [ATTR_PATH] = "path",	      [ATTR_BOOL] = "yes or no",
	[ATTR_SIZE] = "size",	  [ATTR_NUMBER] = "number",   [ATTR_OBJECT] = "object",
	[ATTR_ENUM] = "one word", [ATTR_LIST] = "list",	      [ATTR_PORT] = "port",
	[ATTR_HOST] = "host",	  [ATTR_ADDRESS] = "address",
};
_Static_assert(ARRAY_SIZE(kind_names) == ATTR_KIND_COUNT_, "every kind has a name");

static const struct operation_def operations[] = {
	{ "define", "Makes an object and what it stands for." },
	{ "change", "Changes attributes of an object." },
	{ "remove", "Removes an object and what nimadm made for it." },
	{ "check", "Verifies what the object stands for and sets its state." },
	{ "reset", "Sets the state to ready and gives back what dead jobs hold." },
	{ "update", "Brings the contents to the newest level of its source." },
	{ "select", "Takes members of a group in or out of operations." },
	{ "showres", "Shows the contents." },
	{ "showlog", "Shows the log of the last job." },
};

static const struct type_def types[] = {
	{ "standalone", CLASS_MACHINES, "define change remove check reset showlog",
	  "A host that runs its own operating system.", "-a host=root@web01 web01" },
	{ "mac_group", CLASS_GROUPS, "define change remove check select",
	  "A group of machines.", "-a add_member=web01 -a add_member=web02 webs" },
	{ "lpp_source", CLASS_RESOURCES,
	  "define change remove check reset update showres showlog",
	  "A verified package repository of one release on the master.",
	  "-a release=trixie lpp13" },
	{ "spot", CLASS_RESOURCES,
	  "define change remove check reset update showres showlog",
	  "A root tree of one release whose tools migrate other systems.",
	  "-a source=lpp13 spot13" },
	{ "mksysb", CLASS_RESOURCES, "define change remove check reset showres showlog",
	  "An image of a system in one file.", "-a location=/images/web01.mksysb web01" },
	{ "cache", CLASS_RESOURCES,
	  "define change remove check reset update showres showlog",
	  "Contents of clients' files, kept for other clients and the next migration.",
	  "-a location=/export/cache -a size=50G cache1" },
	{ "script", CLASS_RESOURCES, "define change remove check reset showres",
	  "A program of the administrator's.", "-a location=/etc/nimadm/pre.sh pre" },
	{ "installp_bundle", CLASS_RESOURCES, "define change remove check reset showres",
	  "A list of packages to add.", "-a location=/etc/nimadm/extra.bnd extra" },
	{ "exclude_files", CLASS_RESOURCES, "define change remove check reset showres",
	  "Patterns of files that are not copied.",
	  "-a location=/etc/nimadm/exclude exclude" },
	{ "image_data", CLASS_RESOURCES, "define change remove check reset showres",
	  "The layout of disks and file systems.",
	  "-a location=/etc/nimadm/image.data layout" },
	{ "bosinst_data", CLASS_RESOURCES, "define change remove check reset showres",
	  "Answers for the installation of an image.",
	  "-a location=/etc/nimadm/bosinst.data answers" },
	{ "resolv_conf", CLASS_RESOURCES, "define change remove check reset showres",
	  "The resolver configuration of migrated systems.",
	  "-a location=/etc/nimadm/resolv.conf resolv" },
};

/* Whether a blank-separated list has the word. */
static bool list_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p && *p;) {
		size_t len = strcspn(p, " ");

		if (len == n && strncmp(p, word, n) == 0)
			return true;
		p += len;
		p += strspn(p, " ");
	}
	return false;
}

const struct type_def *type_table(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(types);
	return types;
}

const struct type_def *type_find(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(types); i++)
		if (streq(types[i].name, name))
			return &types[i];
	return NULL;
}

bool type_has_operation(const struct type_def *t, const char *operation)
{
	return list_has(t->operations, operation);
}

const struct operation_def *operation_table(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(operations);
	return operations;
}

const struct operation_def *operation_find(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(operations); i++)
		if (streq(operations[i].name, name))
			return &operations[i];
	return NULL;
}

bool attr_is_of_type(const struct attr_def *a, const char *type)
{
	return streq(a->types, "*") || list_has(a->types, type);
}

const struct attr_def *attr_find(const char *type, const char *name)
{
	size_t n;
	const struct attr_def *table = attr_table(&n);

	for (size_t i = 0; name && i < n; i++)
		if (streq(table[i].name, name) &&
		    (!type || attr_is_of_type(&table[i], type)))
			return &table[i];
	return NULL;
}

bool attr_is_of_operation(const struct attr_def *a, const char *operation)
{
	if (a->flags & ATTR_STATE)
		return false;
	if (a->operations)
		return list_has(a->operations, operation);
	return streq(operation, "define") ||
	       (streq(operation, "change") && (a->flags & ATTR_CHANGE));
}

const char *attr_kind_name(enum attr_kind kind)
{
	return (size_t)kind < ARRAY_SIZE(kind_names) ? kind_names[kind] : "?";
}

const char *object_class_name(enum object_class c)
{
	return (size_t)c < ARRAY_SIZE(class_names) ? class_names[c] : "?";
}

static int check_path(const char *value, struct err *err)
{
	if (value[0] != '/')
		return err_set(err, ERR_USAGE, "'%s' is no absolute path", value);
	return 0;
}

static int check_bool(const char *value, struct err *err)
{
	bool b;

	return parse_bool(value, &b, err);
}

static int check_size(const char *value, struct err *err)
{
	uint64_t n;

	return parse_size(value, &n, err);
}

static int check_number(const char *value, struct err *err)
{
	uint64_t n;

	return parse_u64(value, &n, err);
}

static int check_port(const char *value, struct err *err)
{
	uint64_t n;

	if (parse_u64(value, &n, err) < 0)
		return -1;
	if (n < 1 || n > 65535)
		return err_set(err, ERR_USAGE, "%s is no port: 1 to 65535", value);
	return 0;
}

static int check_host(const char *value, struct err *err)
{
	const char *at = strrchr(value, '@'), *host = at ? at + 1 : value;

	/* ssh would take one with '-' for an option. */
	if (*value != '-' && *host != '-' && *host != '\0' && at != value &&
	    !strpbrk(value, " \t\"'\\/,;"))
		return 0;
	return err_set(err, ERR_USAGE, "'%s' is no [USER@]HOST", value);
}

static int check_address(const char *value, struct err *err)
{
	_cleanup_free_ char *host = NULL;
	uint16_t port;

	return parse_host(value, &host, &port, err);
}

static int (*const kind_checks[ATTR_KIND_COUNT_])(const char *value, struct err *err) = {
	[ATTR_PATH] = check_path,	   [ATTR_BOOL] = check_bool,
	[ATTR_SIZE] = check_size,	   [ATTR_NUMBER] = check_number,
	[ATTR_OBJECT] = object_name_check, [ATTR_PORT] = check_port,
	[ATTR_HOST] = check_host,	   [ATTR_ADDRESS] = check_address,
};

int attr_check_value(const struct attr_def *a, const char *value, struct err *err)
{
	if (value[strcspn(value, "\n\r")] != '\0')
		return err_set(err, ERR_USAGE, "attribute %s: the value has a line break",
			       a->name);
	if (*value == '\0')
		return err_set(err, ERR_USAGE, "attribute %s: the value is empty",
			       a->name);
	if (a->kind == ATTR_ENUM && !list_has(a->values, value))
		return err_set(err, ERR_USAGE, "attribute %s: '%s' is not one of: %s",
			       a->name, value, a->values);
	if (kind_checks[a->kind] && kind_checks[a->kind](value, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return err_prefix(err, "attribute %s", a->name);
	}
	return 0;
}

int object_name_check(const char *name, struct err *err)
{
	size_t n = strlen(name);
	bool good = n > 0 && n <= OBJECT_NAME_MAX && isalnum((unsigned char)name[0]);

	for (size_t i = 0; good && i < n; i++)
		good = isalnum((unsigned char)name[i]) || strchr("._-", name[i]);
	if (!good) {
		err_set(err, ERR_USAGE, "'%s' cannot be the name of an object", name);
		return err_remedy(err,
				  "use a letter or digit, then letters, digits, '.', "
				  "'_' or '-', at most %d characters",
				  OBJECT_NAME_MAX);
	}
	return 0;
}
