/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nfsdcld answers, for no readers. */
#include "altdisk/cld.h"

#include <fcntl.h>
#include <linux/nfsd/cld.h>
#include <poll.h>
#include <unistd.h>

#include "base/str.h"
#include "sys/thread.h"

/* The pipe is there from when the server starts, which then waits some seconds for a reader of it. */
#define PAUSE_MS 20
#define PAUSES	 1000
#define SPEAKS	 2 /* the newest form of the questions that we know */

union question {
	struct cld_msg msg;
	struct cld_msg_v2 msg_v2;
};

static int open_pipe(const char *path)
{
	for (int i = 0; i < PAUSES; i++) {
		int fd = open(path, O_RDWR | O_CLOEXEC);

		if (fd >= 0)
			return fd;
		poll(NULL, 0, PAUSE_MS);
	}
	return -1;
}

static void *answer(void *arg)
{
	_cleanup_free_ char *path = arg;
	_cleanup_close_ int fd = open_pipe(path);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	union question q;

	while (fd >= 0 && poll(&p, 1, -1) > 0 && !(p.revents & (POLLERR | POLLHUP))) {
		ssize_t n = read(fd, &q, sizeof(q));

		if (n <= 0)
			continue;
		if (q.msg.cm_cmd == Cld_GetVersion)
			q.msg.cm_u.cm_version = SPEAKS;
		q.msg.cm_status = 0;
		if (write(fd, &q, (size_t)n) < 0)
			break;
	}
	return NULL;
}

int cld_start(const char *dir, struct err *err)
{
	char *path = xasprintf("%s/nfsd/cld", dir);

	if (thread_start(NULL, answer, path) == 0)
		return 0;
	err_set_errno(err, ERR_OPERATOR, "cannot start a thread");
	free(path);
	return -1;
}
