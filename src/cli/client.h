/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients as the command line names them: machine objects, groups of them, and USER@HOST. */
#pragma once

#include "store/store.h"
#include "transport/transport.h"

struct client {
	char *name;		  /* of the object, or USER@HOST itself */
	char *host;		  /* what ssh connects to */
	char *port, *ssh_options; /* "": none */
	char *nfs_host, *nfs_sec; /* the same */
	struct object object;	  /* empty where there is none */
};
#define CLIENT_INIT                                                                      \
	{                                                                                \
		NULL, NULL, NULL, NULL, NULL, NULL, OBJECT_INIT                          \
	}
#define _cleanup_client_ _cleanup_(client_done)
void client_done(struct client *c);
/* A machine object, or USER@HOST. ERR_NOTFOUND, ERR_USAGE: it is something else. */
int client_find(struct store *s, const char *name, struct client *ret, struct err *err)
	_must_check_;
/* How it is reached; borrows from both. */
struct transport_target client_reach(const struct client *c, const char *state_dir);
/* Groups become their members but those that are excluded; each client once, in the order given. */
int client_expand(struct store *s, const struct strv *names, struct strv *ret,
		  struct err *err) _must_check_;
