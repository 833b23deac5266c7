/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Phase 1: the client's root is cloned to its spare disks, or, where an image will fill them, empty file systems are made.
 * A client that is to become an image is read from a snapshot into the cache; from then on nothing more is needed of it.
 * An image needs no clone: it is one.
 */
#include <errno.h>

#include "archive/mksysb.h"
#include "phase/awake.h"
#include "phase/disk.h"
#include "phase/table.h"
#include "sys/files.h"
#include "sys/mount.h"

/* What must stay free where the cache is, whatever a client sends. */
#define SPARE (512ull << 20)

static int fetch(struct phase_ctx *c, struct transport *t, struct err *err)
{
	struct client_fetch f = { .path = c->job->image, .events = c->events };
	uint64_t room = 0, total = 0;

	if (mount_space(c->job->dir, &room, &total, err) < 0)
		return -1;
	f.limit = room > SPARE ? room - SPARE : 0;
	return client_fetch_image(t, &f, err);
}

static int clone_run(struct phase_ctx *c, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;

	if (awake_is_in(c->job))
		return awake_begin(c, err);
	if (disk_is_in(c->job))
		return disk_make(c, err);
	if (client_open(&t, c, err) < 0 || client_claim(t, c, err) < 0 ||
	    fetch(c, t, err) < 0)
		return -1;
	return client_release(t, c, err);
}

static int clone_verify(struct phase_ctx *c, struct err *err)
{
	_cleanup_mksysb_ struct mksysb *m = NULL;
	struct progress progress = events_progress(c->events);

	if (disk_is_in(c->job))
		return disk_verify(c, err);
	if (!files_exists(c->job->image))
		return err_set(err, ERR_OPERATOR, "the image of %s has not arrived",
			       c->job->spec.client);
	events_step(c->events, "Verifying what has arrived");
	if (mksysb_open(&m, c->job->image, err) < 0)
		return -1;
	return mksysb_verify(m, NULL, NULL, NULL, 0, &progress, err);
}

static int clone_undo(struct phase_ctx *c, struct err *err)
{
	if (awake_is_in(c->job))
		return awake_sleep(c, err);
	if (disk_is_in(c->job))
		return disk_remove(c, err);
	if (unlink(c->job->image) < 0 && errno != ENOENT)
		return err_set_errno(err, ERR_OPERATOR, "remove %s", c->job->image);
	return 0;
}

const struct phase phase_clone = {
	.number = 1,
	.name = "clone",
	.title = "Clone the root file systems",
	.weight = 30,
	.flags = PHASE_RETRY,
	.modes = "ABCEW",
	.run = clone_run,
	.verify = clone_verify,
	.undo = clone_undo,
};
