/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nimadm --hold: the process behind -W. It has the clone mounted, and everybody sees that mount; it makes the connection to the
 * client again when that is lost. -S or -C ends it with SIGTERM.
 */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "cli/nimadm-run.h"
#include "phase/awake.h"
#include "phase/table.h"
#include "sys/mount.h"
#include "sys/signal.h"
#include "ui/ui.h"

static int hold(struct nimadm_run *r, int *lock, struct err *err)
{
	_cleanup_(job_row_done) struct job_row row = { 0 };
	struct phase_ctx c = { .job = &r->job,
			       .events = &r->events,
			       .phase = &phase_mount };
	_cleanup_free_ char *places = xasprintf("%s/alt_inst", r->cli->state_dir);

	c.store = r->store = cli_store(r->cli, err);
	if (!r->store || store_job_get(r->store, (int64_t)r->o->job, &row, err) < 0 ||
	    mount_private_namespace(err) < 0 || mount_forget_below(places, err) < 0 ||
	    nimadm_run_load(r, &row, err) < 0)
		return -1;
	return awake_hold(&c, lock, err);
}

/* Whoever has started us waits for one of these two, and goes. */
static void answer(struct nimadm_run *r, int rc, const struct err *err)
{
	struct event ev = { .type = rc < 0 ? EVENT_ERROR : EVENT_JOB_END,
			    .text = rc < 0 ? err->msg : NULL,
			    .remedy = rc < 0 ? err->remedy : NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	events_emit(&r->events, &ev);
	events_done(&r->events);
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	close_p(&null);
}

static void wait_for_the_end(void)
{
	struct pollfd end = { .fd = cancel_fd(), .events = POLLIN };

	while (!cancel_requested())
		poll(&end, 1, -1);
}

static int let_go(struct nimadm_run *r, struct err *err)
{
	_cleanup_free_ char *log = xasprintf("%s/%lld.log", r->job.log_dir,
					     (long long)r->job.id);
	struct event_sink *sink;

	if (phase_release(&r->job, err) == 0)
		return 0;
	/* nobody else listens any more */
	if (ui_log(&sink, log, NULL) == 0)
		events_add_sink(&r->events, sink);
	events_warning(&r->events, "the mount of the clone: %s", err->msg);
	return -1;
}

int nimadm_hold(struct cli *cli, const struct nimadm_options *o)
{
	struct nimadm_run r = { .cli = cli, .o = o };
	_cleanup_close_ int lock = -1;
	struct err err = { 0 };

	events_add_sink(&r.events, ui_json(stdout));
	int rc = hold(&r, &lock, &err);
	answer(&r, rc, &err);
	if (rc == 0) {
		wait_for_the_end();
		rc = let_go(&r, &err);
	}
	events_done(&r.events);
	job_done(&r.job);
	return rc < 0 ? err_exit_status(err.kind) : 0;
}
