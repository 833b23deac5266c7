/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two ways, each with a buffer: neither waits for the other. */
#include "altdisk/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/str.h"
#include "sys/clock.h"
#include "sys/signal.h"

#define BUFFER ((size_t)256 << 10)

struct way {
	int from, to;
	char *data;
	size_t start, end; /* what is not written yet */
};

static _Atomic double moved;

double relay_idle(void)
{
	return clock_mono() - atomic_load(&moved);
}

static bool again(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* 1: one side has ended. */
static int move(struct way *w)
{
	if (w->start == w->end) {
		ssize_t n = read(w->from, w->data, BUFFER);

		if (n < 0 && again())
			return 0;
		if (n <= 0)
			return n == 0 || errno == ECONNRESET ? 1 : -1;
		w->start = 0;
		w->end = (size_t)n;
	}
	ssize_t n = write(w->to, w->data + w->start, w->end - w->start);
	if (n < 0)
		return again() ? 0 : errno == EPIPE || errno == ECONNRESET ? 1 : -1;
	w->start += (size_t)n;
	atomic_store(&moved, clock_mono());
	return 0;
}

/* Waits for what each way needs next. */
static int turn(struct way ways[2], struct err *err)
{
	struct pollfd p[3] = { [2] = { .fd = cancel_fd(), .events = POLLIN } };

	for (size_t i = 0; i < 2; i++) {
		bool full = ways[i].start < ways[i].end;
		p[i].fd = full ? ways[i].to : ways[i].from;
		p[i].events = full ? POLLOUT : POLLIN;
	}
	if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
		return err_set_errno(err, ERR_INTERNAL, "poll");
	if (cancel_check(err) < 0)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		int rc = p[i].revents ? move(&ways[i]) : 0;

		if (rc < 0)
			return err_set_errno(err, ERR_TRANSIENT,
					     "the connection is lost");
		if (rc > 0)
			return 1;
	}
	return 0;
}

int relay_run(int in, int out, int fd, struct err *err)
{
	struct way ways[2] = { { .from = in, .to = fd }, { .from = fd, .to = out } };
	const int ends[] = { in, out, fd };
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (fcntl(ends[i], F_SETFL, fcntl(ends[i], F_GETFL) | O_NONBLOCK) < 0)
			return err_set_errno(err, ERR_OPERATOR, "cannot relay");
	for (size_t i = 0; i < 2; i++)
		ways[i].data = xcalloc(1, BUFFER);
	atomic_store(&moved, clock_mono());
	while (rc == 0)
		rc = turn(ways, err);
	for (size_t i = 0; i < 2; i++)
		free(ways[i].data);
	return MIN(rc, 0);
}
