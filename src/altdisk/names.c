/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of clones, by the identifiers of their disks' partition tables. */
#include "altdisk/names.h"

#include <string.h>

#include "altdisk/state.h"
#include "model/json.h"

#define NAMES_FILE     STATE_DIR "/names"
#define NAMES_FILE_MAX ((size_t)64 << 10)
#define NAME_BYTES                                                                       \
	"abcdefghijklmnopqrstuvwxyz"                                                     \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"                                                     \
	"0123456789_.-"

/* "" for a disk that has no table. */
static const char *table_of(const struct host *h, const char *disk)
{
	const json_t *block;
	size_t i;

	json_array_foreach(h->disks.blocks, i, block)
	{
		if (streq(json_field(block, "path"), disk))
			return json_field(block, "ptuuid");
	}
	return "";
}

/* The name in a line of the table's; NULL: it is another's. */
static const char *name_in(const char *line, const char *table)
{
	size_t len = strlen(table);

	if (len == 0 || !starts_with(line, table) || line[len] != ' ')
		return NULL;
	return line + len + 1;
}

static int read_lines(const struct root *root, struct strv *ret, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (root_read_opt(root, NAMES_FILE, NAMES_FILE_MAX, &text, err) < 0)
		return -1;
	char *cursor = text.p;
	for (char *line; cursor && (line = next_line(&cursor));)
		strv_add(ret, line);
	return 0;
}

static char *find_in(const struct strv *lines, const char *table)
{
	const char *name;

	for (size_t i = 0; i < lines->n; i++)
		if ((name = name_in(lines->v[i], table)))
			return xstrdup(name);
	return NULL;
}

char *names_find(const struct host *h, const char *disk)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	struct err ignored = { 0 };

	if (read_lines(&h->root, &lines, &ignored) < 0)
		return NULL;
	return find_in(&lines, table_of(h, disk));
}

static bool lies_on(const struct host *h, const struct layout *clone, const char *line)
{
	for (size_t i = 0; i < clone->n_disks; i++)
		if (name_in(line, table_of(h, clone->disks[i].name)))
			return true;
	return false;
}

static int check_name(const char *name, struct err *err)
{
	size_t len = strlen(name);

	if (len == 0 || len > NAMES_MAX || strspn(name, NAME_BYTES) != len)
		return err_set(err, ERR_USAGE,
			       "-v %s: letters, digits, '_', '.' and '-', at most %d",
			       name, NAMES_MAX);
	for (enum disk_role r = DISK_NONE; r <= DISK_OLD; r++)
		if (r != DISK_ALTINST && streq(name, disk_role_name(r)))
			return err_set(err, ERR_USAGE, "-v %s: lspv says this of others",
				       name);
	return 0;
}

/* The lines of the other clones that are there still. */
static int keep_others(const struct host *h, const struct layout *clone, const char *name,
		       struct strv *ret, struct err *err)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;

	if (read_lines(&h->root, &lines, err) < 0)
		return -1;
	for (size_t i = 0; i < h->n_clones; i++) {
		for (size_t k = 0; k < lines.n; k++) {
			const char *line = lines.v[k], *space = strchr(line, ' ');

			if (&h->clones[i] == clone || !lies_on(h, &h->clones[i], line))
				continue;
			if (streq(space + 1, name)) {
				err_set(err, ERR_OPERATOR, "the clone on %s is named %s",
					h->clones[i].boot_disk, name);
				return err_remedy(err, "choose another name");
			}
			strv_add(ret, line);
		}
	}
	return 0;
}

int names_give(const struct host *h, const struct layout *clone, const char *name,
	       struct err *err)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;

	if (check_name(name, err) < 0 || keep_others(h, clone, name, &lines, err) < 0)
		return -1;
	for (size_t i = 0; i < clone->n_disks && !streq(name, VG_NAME); i++) {
		const char *table = table_of(h, clone->disks[i].name);

		if (*table)
			strv_addf(&lines, "%s %s", table, name);
	}
	if (lines.n == 0)
		return names_forget(&h->root, err);
	_cleanup_free_ char *text = strv_join(&lines, "\n");
	_cleanup_free_ char *whole = xasprintf("%s\n", text);
	if (root_mkdirs(&h->root, STATE_DIR, 0755, err) < 0)
		return -1;
	return root_write(&h->root, NAMES_FILE, whole, strlen(whole), 0644, err);
}

int names_forget(const struct root *root, struct err *err)
{
	return root_unlink(root, NAMES_FILE, err);
}
