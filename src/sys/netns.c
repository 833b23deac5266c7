/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread can be in another network namespace than its process. */
#include "sys/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "sys/thread.h"

int netns_loopback_up(struct err *err)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot use a loopback device");
	return 0;
}

struct visit {
	int netns; /* -1: a new one, which this becomes */
	int (*fn)(void *arg, struct err *err);
	void *arg;
	struct err *err;
	int rc;
};

static int make(struct visit *v)
{
	if (unshare(CLONE_NEWNET) < 0)
		return err_set_errno(v->err, ERR_OPERATOR,
				     "cannot make a network namespace");
	if (netns_loopback_up(v->err) < 0)
		return -1;
	v->netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (v->netns < 0)
		return err_set_errno(v->err, ERR_OPERATOR, "/proc/thread-self/ns/net");
	return 0;
}

static int enter(struct visit *v)
{
	if (setns(v->netns, CLONE_NEWNET) < 0)
		return err_set_errno(v->err, ERR_OPERATOR,
				     "cannot enter a network namespace");
	return v->fn(v->arg, v->err);
}

static void *visit(void *arg)
{
	struct visit *v = arg;

	v->rc = v->netns < 0 ? make(v) : enter(v);
	return NULL;
}

static int run(struct visit *v)
{
	pthread_t thread;

	if (thread_start(&thread, visit, v) < 0)
		return err_set_errno(v->err, ERR_INTERNAL, "cannot start a thread");
	pthread_join(thread, NULL);
	return v->rc;
}

int netns_new(struct err *err)
{
	struct visit v = { .netns = -1, .err = err };

	return run(&v) < 0 ? -1 : v.netns;
}

int netns_run(int netns, int (*fn)(void *arg, struct err *err), void *arg,
	      struct err *err)
{
	struct visit v = { .netns = netns, .fn = fn, .arg = arg, .err = err };

	return run(&v);
}
