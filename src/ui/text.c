/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words for events; the banners are the original's. */
#include "ui/text.h"

/* Bytes of the UTF-8 character at `s`; 0 when there is none. Overlong forms do no harm on a screen. */
static size_t utf8_len(const unsigned char *s)
{
	size_t n;

	if (*s < 0x80)
		return 1;
	if (*s < 0xc2 || *s > 0xf4)
		return 0;
	n = *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

/* C0, DEL, and the C1 controls that some terminals obey as U+0080 to U+009F. */
static bool is_control(const unsigned char *s, size_t n)
{
	return n == 1 ? *s < ' ' || *s == 0x7f : n == 2 && s[0] == 0xc2 && s[1] < 0xa0;
}

static void add_clean(struct str *out, const char *text, size_t columns)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t col = 0; *s && col < columns; col++) {
		size_t n = utf8_len(s);
		if (*s == '\t')
			str_addc(out, ' ');
		else if (n == 0 || is_control(s, n))
			str_addc(out, '?');
		else
			str_addn(out, s, n);
		s += n ? n : 1;
	}
}

void ui_clean(struct str *out, const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	size_t len = strlen(copy);

	while (len && copy[len - 1] == '\r')
		copy[--len] = '\0';
	char *last = strrchr(copy, '\r');
	add_clean(out, last ? last + 1 : copy, SIZE_MAX);
}

void ui_clip(struct str *out, const char *text, size_t columns)
{
	add_clean(out, text, columns);
}

/* Several lines of one text: each cleaned by itself, the further ones indented. */
static void add_lines(struct str *out, const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *cursor = copy;
	bool first = true;

	for (char *line; (line = next_line(&cursor)) != NULL; first = false) {
		if (!first)
			str_add(out, "\n    ");
		ui_clean(out, line);
	}
}

static void job_begin(struct str *out, const struct event *ev)
{
	str_addf(out, "Starting job %lld of %s", (long long)ev->job,
		 ev->client ? ev->client : "?");
	if (ev->text) {
		str_add(out, ": ");
		add_lines(out, ev->text);
	}
	str_addc(out, '.');
}

static void job_end(struct str *out, const struct event *ev)
{
	char buf[32];

	str_addf(out, "Job %lld of %s: %s after %s", (long long)ev->job,
		 ev->client ? ev->client : "?", ev->state ? ev->state : "ended",
		 fmt_duration(buf, sizeof(buf), ev->seconds));
}

static void phase_begin(struct str *out, const struct event *ev)
{
	str_addf(out, "Executing nimadm phase %d.", ev->phase);
	if (ev->text) {
		str_addc(out, ' ');
		add_lines(out, ev->text);
	}
}

static void phase_end(struct str *out, const struct event *ev)
{
	char buf[32];
	const char *state = ev->state ? ev->state : "ended";

	if (streq(state, "done"))
		str_addf(out, "Phase %d complete (%s)", ev->phase,
			 fmt_duration(buf, sizeof(buf), ev->seconds));
	else if (streq(state, "skipped"))
		str_addf(out, "Phase %d: nothing to do in this mode", ev->phase);
	else if (streq(state, "undone"))
		str_addf(out, "Phase %d is taken back", ev->phase);
	else
		str_addf(out, "Phase %d %s after %s", ev->phase, state,
			 fmt_duration(buf, sizeof(buf), ev->seconds));
	if (ev->text && *ev->text) {
		str_add(out, ": ");
		add_lines(out, ev->text);
	}
}

static void finding(struct str *out, const struct event *ev)
{
	const struct finding *f = ev->finding;

	if (!f)
		return;
	str_addf(out, "%s %s: ", finding_severity_name(f->severity), f->id);
	add_lines(out, f->title);
	if (f->severity < FINDING_WARN)
		return;
	if (*f->evidence) {
		str_add(out, "\n    seen: ");
		add_lines(out, f->evidence);
	}
	if (*f->remedy) {
		str_add(out, "\n    to do: ");
		add_lines(out, f->remedy);
	}
}

static void labelled(struct str *out, const char *label, const char *text)
{
	str_add(out, label);
	add_lines(out, text ? text : "");
}

void ui_event_text(struct str *out, const struct event *ev)
{
	switch (ev->type) {
	case EVENT_JOB_BEGIN:
		job_begin(out, ev);
		break;
	case EVENT_JOB_END:
		job_end(out, ev);
		break;
	case EVENT_PHASE_BEGIN:
		phase_begin(out, ev);
		break;
	case EVENT_PHASE_END:
		phase_end(out, ev);
		break;
	case EVENT_FINDING:
		finding(out, ev);
		break;
	case EVENT_STEP:
		labelled(out, "", ev->text);
		break;
	case EVENT_OUTPUT:
		labelled(out, "| ", ev->text);
		break;
	case EVENT_WARNING:
		labelled(out, "Warning: ", ev->text);
		break;
	case EVENT_ERROR:
		labelled(out, "Error: ", ev->text);
		if (ev->remedy && *ev->remedy)
			labelled(out, "\n    next: ", ev->remedy);
		break;
	default:
		break;
	}
}
