/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of TCP, of both families. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

struct inet {
	struct sockaddr_storage addr; /* ss_family 0: none */
	socklen_t len;
};
#define INET_TEXT_MAX INET6_ADDRSTRLEN

/* A number, of either form, no name. */
bool inet_from_text(const char *text, unsigned port, struct inet *ret);
/* The address without its port, into buf[INET_TEXT_MAX]; returns buf. */
const char *inet_text(const struct inet *a, char *buf);
unsigned inet_port(const struct inet *a);
void inet_set_port(struct inet *a, unsigned port);
/* One that stands for all of a machine's. */
bool inet_is_any(const struct inet *a);
/* The ports do not matter. */
bool inet_is_same_host(const struct inet *a, const struct inet *b);
