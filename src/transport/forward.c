/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports on the master's loopback that lead through the connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "transport/transport-internal.h"

#define TRIES 5

/* One that is free now; somebody else may take it before ssh does, hence the tries. */
static int free_port(unsigned *ret, struct err *err)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(in);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) < 0)
		return err_set_errno(err, ERR_OPERATOR, "no port for a tunnel");
	*ret = ntohs(in.sin_port);
	return 0;
}

static int control(struct transport *t, const char *verb, const char *what,
		   struct proc_result *res, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct proc_spec spec = { .timeout_s = 60, .uncancellable = true };

	command_ssh(t, COMMAND_USER, &argv);
	strv_add_all(&argv, "-O", verb, "-L", what, "--", t->host, NULL);
	return transport_ssh(t, &argv, &spec, res, err);
}

int transport_forward(struct transport *t, const char *host, unsigned port,
		      unsigned *ret_local, struct err *err)
{
	struct proc_result res = { 0 };

	if (transport_connect(t, err) < 0)
		return -1;
	for (int i = 0; i < TRIES; i++) {
		if (free_port(ret_local, err) < 0)
			return -1;
		_cleanup_free_ char *what = xasprintf("127.0.0.1:%u:%s:%u", *ret_local,
						      host, port);
		int rc = control(t, "forward", what, &res, err);
		if (rc <= 0)
			return rc;
	}
	err_set(err, ERR_OPERATOR, "client %s (%s): no tunnel to its port %u: %s",
		t->name, t->host, port, res.tail);
	return err_remedy(err, "its sshd must allow it: AllowTcpForwarding yes");
}

int transport_unforward(struct transport *t, const char *host, unsigned port,
			unsigned local, struct err *err)
{
	_cleanup_free_ char *what = xasprintf("127.0.0.1:%u:%s:%u", local, host, port);
	struct proc_result res;

	/* a tunnel that is gone is as good as one that was taken down */
	return control(t, "cancel", what, &res, err) < 0 ? -1 : 0;
}
