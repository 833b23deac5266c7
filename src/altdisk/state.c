/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /var/lib/nimadm/altdisk.json and the mark in the clone. */
#include "altdisk/state.h"

#include "model/json.h"

#define STATE_FILE STATE_DIR "/altdisk.json"
#define VERSION	   1
#define SMALL	   ((size_t)16 << 20)

static const char *const stage_names[] = {
	[STAGE_NONE] = "none",	   [STAGE_COPYING] = "copying",
	[STAGE_COPIED] = "copied", [STAGE_CUSTOMISED] = "customised",
	[STAGE_READY] = "ready",
};

static const char *stage_name(enum stage s)
{
	return stage_names[s];
}

static enum stage stage_find(const char *name)
{
	int i = name_index(stage_names, ARRAY_SIZE(stage_names), name);

	return i < 0 ? STAGE_NONE : (enum stage)i;
}

void state_done(struct state *s)
{
	layout_done(&s->layout);
	free(s->fingerprint);
	free(s->started);
	free(s->digest);
	*s = (struct state)STATE_INIT;
}

int state_read(struct state *s, const struct root *root, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_json_ json_t *o = NULL;
	struct err ignored = { 0 };
	int rc = root_read_opt(root, STATE_FILE, SMALL, &text, err);

	if (rc != 0)
		return rc;
	o = json_loadb(str_c(&text), text.len, 0, NULL);
	const char *layout = json_string_value(json_object_get(o, "layout"));
	if (json_integer_value(json_object_get(o, "version")) != VERSION || !layout ||
	    layout_parse(&s->layout, layout, strlen(layout), &ignored) < 0)
		return 1;
	s->stage = stage_find(json_string_value(json_object_get(o, "stage")));
	s->fingerprint = xstrdup(json_field(o, "fingerprint"));
	s->started = xstrdup(json_field(o, "started"));
	s->digest = xstrdup(json_field(o, "digest"));
	s->files = json_number(o, "files");
	s->bytes = json_number(o, "bytes");
	return 0;
}

static json_t *text_or_empty(const char *text)
{
	return json_text(text ? text : "");
}

int state_write(const struct state *s, const struct root *root, struct err *err)
{
	_cleanup_str_ struct str layout = STR_INIT;

	layout_write(&s->layout, &layout);
	_cleanup_json_ json_t *o =
		json_pack("{si ss so so so so sI sI}", "version", VERSION, "stage",
			  stage_name(s->stage), "layout", json_text(str_c(&layout)),
			  "fingerprint", text_or_empty(s->fingerprint), "started",
			  text_or_empty(s->started), "digest", text_or_empty(s->digest),
			  "files", (json_int_t)s->files, "bytes", (json_int_t)s->bytes);
	_cleanup_free_ char *text = json_dumps(o, JSON_INDENT(1));

	if (!text)
		return err_set(err, ERR_INTERNAL, "the state cannot be written as JSON");
	if (root_mkdirs(root, STATE_DIR, 0755, err) < 0)
		return -1;
	return root_write(root, STATE_FILE, text, strlen(text), 0600, err);
}

int state_remove(const struct root *root, struct err *err)
{
	if (root_unlink(root, STATE_FILE, err) < 0)
		return -1;
	return root_unlink(root, STATE_MANIFEST, err);
}

enum stage state_mark_read(const struct root *alt)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (root_read_opt(alt, STATE_MARK, 256, &text, NULL) != 0 || text.len == 0)
		return STAGE_NONE;
	return stage_find(strip(text.p));
}

int state_mark_write(const struct root *alt, enum stage s, struct err *err)
{
	_cleanup_free_ char *text = xasprintf("%s\n", stage_name(s));

	if (root_mkdirs(alt, "/etc/nimadm", 0755, err) < 0)
		return -1;
	return root_write(alt, STATE_MARK, text, strlen(text), 0644, err);
}
