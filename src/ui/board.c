/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of jobs: from events, as lines, in files. */
#include "ui/board.h"

#include <jansson.h>

#include "model/json.h"
#include "ui/text.h"

#define NAME_MAX_WIDTH ((size_t)32)
#define STATE_WIDTH    11

void board_row_done(struct board_row *r)
{
	free(r->client);
	free(r->state);
	free(r->phase);
	free(r->rate);
	free(r->action);
	*r = (struct board_row){ 0 };
}

void board_set(char **slot, const char *text)
{
	_cleanup_str_ struct str clean = STR_INIT;

	ui_clean(&clean, text ? text : "");
	free(*slot);
	*slot = str_take(&clean);
}

static void set_rate(struct board_row *r, const struct meter *m, double now)
{
	_cleanup_str_ struct str text = STR_INIT;
	double left = meter_eta(m, now);
	char buf[32];

	meter_rate_text(m, &text);
	if (left >= 0)
		str_addf(&text, "%sETA %s", text.len > 0 ? "  " : "",
			 fmt_duration(buf, sizeof(buf), left));
	board_set(&r->rate, str_c(&text));
}

static void set_end(struct board_row *r, const struct event *ev)
{
	char buf[32];
	_cleanup_free_ char *text =
		xasprintf("after %s", fmt_duration(buf, sizeof(buf), ev->seconds));

	board_set(&r->state,
		  ev->state && !streq(ev->state, "open") ? ev->state : "stopped");
	board_set(&r->rate, "");
	/* Of a failure, the error says more than its time. */
	if (ev->state && streq(ev->state, "done"))
		board_set(&r->action, text);
}

void board_event(struct board_row *r, struct meter *m, const struct event *ev, double now)
{
	meter_event(m, ev, now);
	r->percent = meter_percent(m);
	switch (ev->type) {
	case EVENT_JOB_BEGIN:
		board_set(&r->state, "running");
		break;
	case EVENT_PHASE_BEGIN: {
		_cleanup_free_ char *phase = xasprintf(
			"%d %s", ev->phase, ev->phase_name ? ev->phase_name : "");
		board_set(&r->state, "running");
		board_set(&r->phase, phase);
		board_set(&r->action, ev->text);
		break;
	}
	case EVENT_STEP:
	case EVENT_ERROR:
		board_set(&r->action, ev->text);
		break;
	case EVENT_JOB_END:
		set_end(r, ev);
		return;
	default:
		break;
	}
	set_rate(r, m, now);
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

void board_line(const struct board_row *r, size_t name_width, size_t columns,
		struct str *out)
{
	_cleanup_str_ struct str line = STR_INIT;

	str_addf(&line, "%-*.*s  %-*s", (int)name_width, (int)name_width,
		 or_empty(r->client), STATE_WIDTH, or_empty(r->state));
	if (r->phase && *r->phase)
		str_addf(&line, " %3d%%  %-14s", r->percent, r->phase);
	if (r->rate && *r->rate)
		str_addf(&line, "  %s", r->rate);
	if (r->action && *r->action)
		str_addf(&line, "  %s", r->action);
	ui_clip(out, str_c(&line), columns);
}

size_t board_name_width(const struct board *b)
{
	size_t width = 8;

	for (size_t i = 0; i < b->n; i++)
		width = MAX(width, strlen(or_empty(b->rows[i].client)));
	return MIN(width, NAME_MAX_WIDTH);
}

/* States by what they ask of who looks. */
static const char *const ranks[] = { "failed",	"inhibited",  "cancelled",
				     "stopped", "unfinished", "running",
				     "waiting", "done",	      "cleaned" };

static size_t rank_of(const struct board_row *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranks); i++)
		if (streq(ranks[i], or_empty(r->state)))
			return i;
	return ARRAY_SIZE(ranks);
}

void board_sum(const struct board *b, struct str *out)
{
	size_t counts[ARRAY_SIZE(ranks) + 1] = { 0 };
	bool first = true;

	for (size_t i = 0; i < b->n; i++)
		counts[rank_of(&b->rows[i])]++;
	for (size_t i = 0; i < ARRAY_SIZE(ranks); i++) {
		if (counts[i] == 0)
			continue;
		str_addf(out, "%s%zu %s", first ? "" : ", ", counts[i], ranks[i]);
		first = false;
	}
	if (first)
		str_add(out, "no jobs");
}

size_t *board_order(const struct board *b)
{
	size_t *order = xcalloc(b->n + 1, sizeof(*order)), n = 0;

	for (size_t rank = 0; rank <= ARRAY_SIZE(ranks); rank++)
		for (size_t i = 0; i < b->n; i++)
			if (rank_of(&b->rows[i]) == rank)
				order[n++] = i;
	return order;
}

void board_row_write(const struct board_row *r, struct str *out)
{
	json_t *o = json_object();

	json_object_set_new(o, "client", json_text(or_empty(r->client)));
	json_object_set_new(o, "state", json_text(or_empty(r->state)));
	json_object_set_new(o, "phase", json_text(or_empty(r->phase)));
	json_object_set_new(o, "rate", json_text(or_empty(r->rate)));
	json_object_set_new(o, "action", json_text(or_empty(r->action)));
	json_object_set_new(o, "percent", json_integer(r->percent));
	_cleanup_free_ char *text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	str_addf(out, "%s\n", text ? text : "{}");
}

bool board_row_read(struct board_row *r, const char *text, size_t n)
{
	json_t *o = json_loadb(text, n, JSON_DISABLE_EOF_CHECK, NULL);
	const struct {
		const char *key;
		char **slot;
	} texts[] = {
		{ "client", &r->client }, { "state", &r->state },
		{ "phase", &r->phase },	  { "rate", &r->rate },
		{ "action", &r->action },
	};

	if (!json_is_object(o)) {
		json_decref(o);
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		board_set(texts[i].slot,
			  json_string_value(json_object_get(o, texts[i].key)));
	r->percent = (int)json_integer_value(json_object_get(o, "percent"));
	json_decref(o);
	return true;
}
