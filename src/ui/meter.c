/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Percent, rate and remaining time of a job. */
#include "ui/meter.h"

#include <math.h>

#define SERIES_SHARE 0.75
#define SPEED_TAU_S  45.0 /* how long a former speed is remembered */
/* Of the speed of the whole so far: a standstill, as of a machine that starts again, is not how it goes on. */
#define SPEED_LEAST 0.25
#define RATE_TAU_S  3.0
#define SAMPLE_S    0.5 /* shorter intervals say nothing about speed */
#define ETA_AFTER_S 5.0
#define ETA_AFTER   0.02
/* what stands almost still has no end that could be told */
#define ETA_MAX_S (100 * 3600.0)

void meter_init(struct meter *m, const unsigned weights[METER_PHASES])
{
	*m = (struct meter){ .phase = -1, .began = -1, .last = METER_PHASES - 1 };
	for (int p = 0; p < METER_PHASES; p++) {
		m->weights[p] = weights[p];
		m->total += weights[p];
		if (weights[p] > 0)
			m->last = p;
	}
}

static double compute(const struct meter *m)
{
	unsigned before = 0;

	if (m->total == 0 || m->phase < 0)
		return m->fraction;
	for (int p = 0; p < m->phase; p++)
		before += m->weights[p];
	return (before + m->weights[m->phase] * m->share) / m->total;
}

static double smooth(double old, double sample, double dt, double tau)
{
	return old + (1 - exp(-dt / tau)) * (sample - old);
}

static void update_speed(struct meter *m, double now)
{
	double dt = now - m->speed_at;

	if (m->began < 0 || dt < SAMPLE_S)
		return;
	if (m->speed <= 0 && now > m->began)
		m->speed = (m->fraction - m->base) / (now - m->began);
	else
		m->speed = smooth(m->speed, (m->fraction - m->speed_from) / dt, dt,
				  SPEED_TAU_S);
	m->speed_at = now;
	m->speed_from = m->fraction;
}

static void begin_phase(struct meter *m, int phase, double now)
{
	m->phase = phase;
	m->share = 0;
	m->series_from = 0;
	m->series_total = 0;
	m->counting = false;
	m->rate = 0;
	m->fraction = fmax(m->fraction, compute(m));
	if (m->began >= 0)
		return;
	m->began = m->speed_at = now;
	m->base = m->speed_from = m->fraction;
}

static double part_of(const struct event *ev)
{
	return ev->total > 0 ? fmin(1, (double)ev->done / (double)ev->total) : 0;
}

static void begin_series(struct meter *m, const struct event *ev, double now)
{
	m->counting = true;
	m->series_from = m->share;
	m->series_total = ev->total;
	m->unit = ev->unit;
	m->rate = 0;
	m->rate_at = now;
	m->rate_from = ev->done;
	if (m->total > 0)
		return;
	/* without phases each series is a whole of its own; what its first event counts was done before */
	m->began = m->speed_at = now;
	m->fraction = m->base = m->speed_from = part_of(ev);
	m->speed = 0;
}

static void progress(struct meter *m, const struct event *ev, double now)
{
	if (m->phase < 0 && m->total > 0)
		return;
	if (!m->counting || ev->total != m->series_total || ev->unit != m->unit ||
	    ev->done < m->done)
		begin_series(m, ev, now);
	m->done = ev->done;
	if (ev->total > 0) {
		double part = part_of(ev);

		m->share = m->series_from + (1 - m->series_from) * SERIES_SHARE * part;
		if (m->total == 0)
			m->fraction = part;
	}
	double dt = now - m->rate_at;
	if (dt < SAMPLE_S)
		return;
	double sample = (double)(ev->done - m->rate_from) / dt;
	m->rate = m->rate > 0 ? smooth(m->rate, sample, dt, RATE_TAU_S) : sample;
	m->rate_at = now;
	m->rate_from = ev->done;
}

void meter_event(struct meter *m, const struct event *ev, double now)
{
	switch (ev->type) {
	case EVENT_PHASE_BEGIN:
		if (ev->phase >= 0 && ev->phase < METER_PHASES)
			begin_phase(m, ev->phase, now);
		break;
	case EVENT_PHASE_END:
		if (ev->phase == m->phase && ev->state && streq(ev->state, "done"))
			m->share = 1;
		m->rate = 0;
		m->series_total = 0;
		m->counting = false;
		break;
	case EVENT_PROGRESS:
		progress(m, ev, now);
		break;
	case EVENT_STEP:
		m->rate = 0; /* the next step counts something else */
		if (m->total == 0)
			m->series_total = 0;
		break;
	default:
		return;
	}
	m->fraction = fmax(m->fraction, compute(m));
	update_speed(m, now);
}

int meter_percent(const struct meter *m)
{
	return (int)(m->fraction * 100 + 1e-9);
}

double meter_eta(const struct meter *m, double now)
{
	if (m->began < 0 || now - m->began < ETA_AFTER_S ||
	    m->fraction - m->base < ETA_AFTER || m->speed <= 0)
		return -1;
	double whole = (m->fraction - m->base) / (now - m->began);
	double speed = fmax(m->speed, SPEED_LEAST * whole);
	/* time that has passed since the last sample has brought nothing yet, but is gone */
	double left = (1 - m->fraction) / speed - (now - m->speed_at);
	return left > ETA_MAX_S ? -1 : fmax(0, left);
}

void meter_rate_text(const struct meter *m, struct str *out)
{
	char buf[32];

	if (m->rate <= 0)
		return;
	if (m->unit == PROGRESS_BYTES)
		str_addf(out, "%s/s", fmt_bytes(buf, sizeof(buf), (uint64_t)m->rate));
	else
		str_addf(out, "%.1f %s/s", m->rate, progress_unit_name(m->unit));
}

void meter_text(const struct meter *m, const char *phase_name, double now,
		struct str *out)
{
	_cleanup_str_ struct str rate = STR_INIT;
	char buf[32];
	double eta = meter_eta(m, now);

	if (m->phase >= 0)
		str_addf(out, "%d/%d %s  ", m->phase, m->last,
			 phase_name ? phase_name : "");
	if (m->total > 0 || m->series_total > 0)
		str_addf(out, "%d%%", meter_percent(m));
	meter_rate_text(m, &rate);
	if (rate.len)
		str_addf(out, "  %s", str_c(&rate));
	if (eta >= 0 && (m->total > 0 || m->series_total > 0))
		str_addf(out, "  ETA %s", fmt_duration(buf, sizeof(buf), eta));
}
