/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pipes between a runner and a thread. */
#include "phase/duct.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include "sys/files.h"

struct duct {
	int (*work)(void *arg, int fd, struct err *err);
	void *arg;
	int ours, theirs; /* ends of the pipe */
	int rc;
	struct err err;
};

static void *work(void *arg)
{
	struct duct *d = arg;

	d->rc = d->work(d->arg, d->ours, &d->err);
	/* The other side learns of the end, be it good or bad. */
	close(d->ours);
	return NULL;
}

static int on_data(void *arg, const void *data, size_t n, struct err *err)
{
	const struct duct *d = arg;

	if (files_write_all(d->theirs, data, n) == 0)
		return 0;
	return err_set_errno(err, ERR_TRANSIENT, "what arrived could not be passed on");
}

static int open_pipe(struct duct *d, enum duct_way way, struct err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set_errno(err, ERR_INTERNAL, "cannot make a pipe");
	d->ours = fds[way == DUCT_OUT ? 0 : 1];
	d->theirs = fds[way == DUCT_OUT ? 1 : 0];
	return 0;
}

/* Who failed first? A side that only lost its partner says so with a transient error. */
static int conclude(const struct duct *d, int rc, const struct err *command,
		    struct err *err)
{
	if (d->rc == 0 && rc == 0)
		return 0;
	bool ours = d->rc < 0 && (rc == 0 || d->err.kind != ERR_TRANSIENT);
	if (command->kind == ERR_CANCELLED)
		ours = false;
	if (err)
		*err = ours ? d->err : *command;
	return -1;
}

int duct_run(struct runner *run, struct proc_spec *spec, enum duct_way way,
	     int (*work_fn)(void *arg, int fd, struct err *err), void *arg,
	     struct err *err)
{
	struct duct d = { .work = work_fn, .arg = arg };
	struct err command = { 0 };
	pthread_t thread;

	if (open_pipe(&d, way, err) < 0)
		return -1;
	if (way == DUCT_OUT) {
		spec->on_data = on_data;
		spec->arg = &d;
	} else {
		spec->in_fd = d.theirs;
	}
	if (pthread_create(&thread, NULL, work, &d) != 0) {
		close(d.ours);
		close(d.theirs);
		return err_set(err, ERR_INTERNAL, "cannot start a thread");
	}
	int rc = runner_check(run, spec, &command);
	close(d.theirs);
	pthread_join(thread, NULL);
	return conclude(&d, rc, &command, err);
}
