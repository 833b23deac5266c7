/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that looks at the counters of the connection to the kernel's NFS client. */
#include "phase/nfs-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/netns.h"
#include "sys/nfs-client.h"
#include "sys/signal.h"
#include "sys/thread.h"
#include "transport/transport.h"

#define LOOK_MS 1000
/* Where we have to ask, not that often while there are answers. */
#define ASK_S 10
/* For a job that is told to stop: a connection that is made again needs less. */
#define STOPPING_S 60u

struct nfs_watch {
	struct nfs_watch_how how;
	int stop;	 /* an eventfd: the thread is to end */
	double asked_at; /* and answered */
	pthread_t thread;
	pthread_mutex_t lock;
	/* under the lock */
	int peer;
	uint64_t asked, answered; /* bytes of that connection, as of the last answer */
	double since;		  /* a question has waited; 0: none does */
	int *switches;		  /* of what is mounted and the job's */
	size_t n_switches;
};

static bool counters(int peer, uint64_t *ret_asked, uint64_t *ret_answered)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (peer < 0 || getsockopt(peer, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return false;
	*ret_asked = info.tcpi_bytes_received;
	*ret_answered = info.tcpi_bytes_acked;
	return true;
}

static double unanswered(struct nfs_watch *w)
{
	double now = clock_mono();
	struct err ignored = { 0 };

	if (w->asked_at > 0 && now < w->asked_at + ASK_S)
		return 0;
	if (w->how.ask(w->how.arg, &ignored) == 0) {
		w->asked_at = now;
		w->since = 0;
		return 0;
	}
	w->asked_at = 0;
	if (w->since == 0)
		w->since = now;
	return clock_mono() - w->since;
}

/* Seconds for which a question has waited. One that no connection is left for waits, too: it is asked again in the next. */
static double waiting(struct nfs_watch *w)
{
	uint64_t asked, answered;
	double now = clock_mono(), since;

	if (w->how.ask)
		return unanswered(w);
	pthread_mutex_lock(&w->lock);
	if (counters(w->peer, &asked, &answered)) {
		if (answered != w->answered) {
			w->answered = answered;
			w->asked = asked;
			w->since = 0;
		} else if (asked != w->asked && w->since == 0) {
			w->since = now;
		}
	}
	since = w->since;
	pthread_mutex_unlock(&w->lock);
	return since > 0 ? now - since : 0;
}

static int shut_network(void *arg, struct err *err)
{
	const bool *dry = arg;

	return nfs_client_shutdown(*dry, err);
}

/* In a network that is not ours alone, others have mounts, too. */
static int shut_switches(struct nfs_watch *w, bool dry, struct err *err)
{
	int result = 1;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; result >= 0 && i < w->n_switches; i++) {
		int rc = nfs_client_switch_off(w->switches[i], dry, err);
		if (rc <= 0)
			result = rc;
	}
	pthread_mutex_unlock(&w->lock);
	return result;
}

static int shut_mounted(struct nfs_watch *w, bool dry, struct err *err)
{
	return w->how.netns >= 0 ? netns_run(w->how.netns, shut_network, &dry, err)
				 : shut_switches(w, dry, err);
}

/* The job is told before anybody can see why it fails. False: nothing is mounted, or the kernel cannot. */
static bool give_up(struct nfs_watch *w, unsigned seconds)
{
	struct err why = { 0 };

	if (shut_mounted(w, true, &why) != 0)
		return false;
	err_set(&why, ERR_CANCELLED, "client %s has not answered for %u s over NFS",
		w->how.client, seconds);
	err_remedy(&why, "when it is back: nimadm --resume -c %s", w->how.client);
	cancel_because(&why);
	return shut_mounted(w, false, &why) == 0;
}

static void wait_anew(struct nfs_watch *w)
{
	pthread_mutex_lock(&w->lock);
	w->since = 0;
	pthread_mutex_unlock(&w->lock);
}

static void *watch(void *arg)
{
	struct nfs_watch *w = arg;
	struct pollfd stop = { .fd = w->stop, .events = POLLIN };

	while (poll(&stop, 1, LOOK_MS) <= 0) {
		unsigned limit = transport_quiet();

		if (cancel_requested())
			limit = MIN(limit, STOPPING_S);
		if (waiting(w) < limit)
			continue;
		if (give_up(w, limit))
			break;
		wait_anew(w);
	}
	return NULL;
}

static void discard(struct nfs_watch *w)
{
	close_p(&w->stop);
	pthread_mutex_destroy(&w->lock);
	for (size_t i = 0; i < w->n_switches; i++)
		close_p(&w->switches[i]);
	free(w->switches);
	free(w);
}

int nfs_watch_start(struct nfs_watch **ret, const struct nfs_watch_how *how,
		    struct err *err)
{
	struct nfs_watch *w = xcalloc(1, sizeof(*w));

	w->how = *how;
	w->peer = -1;
	w->stop = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&w->lock, NULL);
	if (w->stop < 0 || thread_start(&w->thread, watch, w) < 0) {
		err_set_errno(err, ERR_INTERNAL, "cannot start a thread");
		discard(w);
		return -1;
	}
	*ret = w;
	return 0;
}

int nfs_watch_mounted(struct nfs_watch *w, const char *path, struct err *err)
{
	struct err ignored = { 0 };
	char device[32];
	struct statx sx;
	int fd;

	/* what is known of it does */
	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, &sx) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot find %s", path);
	snprintf(device, sizeof(device), "%u:%u", sx.stx_dev_major, sx.stx_dev_minor);
	/* as with a kernel that has none: what the client does not answer is waited for */
	if (nfs_client_open_switch(device, &fd, &ignored) != 0)
		return 0;
	pthread_mutex_lock(&w->lock);
	w->switches = xrealloc(w->switches, (w->n_switches + 1) * sizeof(int));
	w->switches[w->n_switches++] = fd;
	pthread_mutex_unlock(&w->lock);
	return 0;
}

void nfs_watch_peer(struct nfs_watch *w, int fd)
{
	uint64_t asked, answered;

	pthread_mutex_lock(&w->lock);
	w->peer = fd;
	w->asked = 0;
	w->answered = counters(fd, &asked, &answered) ? answered : 0;
	pthread_mutex_unlock(&w->lock);
}

void nfs_watch_end(struct nfs_watch *w)
{
	uint64_t one = 1;

	if (!w)
		return;
	while (write(w->stop, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(w->thread, NULL);
	discard(w);
}
