/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The standard streams of a program, from its first line to its last. */
#include "sys/streams.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void streams_open(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			abort();
}

/* errno of the failed write is long gone, but a pipe without a reader tells it at any time. */
static bool reader_has_gone(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

int streams_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return reader_has_gone(STDOUT_FILENO) ? 0 : -1;
}
