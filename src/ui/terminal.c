/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One live line on a terminal: subject, phase, percent, rate, time left, last action.
 *
 * The line is redrawn in place with '\r' and "erase to the end of the line"; no mode of the terminal is changed and the
 * cursor stays visible, so there is nothing to restore, whatever ends the program.
 */
#include <sys/ioctl.h>

#include "base/parse.h"
#include "sys/clock.h"
#include "ui/text.h"
#include "ui/ui.h"

#define DRAW_EVERY_S  0.1
#define COLUMNS_MIN   20
#define COLUMNS_GUESS 80

#define ESC_ERASE  "\033[K"
#define ESC_RED	   "\033[31m"
#define ESC_YELLOW "\033[33m"
#define ESC_BOLD   "\033[1m"
#define ESC_RESET  "\033[0m"

struct terminal {
	struct event_sink sink;
	FILE *out;
	bool verbose, color;
	bool drawn; /* the cursor stands behind a live line */
	struct meter meter;
	char *action; /* the last thing said */
	char *client, *phase_name;
	double drawn_at;
};

bool ui_is_live(FILE *out)
{
	const char *term = getenv("TERM");

	return isatty(fileno(out)) && term && *term && !streq(term, "dumb");
}

static size_t columns(const struct terminal *t)
{
	struct winsize ws;
	const char *env = getenv("COLUMNS");
	uint64_t n = 0;

	if (ioctl(fileno(t->out), TIOCGWINSZ, &ws) == 0 && ws.ws_col)
		n = ws.ws_col;
	else if (!env || parse_u64(env, &n, NULL) < 0)
		n = COLUMNS_GUESS;
	return MAX(n, (uint64_t)COLUMNS_MIN);
}

static void erase(struct terminal *t)
{
	if (t->drawn)
		fputs("\r" ESC_ERASE, t->out);
	t->drawn = false;
}

static void draw(struct terminal *t, double now)
{
	_cleanup_str_ struct str whole = STR_INIT;
	_cleanup_str_ struct str cut = STR_INIT;

	str_addf(&whole, "%s  ", t->client ? t->client : "");
	meter_text(&t->meter, t->phase_name, now, &whole);
	if (t->action)
		str_addf(&whole, "  %s", t->action);
	/* the last column stays free: writing there wraps on some terminals */
	ui_clip(&cut, str_c(&whole), columns(t) - 1);
	fprintf(t->out, "\r%s" ESC_ERASE, str_c(&cut));
	fflush(t->out);
	t->drawn = true;
	t->drawn_at = now;
}

/* A line that stays, above the live one. */
static void keep(struct terminal *t, const struct event *ev, const char *color)
{
	_cleanup_str_ struct str text = STR_INIT;

	ui_event_text(&text, ev);
	if (text.len == 0)
		return;
	erase(t);
	if (color && t->color)
		fprintf(t->out, "%s%s" ESC_RESET "\n", color, str_c(&text));
	else
		fprintf(t->out, "%s\n", str_c(&text));
	fflush(t->out);
}

static void set_action(struct terminal *t, const char *text)
{
	_cleanup_str_ struct str clean = STR_INIT;

	if (!text || !*text)
		return;
	ui_clean(&clean, text);
	xreplace(&t->action, str_c(&clean));
}

static void show_finding(struct terminal *t, const struct event *ev)
{
	static const char *const colors[] = { NULL, NULL, ESC_YELLOW, ESC_RED };

	if (!ev->finding)
		return;
	if (t->verbose || ev->finding->severity >= FINDING_WARN)
		keep(t, ev, colors[ev->finding->severity]);
}

/* True when the live line may wait for the next one. */
static bool show(struct terminal *t, const struct event *ev)
{
	switch (ev->type) {
	case EVENT_FINDING:
		show_finding(t, ev);
		break;
	case EVENT_WARNING:
		keep(t, ev, ESC_YELLOW);
		break;
	case EVENT_PHASE_BEGIN:
		xreplace(&t->phase_name, ev->phase_name);
		set_action(t, ev->text);
		break;
	case EVENT_STEP:
	case EVENT_PROGRESS:
		set_action(t, ev->text);
		if (t->verbose && ev->type == EVENT_STEP)
			keep(t, ev, NULL);
		return ev->type == EVENT_PROGRESS;
	case EVENT_OUTPUT:
		if (t->verbose)
			keep(t, ev, NULL);
		return !t->verbose;
	case EVENT_PHASE_END:
		if (t->verbose || (ev->state && streq(ev->state, "undone")))
			keep(t, ev, NULL);
		break;
	default:
		break;
	}
	return false;
}

static void terminal_emit(struct event_sink *sink, const struct event *ev)
{
	struct terminal *t = (struct terminal *)sink;
	double now = clock_mono();

	meter_event(&t->meter, ev, now);
	if (ev->client && !t->client)
		t->client = xstrdup(ev->client);
	if (ev->type == EVENT_JOB_END) {
		bool good = ev->state &&
			    (streq(ev->state, "done") || streq(ev->state, "open") ||
			     streq(ev->state, "cleaned"));
		keep(t, ev, good ? ESC_BOLD : ESC_RED);
		return;
	}
	/* errors are the program's last words on standard error: the line makes room for them, and for a shell */
	if (ev->type == EVENT_ERROR ||
	    (ev->type == EVENT_PHASE_END && ev->state && streq(ev->state, "failed"))) {
		erase(t);
		fflush(t->out);
		return;
	}
	bool may_wait = show(t, ev);
	if (!may_wait || now - t->drawn_at >= DRAW_EVERY_S)
		draw(t, now);
}

static void terminal_free(struct event_sink *sink)
{
	struct terminal *t = (struct terminal *)sink;

	erase(t);
	fflush(t->out);
	free(t->action);
	free(t->client);
	free(t->phase_name);
	free(t);
}

struct event_sink *ui_terminal(FILE *out, const unsigned weights[METER_PHASES],
			       bool verbose)
{
	struct terminal *t = xcalloc(1, sizeof(*t));
	const char *no_color = getenv("NO_COLOR");

	t->sink = (struct event_sink){ terminal_emit, terminal_free };
	t->out = out;
	t->verbose = verbose;
	t->color = !no_color || !*no_color;
	meter_init(&t->meter, weights);
	return &t->sink;
}

struct event_sink *ui_console(FILE *out, const unsigned weights[METER_PHASES],
			      bool verbose)
{
	static const unsigned none[METER_PHASES];

	if (!weights)
		weights = none;
	return ui_is_live(out) ? ui_terminal(out, weights, verbose)
			       : ui_plain(out, weights, verbose);
}
