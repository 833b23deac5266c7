/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs, proves and takes back one phase under the journal. */
#include "engine/attempt.h"

#include <errno.h>
#include <poll.h>

#include "sys/clock.h"
#include "sys/signal.h"

/* A PHASE_RETRY phase that meets an ERR_TRANSIENT runs this often in all; each pause is four times the one before. */
#define ATTEMPTS_MAX	 3
#define RETRY_DEFAULT_MS 2000

static void enter(const struct engine_config *cfg, const struct phase *ph)
{
	struct event ev = { .type = EVENT_PHASE_BEGIN, .text = ph->title };

	cfg->events->phase = ph->number;
	cfg->events->phase_name = ph->name;
	events_emit(cfg->events, &ev);
}

void attempt_say_end(const struct engine_config *cfg, const struct phase *ph,
		     const char *state, double seconds, const char *text)
{
	struct event ev = {
		.type = EVENT_PHASE_END,
		.state = state,
		.seconds = seconds,
		.text = text,
	};

	cfg->events->phase = ph->number;
	cfg->events->phase_name = ph->name;
	events_emit(cfg->events, &ev);
	cfg->events->phase = -1;
	cfg->events->phase_name = NULL;
}

/* The lease may have been broken while this process was stopped: its job is another's then. */
static int may_go_on(const struct engine_config *cfg, struct err *err)
{
	if (cancel_check(err) < 0)
		return -1;
	return lease_check(cfg->lease, err);
}

static int journal(const struct engine_config *cfg, const struct phase *ph,
		   enum journal_state state, double seconds, const char *message,
		   struct err *err)
{
	return store_journal_put(cfg->store, cfg->job->id, ph->number, state, seconds,
				 message, err);
}

/* Sleeps, but not through a cancellation. */
static int pause_ms(unsigned ms, struct err *err)
{
	struct pollfd pfd = { .fd = cancel_fd(), .events = POLLIN };
	double end = clock_mono() + ms / 1000.0;

	for (double left = ms / 1000.0; left > 0; left = end - clock_mono()) {
		if (poll(&pfd, 1, (int)(left * 1000) + 1) < 0 && errno != EINTR)
			return err_set_errno(err, ERR_INTERNAL, "poll");
		if (cancel_check(err) < 0)
			return -1;
	}
	return 0;
}

static int run_with_retry(const struct engine_config *cfg, struct phase_ctx *c,
			  struct err *err)
{
	unsigned pause = cfg->retry_ms ? cfg->retry_ms : RETRY_DEFAULT_MS;

	for (unsigned n = 1;; n++, pause *= 4) {
		if (!c->phase->run || c->phase->run(c, err) == 0)
			return 0;
		if (!(c->phase->flags & PHASE_RETRY) || !err ||
		    err->kind != ERR_TRANSIENT || n == ATTEMPTS_MAX || cancel_requested())
			return -1;
		events_warning(c->events, "%s; trying again in %.1f s (attempt %u of %d)",
			       err->msg, pause / 1000.0, n + 1, ATTEMPTS_MAX);
		err_clear(err);
		if (pause_ms(pause, err) < 0)
			return -1;
	}
}

static int verify(struct phase_ctx *c, struct err *err)
{
	return c->phase->verify ? c->phase->verify(c, err) : 0;
}

static int act(const struct engine_config *cfg, struct phase_ctx *c,
	       enum plan_action action, struct engine_happened *ret, struct err *err)
{
	if (action == PLAN_RESUME && c->phase->verify) {
		struct err unproven = { 0 };

		if (verify(c, &unproven) == 0) {
			ret->what = ENGINE_CONFIRMED;
			return 0;
		}
		if (cancel_check(err) < 0)
			return -1;
	}
	ret->what = ENGINE_DONE;
	if (c->phase->check && c->phase->check(c, err) < 0)
		return -1;
	if (journal(cfg, c->phase, JOURNAL_STARTED, 0, NULL, err) < 0 ||
	    run_with_retry(cfg, c, err) < 0)
		return -1;
	return verify(c, err);
}

