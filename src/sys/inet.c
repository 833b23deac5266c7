/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading, writing and comparing addresses. */
#include "sys/inet.h"

#include <arpa/inet.h>
#include <string.h>

/* Where the address itself lies, in the order of the network. */
static const void *bytes_of(const struct inet *a, size_t *ret_len)
{
	if (a->addr.ss_family == AF_INET6) {
		*ret_len = sizeof(struct in6_addr);
		return &((const struct sockaddr_in6 *)&a->addr)->sin6_addr;
	}
	*ret_len = sizeof(struct in_addr);
	return &((const struct sockaddr_in *)&a->addr)->sin_addr;
}

bool inet_from_text(const char *text, unsigned port, struct inet *ret)
{
	struct inet a = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a.addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a.addr;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
	} else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		a.len = sizeof(*v6);
	} else {
		return false;
	}
	inet_set_port(&a, port);
	*ret = a;
	return true;
}

const char *inet_text(const struct inet *a, char *buf)
{
	size_t len;
	const void *bytes = bytes_of(a, &len);

	if (!inet_ntop(a->addr.ss_family, bytes, buf, INET_TEXT_MAX))
		*buf = '\0';
	return buf;
}

unsigned inet_port(const struct inet *a)
{
	/* at the same place in both families */
	return ntohs(((const struct sockaddr_in *)&a->addr)->sin_port);
}

void inet_set_port(struct inet *a, unsigned port)
{
	((struct sockaddr_in *)&a->addr)->sin_port = htons((uint16_t)port);
}

bool inet_is_any(const struct inet *a)
{
	static const char zero[sizeof(struct in6_addr)];
	size_t len;
	const void *bytes = bytes_of(a, &len);

	return memcmp(bytes, zero, len) == 0;
}

bool inet_is_same_host(const struct inet *a, const struct inet *b)
{
	size_t len;
	const void *bytes = bytes_of(a, &len);

	return a->addr.ss_family == b->addr.ss_family &&
	       memcmp(bytes, bytes_of(b, &len), len) == 0;
}
