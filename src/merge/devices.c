/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fstab's entries and the layout's devices. */
#include "merge/devices.h"

#include <ctype.h>
#include <strings.h>

#include "merge/method.h"

static char *take_field(char **cursor)
{
	char *f = next_field(cursor);
	if (!f)
		return NULL;
	unescape_octal(f);
	return xstrdup(f);
}

void fstab_parse(struct fstab *t, const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *cursor = copy;
	int number = 0;
	for (char *line; (line = next_line(&cursor)) != NULL;) {
		number++;
		line = strip(line);
		if (*line == '#' || *line == '\0')
			continue;
		struct fstab_entry e = { .line = number };
		e.spec = take_field(&line);
		e.file = take_field(&line);
		e.type = take_field(&line);
		e.options = take_field(&line);
		if (!e.file) {
			free(e.spec);
			continue;
		}
		e.type = e.type ? e.type : xstrdup("auto");
		e.options = e.options ? e.options : xstrdup("defaults");
		t->v = xrealloc(t->v, (t->n + 1) * sizeof(*t->v));
		t->v[t->n++] = e;
	}
}

void fstab_done(struct fstab *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->v[i].spec);
		free(t->v[i].file);
		free(t->v[i].type);
		free(t->v[i].options);
	}
	free(t->v);
	*t = (struct fstab)FSTAB_INIT;
}

bool fstab_has_option(const struct fstab_entry *e, const char *option)
{
	return has_word(e->options, ",", option);
}

bool device_is_kernel_name(const char *spec)
{
	static const char *const prefixes[] = {
		"sd", "hd", "vd", "xvd", "nvme", "mmcblk"
	};
	if (!starts_with(spec, "/dev/"))
		return false;
	spec += strlen("/dev/");
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (starts_with(spec, prefixes[i]))
			return isalnum((unsigned char)spec[strlen(prefixes[i])]) &&
			       !strchr(spec, '/');
	return false;
}

bool layout_knows_fs(const struct layout *l)
{
	return l && l->n_fs > 0;
}

/* The value of "UUID=..." or "UUID=\"...\"" when `spec` has that key. */
static char *tag_value(const char *spec, const char *key)
{
	size_t n = strlen(key);
	if (strncmp(spec, key, n) != 0 || spec[n] != '=')
		return NULL;
	const char *v = spec + n + 1;
	size_t len = strlen(v);
	if (len >= 2 && *v == '"' && v[len - 1] == '"')
		return xstrndup(v + 1, len - 2);
	return xstrdup(v);
}

static bool same_device(const struct layout_fs *fs, const char *spec)
{
	_cleanup_free_ char *uuid = tag_value(spec, "UUID");
	_cleanup_free_ char *label = tag_value(spec, "LABEL");
	if (!uuid && starts_with(spec, "/dev/disk/by-uuid/"))
		uuid = xstrdup(spec + strlen("/dev/disk/by-uuid/"));
	if (uuid && fs->uuid && strcasecmp(fs->uuid, uuid) == 0)
		return true;
	if (label && fs->label && streq(fs->label, label))
		return true;
	return fs->device && streq(fs->device, spec);
}

const struct layout_fs *layout_by_spec(const struct layout *l, const char *spec)
{
	for (size_t i = 0; l && i < l->n_fs; i++)
		if (same_device(&l->fs[i], spec))
			return &l->fs[i];
	return NULL;
}
