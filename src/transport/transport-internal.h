/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of src/transport. */
#pragma once

#include "transport/transport.h"

struct transport {
	struct runner runner; /* first: a runner's pointer is ours */
	char *name, *host, *port, *socket;
	struct strv options;   /* the target's, as words */
	struct strv env;       /* what ssh itself needs of our environment */
	char *program;	       /* on the client; NULL: not looked for yet */
	struct master *master; /* the connection; NULL: none */
	bool sudo;
};

/* --- command.c --- */
/* Quotes a word for a POSIX shell. */
void command_quote(struct str *out, const char *word);
/* The reverse: splits at blanks, quotes and backslashes as in a shell. ERR_USAGE: a quote is not closed. */
int command_split(struct strv *ret, const char *text, struct err *err) _must_check_;
enum command_role { COMMAND_MASTER, COMMAND_USER, COMMAND_ALONE };
/* "ssh" and its options, up to where the host comes. */
void command_ssh(const struct transport *t, enum command_role role, struct strv *argv);
/* The one argument that the client's shell reads. */
char *command_remote(const struct transport *t, const struct proc_spec *spec)
	_must_check_;

/* How long a command may be silent, in seconds. */
extern unsigned transport_quiet_s;

/* --- failure.c --- */
/* ssh ended with 255: says why, in *err; -1. `words` is what it printed. */
int failure_explain(const struct transport *t, const char *words, struct err *err);

/* --- master.c --- */
struct master;
/* Connects and waits until commands can be given. */
int master_start(const struct transport *t, struct master **ret, struct err *err)
	_must_check_;
bool master_is_alive(const struct master *m);
bool master_is_root(const struct master *m);  /* whether the user there is root */
struct master *master_stop(struct master *m); /* returns NULL; NULL is fine */

/* --- transport.c --- */
/* The connection is there, again if it was lost. */
int transport_connect(struct transport *t, struct err *err) _must_check_;
