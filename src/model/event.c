/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: names, sinks, the limit on progress events, JSON form. */
#include "model/event.h"

#include <time.h>

#include "model/json.h"

#define PROGRESS_INTERVAL_S 0.1

static const char *const type_names[] = {
	[EVENT_JOB_BEGIN] = "job-begin",
	[EVENT_JOB_END] = "job-end",
	[EVENT_PHASE_BEGIN] = "phase-begin",
	[EVENT_PHASE_END] = "phase-end",
	[EVENT_STEP] = "step",
	[EVENT_PROGRESS] = "progress",
	[EVENT_OUTPUT] = "output",
	[EVENT_FINDING] = "finding",
	[EVENT_WARNING] = "warning",
	[EVENT_ERROR] = "error",
};
_Static_assert(ARRAY_SIZE(type_names) == EVENT_TYPE_COUNT_,
	       "every event type has a name");

static const char *const unit_names[] = {
	[PROGRESS_BYTES] = "bytes",
	[PROGRESS_PACKAGES] = "packages",
	[PROGRESS_FILES] = "files",
	[PROGRESS_STEPS] = "steps",
};

const char *event_type_name(enum event_type t)
{
	return (size_t)t < ARRAY_SIZE(type_names) ? type_names[t] : "?";
}

const char *progress_unit_name(enum progress_unit unit)
{
	return (size_t)unit < ARRAY_SIZE(unit_names) ? unit_names[unit] : "?";
}

void events_add_sink(struct events *evs, struct event_sink *sink)
{
	if (evs->n == EVENT_SINKS_MAX)
		abort(); /* a fixed number of kinds of sinks exists */
	evs->sinks[evs->n++] = sink;
}

void events_done(struct events *evs)
{
	for (size_t i = 0; i < evs->n; i++)
		if (evs->sinks[i]->free)
			evs->sinks[i]->free(evs->sinks[i]);
	evs->n = 0;
}

void events_emit(struct events *evs, struct event *ev)
{
	if (!evs)
		return;
	ev->job = evs->job;
	ev->client = evs->client;
	ev->phase = evs->phase_name ? evs->phase : -1;
	ev->phase_name = evs->phase_name;
	for (size_t i = 0; i < evs->n; i++)
		evs->sinks[i]->emit(evs->sinks[i], ev);
}

_printf_(3, 0) static void emit_text(struct events *evs, enum event_type type,
				     const char *fmt, va_list ap)
{
	_cleanup_str_ struct str text = STR_INIT;

	str_vaddf(&text, fmt, ap);
	events_emit(evs, &(struct event){ .type = type, .text = str_c(&text) });
}

void events_step(struct events *evs, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit_text(evs, EVENT_STEP, fmt, ap);
	va_end(ap);
}

void events_warning(struct events *evs, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit_text(evs, EVENT_WARNING, fmt, ap);
	va_end(ap);
}

void events_output(struct events *evs, const char *line)
{
	events_emit(evs, &(struct event){ .type = EVENT_OUTPUT, .text = line });
}

void events_finding(struct events *evs, const struct finding *f)
{
	events_emit(evs, &(struct event){ .type = EVENT_FINDING,
					  .text = f->title,
					  .remedy = f->remedy,
					  .finding = f });
}

static double monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void progress_emit(void *arg, enum progress_unit unit, uint64_t done,
			  uint64_t total, const char *item)
{
	struct events *evs = arg;
	bool sent = evs->progress_done == done && evs->progress_total == total;
	bool last = total > 0 && done >= total && !sent;
	double now = monotonic();

	if (!last && now - evs->progress_at < PROGRESS_INTERVAL_S)
		return;
	evs->progress_at = now;
	evs->progress_done = done;
	evs->progress_total = total;
	events_emit(evs, &(struct event){ .type = EVENT_PROGRESS,
					  .text = item,
					  .unit = unit,
					  .done = done,
					  .total = total });
}

struct progress events_progress(struct events *evs)
{
	if (!evs)
		return (struct progress){ NULL, NULL };
	evs->progress_at = 0;
	evs->progress_done = evs->progress_total = 0;
	return (struct progress){ .fn = progress_emit, .arg = evs };
}

static void set_text(json_t *o, const char *key, const char *text)
{
	if (text)
		json_object_set_new(o, key, json_text(text));
}

json_t *event_to_json(const struct event *ev, const char *stamp)
{
	json_t *o = json_object();

	/* Always there, null where it does not apply, so that a reader needs no special cases. */
	json_object_set_new(o, "ts", json_text(stamp));
	json_object_set_new(o, "event", json_string(event_type_name(ev->type)));
	json_object_set_new(o, "job", ev->job ? json_integer(ev->job) : json_null());
	json_object_set_new(o, "client", json_text(ev->client));
	json_object_set_new(o, "phase",
			    ev->phase >= 0 ? json_integer(ev->phase) : json_null());
	set_text(o, "phase_name", ev->phase_name);
	set_text(o, "text", ev->text);
	set_text(o, "state", ev->state);
	set_text(o, "remedy", ev->remedy);
	if (ev->type == EVENT_PROGRESS) {
		json_object_set_new(o, "unit", json_string(progress_unit_name(ev->unit)));
		json_object_set_new(o, "done", json_integer((json_int_t)ev->done));
		json_object_set_new(o, "total", json_integer((json_int_t)ev->total));
	}
	if (ev->type == EVENT_PHASE_END || ev->type == EVENT_JOB_END)
		json_object_set_new(o, "seconds", json_real(ev->seconds));
	if (ev->finding)
		json_object_set_new(o, "finding", finding_to_json(ev->finding));
	return o;
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

bool event_from_json(struct event *ev, const json_t *o)
{
	const json_t *phase = json_object_get(o, "phase");
	int type = name_index(type_names, ARRAY_SIZE(type_names), text_of(o, "event"));
	int unit = name_index(unit_names, ARRAY_SIZE(unit_names), text_of(o, "unit"));

	if (type < 0)
		return false;
	*ev = (struct event){
		.type = (enum event_type)type,
		.job = (int64_t)json_number(o, "job"),
		.client = text_of(o, "client"),
		.phase = json_is_integer(phase) ? (int)json_integer_value(phase) : -1,
		.phase_name = text_of(o, "phase_name"),
		.text = text_of(o, "text"),
		.state = text_of(o, "state"),
		.remedy = text_of(o, "remedy"),
		.unit = unit < 0 ? PROGRESS_STEPS : (enum progress_unit)unit,
		.done = json_number(o, "done"),
		.total = json_number(o, "total"),
		.seconds = json_real_value(json_object_get(o, "seconds")),
	};
	return true;
}
