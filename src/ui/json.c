/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events as JSON lines: nimadm-events(5). */
#include <jansson.h>

#include "sys/clock.h"
#include "ui/logfile.h"
#include "ui/ui.h"

struct json_sink {
	struct event_sink sink;
	FILE *out;
	bool owned; /* a log: without the numbers of progress, and the stream is ours */
};

static void json_emit(struct event_sink *sink, const struct event *ev)
{
	struct json_sink *s = (struct json_sink *)sink;
	char stamp[CLOCK_STAMP_LEN];

	if (s->owned && ev->type == EVENT_PROGRESS)
		return;
	json_t *o = event_to_json(ev, clock_now(stamp));
	_cleanup_free_ char *text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (!text)
		return;
	fprintf(s->out, "%s\n", text);
	fflush(s->out);
}

static void json_free(struct event_sink *sink)
{
	struct json_sink *s = (struct json_sink *)sink;

	if (s->owned)
		fclose(s->out);
	free(s);
}

static struct json_sink *json_new(FILE *out, bool owned)
{
	struct json_sink *s = xcalloc(1, sizeof(*s));

	*s = (struct json_sink){ { json_emit, json_free }, out, owned };
	return s;
}

struct event_sink *ui_json(FILE *out)
{
	return &json_new(out, false)->sink;
}

int ui_json_log(struct event_sink **ret, const char *path, struct err *err)
{
	FILE *f = ui_logfile_open(path, err);

	if (!f)
		return -1;
	*ret = &json_new(f, true)->sink;
	return 0;
}
