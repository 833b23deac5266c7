/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One call of ONC RPC. */
#include "phase/nfs-ask.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>

/* A call of nothing, RFC 5531 and 8881: call, RPC 2, NFS, version 4, procedure 0, no credentials. */
static const uint32_t null_call[] = {
	0x80000000 + 40, 1, 0, 2, 100003, 4, 0, 0, 0, 0, 0
};
/* Accepted, success. */
static const uint32_t null_reply[] = { 0x80000000 + 24, 1, 1, 0, 0, 0, 0 };

int nfs_ask(int fd, unsigned seconds, struct err *err)
{
	const struct timeval limit = { .tv_sec = (time_t)seconds };
	uint32_t words[ARRAY_SIZE(null_call)];

	for (size_t i = 0; i < ARRAY_SIZE(null_call); i++)
		words[i] = htonl(null_call[i]);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    send(fd, words, sizeof(words), MSG_NOSIGNAL) != (ssize_t)sizeof(words))
		return err_set_errno(err, ERR_TRANSIENT,
				     "the client's NFS server cannot be asked");
	ssize_t n = recv(fd, words, sizeof(null_reply), MSG_WAITALL);
	bool good = n == (ssize_t)sizeof(null_reply);
	for (size_t i = 0; good && i < ARRAY_SIZE(null_reply); i++)
		good = ntohl(words[i]) == null_reply[i];
	return good ? 0
		    : err_set(err, ERR_TRANSIENT,
			      "the client's NFS server does not answer");
}