/* What the administrator sees of a failure is one kind and one message. */
static void settle_error(const struct phase *ph, struct err *err)
{
	if (cancel_requested() && err->kind != ERR_CANCELLED) {
		/* a tool that the signal ended before us reports a failure of its own */
		struct err cause = *err;
		err_clear(err);
		if (cancel_check(err) < 0)
			err_prefix(err, "%s", cause.msg);
	}
	if (err->kind == ERR_NONE)
		err_set(err, ERR_INTERNAL, "phase %d (%s) failed and did not say why",
			ph->number, ph->name);
	/* refusing is the pre-flight's; later something has been done already */
	if (err->kind == ERR_UNFIT && ph->number > 0)
		err->kind = ERR_OPERATOR;
}

static void fail_phase(const struct engine_config *cfg, struct phase_ctx *c,
		       double seconds, struct err *err)
{
	struct err journal_err = { 0 };
	const char *state = "failed";

	settle_error(c->phase, err);
	if (err->kind == ERR_CANCELLED)
		state = "cancelled";
	else if (err->kind == ERR_UNFIT)
		state = "inhibited";
	/* a job that another process has taken over meanwhile is no longer ours to write to */
	if (lease_check(cfg->lease, err) == 0 &&
	    journal(cfg, c->phase, JOURNAL_FAILED, seconds, err->msg, &journal_err) < 0)
		events_warning(cfg->events, "the journal can not be written: %s",
			       journal_err.msg);
	attempt_say_end(cfg, c->phase, state, seconds, err->msg);
	if (cfg->on_failed && err->kind != ERR_CANCELLED && err->kind != ERR_UNFIT)
		cfg->on_failed(cfg->arg, c, err);
}

int attempt_phase(const struct engine_config *cfg, const struct phase *ph,
		  enum plan_action action, struct engine_happened *ret, struct err *err)
{
	struct phase_ctx c = { cfg->job, cfg->store, cfg->events, ph };
	double start = clock_mono();

	if (may_go_on(cfg, err) < 0)
		return -1;
	enter(cfg, ph);
	if (act(cfg, &c, action, ret, err) < 0) {
		fail_phase(cfg, &c, clock_mono() - start, err);
		return -1;
	}
	double seconds = clock_mono() - start;
	const char *message = ret->what == ENGINE_CONFIRMED
				      ? "confirmed after an interruption"
				      : NULL;
	if (lease_check(cfg->lease, err) < 0 ||
	    journal(cfg, ph, JOURNAL_DONE, seconds, message, err) < 0) {
		attempt_say_end(cfg, ph, "failed", seconds, err->msg);
		return -1;
	}
	attempt_say_end(cfg, ph, "done", seconds, message);
	return 0;
}

int attempt_undo(const struct engine_config *cfg, const struct phase *ph, struct err *err)
{
	struct phase_ctx c = { cfg->job, cfg->store, cfg->events, ph };
	double start = clock_mono();

	if (may_go_on(cfg, err) < 0)
		return -1;
	/* written first: a phase that is half taken back must not count as done */
	if (journal(cfg, ph, JOURNAL_UNDONE, 0, "being taken back", err) < 0)
		return -1;
	cfg->events->phase = ph->number;
	cfg->events->phase_name = ph->name;
	if (ph->undo && ph->undo(&c, err) < 0) {
		err_prefix(err, "taking back phase %d (%s)", ph->number, ph->name);
		attempt_say_end(cfg, ph, "failed", clock_mono() - start, err->msg);
		return -1;
	}
	double seconds = clock_mono() - start;
	if (journal(cfg, ph, JOURNAL_UNDONE, seconds, NULL, err) < 0)
		return -1;
	attempt_say_end(cfg, ph, "undone", seconds, NULL);
	return 0;
}
