/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timestamped lines: standard output that is no terminal, and the job's log. */
#include <errno.h>

#include "sys/clock.h"
#include "ui/logfile.h"
#include "ui/text.h"
#include "ui/ui.h"

/* A pipe or a console log shows that a long step is alive. */
#define PROGRESS_EVERY_S 30.0

struct plain {
	struct event_sink sink;
	FILE *out;
	bool owned;    /* a log: everything, and the stream is ours */
	bool progress; /* lines of progress, for somebody who waits */
	bool verbose;
	bool failed; /* said once that it can not be written */
	struct meter meter;
	double progress_at;
};

static void line(struct plain *p, const char *text)
{
	char stamp[CLOCK_STAMP_LEN];

	if (fprintf(p->out, "%s %s\n", clock_now(stamp), text) >= 0 &&
	    fflush(p->out) == 0)
		return;
	/* a full disk must not end the job that it logs */
	if (p->owned && !p->failed)
		fprintf(stderr, "nimadm: the log can not be written: %s\n",
			strerror(errno));
	p->failed = true;
	clearerr(p->out);
}

static void progress_line(struct plain *p, const struct event *ev, double now)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (now - p->progress_at < PROGRESS_EVERY_S)
		return;
	p->progress_at = now;
	meter_text(&p->meter, ev->phase_name, now, &text);
	if (ev->text) {
		str_add(&text, "  ");
		ui_clean(&text, ev->text);
	}
	line(p, str_c(&text));
}

static bool wanted(const struct plain *p, const struct event *ev)
{
	if (p->owned)
		return true;
	if (ev->type == EVENT_OUTPUT)
		return p->verbose;
	if (ev->type == EVENT_FINDING && ev->finding)
		return p->verbose || ev->finding->severity >= FINDING_WARN;
	/* errors are the program's last words on standard error */
	return ev->type != EVENT_ERROR;
}

static void plain_emit(struct event_sink *sink, const struct event *ev)
{
	struct plain *p = (struct plain *)sink;
	_cleanup_str_ struct str text = STR_INIT;
	double now = clock_mono();

	meter_event(&p->meter, ev, now);
	if (ev->type == EVENT_PROGRESS) {
		if (p->progress)
			progress_line(p, ev, now);
		return;
	}
	if (ev->type == EVENT_PHASE_BEGIN)
		p->progress_at = now;
	if (!wanted(p, ev))
		return;
	ui_event_text(&text, ev);
	if (text.len)
		line(p, str_c(&text));
}

static void plain_free(struct event_sink *sink)
{
	struct plain *p = (struct plain *)sink;

	if (p->owned)
		fclose(p->out);
	free(p);
}

static struct plain *plain_new(FILE *out)
{
	struct plain *p = xcalloc(1, sizeof(*p));

	p->sink = (struct event_sink){ plain_emit, plain_free };
	p->out = out;
	p->progress_at = clock_mono();
	return p;
}

struct event_sink *ui_plain(FILE *out, const unsigned weights[METER_PHASES], bool verbose)
{
	struct plain *p = plain_new(out);

	p->progress = true;
	p->verbose = verbose;
	meter_init(&p->meter, weights);
	return &p->sink;
}

int ui_log(struct event_sink **ret, const char *path, struct err *err)
{
	static const unsigned none[METER_PHASES];
	FILE *f = ui_logfile_open(path, err);

	if (!f)
		return -1;
	struct plain *p = plain_new(f);
	p->owned = true;
	meter_init(&p->meter, none);
	*ret = &p->sink;
	return 0;
}
