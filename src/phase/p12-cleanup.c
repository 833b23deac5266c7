/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 12: reboot the client where that is asked for; remove what was temporary. -E and -D keep the working tree. */
#include "phase/awake.h"
#include "phase/disk.h"
#include "phase/nfs.h"
#include "phase/reboot.h"
#include "phase/table.h"
#include "sys/files.h"

static bool keep(const struct phase_ctx *c)
{
	return c->job->spec.keep || c->job->spec.debug;
}

static bool reboots(const struct phase_ctx *c)
{
	return c->job->spec.reboot && disk_is_in(c->job);
}

static int read_running(const struct phase_ctx *c, struct running *ret, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;

	if (client_open(&t, c, err) < 0)
		return -1;
	return running_read(t, ret, err);
}

/* What ran before the reboot, as it was when that was first asked for. */
static int read_before(const struct phase_ctx *c, struct running *ret, struct err *err)
{
	const json_t *kept = common_fact(c, "before_reboot");

	if (json_is_object(kept)) {
		running_from_json(kept, ret);
		return 0;
	}
	if (read_running(c, ret, err) < 0)
		return -1;
	/* the old system keeps nothing of ours */
	client_forget(c);
	return common_fact_set(c, "before_reboot", running_to_json(ret), err);
}

/* Whether the client runs what it should: the new release, from the new disks, with its services. */
static int judge(const struct phase_ctx *c, const struct running *before,
		 const struct running *now, struct err *err)
{
	const struct job_spec *s = &c->job->spec;
	_cleanup_free_ char *lost = running_lost(before, now);

	if (streq(now->root, before->root)) {
		err_set(err, ERR_OPERATOR,
			"client %s has booted its old disk again (%s), not %s", s->client,
			now->system, s->disks);
		return err_remedy(err,
				  "look at its console and its boot list, boot %s, then: "
				  "nimadm --resume -c %s",
				  s->disks, s->subject);
	}
	if (!streq(now->codename, s->release))
		err_set(err, ERR_OPERATOR, "client %s runs %s, not %s", s->client,
			now->system, s->release);
	else if (*lost)
		err_set(err, ERR_OPERATOR, "client %s runs %s, but %s", s->client,
			now->system, lost);
	else
		return 0;
	return err_remedy(err,
			  "mend it there and: nimadm --resume -c %s; or go back: nimadm "
			  "--rollback -r -c %s",
			  s->subject, s->subject);
}

static int reboot(const struct phase_ctx *c, struct err *err)
{
	const struct transport_target target = client_target(c->job);
	_cleanup_running_ struct running before = RUNNING_INIT, now = RUNNING_INIT;
	double seconds;

	if (read_before(c, &before, err) < 0 ||
	    reboot_client(&target, before.boot_id, c->events, &seconds, err) < 0)
		return -1;
	/* on a resume it has come back already, and nobody has watched */
	if (seconds > 0 && common_fact_set(c, "downtime_s", json_real(seconds), err) < 0)
		return -1;
	if (read_running(c, &now, err) < 0 || judge(c, &before, &now, err) < 0)
		return -1;
	events_step(c->events, "%s runs %s; it did not answer for %.0f s",
		    c->job->spec.client, now.system,
		    json_real_value(common_fact(c, "downtime_s")));
	return common_fact_set(c, "after_reboot", running_to_json(&now), err);
}

static int cleanup_run(struct phase_ctx *c, struct err *err)
{
	if (reboots(c) && reboot(c, err) < 0)
		return -1;
	if (disk_is_in(c->job))
		client_forget(c);
	if (keep(c)) {
		events_step(c->events, "Keeping the working tree %s", c->job->dir);
		return 0;
	}
	events_step(c->events, "Removing the working tree %s", c->job->dir);
	if (common_detach(c, err) < 0 || nfs_end(c->job, err) < 0 ||
	    (awake_is_in(c->job) && awake_remove(c->job, err) < 0))
		return -1;
	return common_remove(c, c->job->dir, JOB_MARKER, err);
}

static int cleanup_verify(struct phase_ctx *c, struct err *err)
{
	if (reboots(c) && !json_is_object(common_fact(c, "after_reboot")))
		return err_set(err, ERR_OPERATOR, "the client is not rebooted yet");
	if (!keep(c) && files_exists(c->job->dir))
		return err_set(err, ERR_OPERATOR, "%s is still there", c->job->dir);
	return 0;
}

const struct phase phase_cleanup = {
	.number = 12,
	.name = "cleanup",
	.title = "Clean up",
	.weight = 1,
	.modes = "ABCDEW",
	.run = cleanup_run,
	.verify = cleanup_verify,
};
