/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps a job's events in the database. */
#include "engine/record.h"

#include <jansson.h>

#include "sys/clock.h"

struct record {
	struct event_sink sink;
	struct store *store;
};

static bool wanted(enum event_type type)
{
	return type != EVENT_PROGRESS && type != EVENT_OUTPUT && type != EVENT_STEP;
}

static void record_emit(struct event_sink *sink, const struct event *ev)
{
	struct record *r = (struct record *)sink;
	struct err ignored = { 0 };
	char stamp[CLOCK_STAMP_LEN];

	if (!wanted(ev->type))
		return;
	clock_now(stamp);
	json_t *o = event_to_json(ev, stamp);
	_cleanup_free_ char *text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	/* an event that is lost is in the log; a database that fails stops the job at its next journal entry */
	if (text && store_event_add(r->store, ev->job, stamp, text, &ignored) < 0)
		err_clear(&ignored);
}

static void record_free(struct event_sink *sink)
{
	free(sink);
}

struct event_sink *record_sink(struct store *s)
{
	struct record *r = xcalloc(1, sizeof(*r));

	*r = (struct record){ { record_emit, record_free }, s };
	return &r->sink;
}
