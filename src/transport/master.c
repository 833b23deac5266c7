/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ssh that holds the connection which all commands share. It is a child of this process and dies with it, so that
 * nothing keeps a killed job's mount namespace alive; a thread waits for it, as whatever runs a program does.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

#include "base/parse.h"
#include "sys/clock.h"
#include "sys/signal.h"
#include "transport/transport-internal.h"

#define CONNECT_LIMIT 150.0 /* seconds; sshd gives a login 120 */
#define READY	      "nimadm-connected "

struct master {
	pthread_t thread;
	struct strv argv;
	const struct strv *env;
	int input;   /* the far end sees that we are gone by its end of file */
	int input_r; /* the child's side of it */
	int ready;   /* a byte comes with the connection, end of file with its end */
	int ready_w; /* the thread's side of it */
	_Atomic int pidfd; /* of ssh; -1: not started yet */
	uint64_t uid;	   /* who we are there */
	bool connected;
	int rc;
	struct proc_result res;
	struct err err;
};

/* --- in the thread --- */

static int on_start(void *arg, pid_t pid, struct err *err)
{
	struct master *m = arg;

	m->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return m->pidfd < 0 ? err_set_errno(err, ERR_OPERATOR, "pidfd_open") : 0;
}

static void on_line(void *arg, const char *line, bool is_err)
{
	struct master *m = arg;

	if (is_err || m->connected || !starts_with(line, READY) ||
	    parse_u64(line + strlen(READY), &m->uid, NULL) < 0)
		return;
	m->connected = true;
	/* the reader cannot be gone: it joins this thread first */
	ssize_t n = write(m->ready_w, "c", 1);
	(void)n;
}

static void *hold(void *arg)
{
	struct master *m = arg;
	struct proc_spec spec = {
		.argv = strv_argv(&m->argv),
		.env = strv_argv(m->env),
		.in_fd = m->input_r,
		.uncancellable = true,
		.on_start = on_start,
		.on_line = on_line,
		.arg = m,
	};

	m->rc = proc_run(&spec, &m->res, &m->err);
	close(TAKE_FD(m->ready_w));
	return NULL;
}

/* --- in the others --- */

bool master_is_alive(const struct master *m)
{
	struct pollfd p = { .fd = m->ready, .events = 0 };

	return poll(&p, 1, 0) == 0;
}

static void end_thread(struct master *m)
{
	if (m->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, m->pidfd, SIGTERM, NULL, 0);
	pthread_join(m->thread, NULL);
}

static struct master *discard(struct master *m)
{
	close_p(&m->input);
	close_p(&m->input_r);
	close_p(&m->ready);
	close_p(&m->ready_w);
	if (m->pidfd >= 0)
		close(m->pidfd);
	strv_done(&m->argv);
	free(m);
	return NULL;
}

struct master *master_stop(struct master *m)
{
	if (!m)
		return NULL;
	close(TAKE_FD(m->input));
	end_thread(m);
	return discard(m);
}

/* 0: connected; 1: ssh has ended; -1: given up. */
static int wait_ready(const struct transport *t, struct master *m, struct err *err)
{
	double until = clock_mono() + CONNECT_LIMIT;

	for (;;) {
		struct pollfd p[] = { { .fd = m->ready, .events = POLLIN },
				      { .fd = cancel_fd(), .events = POLLIN } };
		double left = until - clock_mono();

		if (left <= 0)
			break;
		if (poll(p, ARRAY_SIZE(p), (int)(left * 1000) + 1) < 0 && errno != EINTR)
			return err_set_errno(err, ERR_INTERNAL, "poll");
		if (p[0].revents & POLLIN)
			return 0;
		if (p[0].revents)
			return 1;
		if (cancel_check(err) < 0)
			return err_prefix(err, "client %s", t->name);
	}
	err_set(err, ERR_TRANSIENT, "client %s (%s): it does not answer for %.0f s",
		t->name, t->host, CONNECT_LIMIT);
	return err_remedy(err, "try it with ssh %s", t->host);
}

static int explain_end(const struct transport *t, const struct master *m, struct err *err)
{
	if (m->rc < 0) {
		*err = m->err;
		return -1;
	}
	if (m->res.how == PROC_EXITED && m->res.status == 255)
		return failure_explain(t, m->res.tail, err);
	err_set(err, ERR_OPERATOR,
		"client %s (%s): its login runs no commands: %s %d%s%s", t->name, t->host,
		m->res.how == PROC_EXITED ? "status" : "signal", m->res.status,
		*m->res.tail ? ": " : "", m->res.tail);
	return err_remedy(err, "try it with ssh %s id", t->host);
}

int master_start(const struct transport *t, struct master **ret, struct err *err)
{
	struct master *m = xcalloc(1, sizeof(*m));
	int input[2] = { -1, -1 }, ready[2] = { -1, -1 };

	m->pidfd = -1;
	m->env = &t->env;
	command_ssh(t, COMMAND_MASTER, &m->argv);
	strv_add_all(&m->argv, "--", t->host,
		     "sh -c 'echo " READY "`id -u`; exec cat >/dev/null'", NULL);
	unlink(t->socket); /* of one that was killed */
	int made = pipe2(input, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0 ? -1 : 0;
	m->input_r = input[0];
	m->input = input[1];
	m->ready = ready[0];
	m->ready_w = ready[1];
	if (made < 0 || (errno = pthread_create(&m->thread, NULL, hold, m)) != 0) {
		err_set_errno(err, ERR_OPERATOR, "client %s: no connection", t->name);
		discard(m);
		return -1;
	}
	int rc = wait_ready(t, m, err);
	if (rc == 0) {
		*ret = m;
		return 0;
	}
	end_thread(m);
	if (rc > 0)
		explain_end(t, m, err);
	discard(m);
	return -1;
}

bool master_is_root(const struct master *m)
{
	return m->uid == 0;
}
