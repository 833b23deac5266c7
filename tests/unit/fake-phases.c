/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phases that make files and fail where a test wants it. */
#include "fake-phases.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include "sys/files.h"
#include "sys/signal.h"

const char *fake_world;
struct fake_fault fake_fault;
unsigned fake_delay_ms;

static void trace(const char *what, const struct phase *ph)
{
	_cleanup_free_ char *path = xasprintf("%s/trace", fake_world);
	_cleanup_free_ char *line = xasprintf("%s %d\n", what, ph->number);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		abort();
	close(fd);
}

static int fault(struct phase_ctx *c, enum fake_where where, struct err *err)
{
	struct fake_fault *f = &fake_fault;

	if (f->where != where || f->phase != c->phase->number)
		return 0;
	if (f->times && --f->times == 0)
		f->where = FAKE_NOWHERE;
	if (f->signo == SIGKILL)
		kill(getpid(), SIGKILL);
	if (f->signo) {
		cancel_request(f->signo);
		return cancel_check(err);
	}
	if (f->kind == ERR_NONE)
		return 0;
	return err_set(err, f->kind, "fake failure of phase %d", c->phase->number);
}

static char *half(const struct phase *ph, int which)
{
	return xasprintf("%s/%d.%d", fake_world, ph->number, which);
}

static void touch(const struct phase *ph, int which)
{
	_cleanup_free_ char *path = half(ph, which);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		abort();
	close(fd);
}

static void drop(const struct phase *ph, int which)
{
	_cleanup_free_ char *path = half(ph, which);

	if (unlink(path) < 0 && errno != ENOENT)
		abort();
}

static bool there(const struct phase *ph)
{
	_cleanup_free_ char *one = half(ph, 1);
	_cleanup_free_ char *two = half(ph, 2);

	return files_exists(one) && files_exists(two);
}

static int fake_check(struct phase_ctx *c, struct err *err)
{
	return fault(c, FAKE_CHECK, err);
}

static int make_job_dir(struct phase_ctx *c, struct err *err)
{
	_cleanup_free_ char *marker = xasprintf("%s/%s", c->job->dir, JOB_MARKER);

	if (files_mkdirs(c->job->dir, 0700, err) < 0)
		return -1;
	return files_write_atomic(marker, "", 0, 0644, err);
}

/* A step that takes its time, as real ones do. */
static int work(struct phase_ctx *c, struct err *err)
{
	struct progress progress = events_progress(c->events);
	const struct timespec delay = { fake_delay_ms / 1000,
					(long)(fake_delay_ms % 1000) * 1000000 };

	events_step(c->events, "Working on phase %d", c->phase->number);
	for (uint64_t n = 1; n <= 10; n++) {
		_cleanup_free_ char *item = xasprintf("package-%d", (int)n);

		if (fake_delay_ms)
			nanosleep(&delay, NULL);
		progress_report(&progress, PROGRESS_PACKAGES, n, 10, item);
		if (cancel_check(err) < 0)
			return -1;
	}
	return 0;
}

static int fake_run(struct phase_ctx *c, struct err *err)
{
	trace("run", c->phase);
	if (c->phase->number == 0 && make_job_dir(c, err) < 0)
		return -1;
	/* as the real one: nothing of the working tree is left at the end */
	if (c->phase->number == 12 && files_rmtree(c->job->dir, JOB_MARKER, err) < 0)
		return -1;
	/* the order is part of the contract */
	if (c->phase->number > 1 && !there(phase_table[1]))
		return err_set(err, ERR_INTERNAL, "phase 1 was not here");
	if (fault(c, FAKE_RUN_BEFORE, err) < 0)
		return -1;
	touch(c->phase, 1);
	if (work(c, err) < 0)
		return -1;
	if (c->phase->number == 11 &&
	    files_write_atomic(c->job->spec.output, "new\n", 4, 0644, err) < 0)
		return -1;
	if (fault(c, FAKE_RUN_HALF, err) < 0)
		return -1;
	touch(c->phase, 2);
	return fault(c, FAKE_RUN_AFTER, err);
}

static int fake_verify(struct phase_ctx *c, struct err *err)
{
	trace("verify", c->phase);
	if (fault(c, FAKE_VERIFY, err) < 0)
		return -1;
	if (!there(c->phase))
		return err_set(err, ERR_OPERATOR, "phase %d left nothing",
			       c->phase->number);
	return 0;
}

static int fake_undo(struct phase_ctx *c, struct err *err)
{
	trace("undo", c->phase);
	if (fault(c, FAKE_UNDO_BEFORE, err) < 0)
		return -1;
	drop(c->phase, 2);
	if (fault(c, FAKE_UNDO_HALF, err) < 0)
		return -1;
	drop(c->phase, 1);
	if (c->phase->number == 11 && unlink(c->job->spec.output) < 0 && errno != ENOENT)
		return err_set_errno(err, ERR_OPERATOR, "remove %s", c->job->spec.output);
	if (c->phase->number == 0 && files_rmtree(c->job->dir, JOB_MARKER, err) < 0)
		return -1;
	return fault(c, FAKE_UNDO_AFTER, err);
}

#define FAKE(n, in_modes, with_flags)                                                    \
	static const struct phase fake_##n = {                                           \
		.number = n,                                                             \
		.name = "fake-" #n,                                                      \
		.title = "Fake phase " #n,                                               \
		.weight = 1,                                                             \
		.flags = with_flags,                                                     \
		.modes = in_modes,                                                       \
		.check = fake_check,                                                     \
		.run = fake_run,                                                         \
		.verify = fake_verify,                                                   \
		.undo = fake_undo,                                                       \
	}
FAKE(0, "ABCDE", 0);
FAKE(1, "ABCDE", 0);
FAKE(2, "ABCDE", 0);
FAKE(3, "AB", 0);
FAKE(4, "ABCDE", 0);
FAKE(5, "ABCDE", 0);
FAKE(6, "ABCDE", PHASE_RETRY);
FAKE(7, "ABCDE", 0);
FAKE(8, "ABCDE", 0);
FAKE(9, "AB", 0);
FAKE(10, "ABCDE", 0);
FAKE(11, "ABCDE", 0);
FAKE(12, "ABCDE", 0);

const struct phase *const phase_table[PHASE_COUNT] = {
	&fake_0, &fake_1, &fake_2, &fake_3,  &fake_4,  &fake_5,	 &fake_6,
	&fake_7, &fake_8, &fake_9, &fake_10, &fake_11, &fake_12,
};
