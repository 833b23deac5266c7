/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client, reached by OpenSSH's own client: the user's configuration, agents, jump hosts and known_hosts apply.
 *
 * All commands share one connection (ControlMaster). It is made again by itself when it was lost between two commands, and
 * dies with this process. Nobody is ever asked anything:
 * an unknown or changed host key, a missing key or a missing privilege is an error that says what to do.
 *
 * Commands run as root: as they are where the user is root, else with `sudo -n`. Standard input and output are passed
 * as they are, in both directions, as fast as the slower side takes them (proc_spec.in_fd, proc_spec.on_data).
 * Not thread-safe. A thread of its own waits for the connection's end.
 */
#pragma once

#include "base/strv.h"
#include "sys/runner.h"

struct transport_target {
	const char *name; /* what messages call the client */
	const char *host; /* [USER@]HOST as ssh takes it */
	const char *port; /* NULL: ssh's default */
	/* more arguments for ssh, separated by blanks; quotes as in a shell; NULL: none */
	const char *options;
	const char *state_dir; /* of the master: sockets lie below */
};

/*
 * How long a command may be silent: a client that is there but does not get on (its disk hangs, its program was stopped) must not
 * keep us for ever. Commands that have a time limit of their own have no such one. Default: 900.
 */
void transport_set_quiet(unsigned seconds);
unsigned transport_quiet(void);

struct transport;
/*
 * Connects and finds out who we are there. ERR_TRANSIENT: it does not answer; ERR_OPERATOR: it refuses us, or it is not
 * a machine that the client program runs on, or its /etc/niminfo says push_off. *target is copied.
 */
int transport_open(struct transport **ret, const struct transport_target *target,
		   struct err *err) _must_check_;
struct transport *transport_close(struct transport *t); /* returns NULL; NULL is fine */
void transport_close_p(struct transport **t);
#define _cleanup_transport_ _cleanup_(transport_close_p)

/*
 * Runs commands as root on the client; borrowed. The environment there is LC_ALL, PATH and what the command's `env` adds.
 * A connection that fails is -1 with ERR_TRANSIENT or ERR_OPERATOR (a status of 255 is always taken for one), and so is
 * a command that is silent for too long.
 */
struct runner *transport_runner(struct transport *t);
/*
 * Runs a short script with sh there: at most 2 minutes. Its input is in_fd (0: none); its output is added to `out` (may be
 * NULL), at most 64 KiB. Another status than 0 is an error.
 */
int transport_script(struct transport *t, const char *script, int in_fd, struct str *out,
		     struct err *err) _must_check_;
/*
 * Runs a command over a connection of its own, which outlives this process (sys/proc.h); on_start and arg are those of
 * proc_spec. 0: it ended well, with the socket's other end.
 */
int transport_converse(struct transport *t, const char *const *argv,
		       const struct proc_outliving *how,
		       int (*on_start)(void *arg, pid_t pid, struct err *err), void *arg,
		       struct err *err) _must_check_;
const char *transport_name(const struct transport *t);
const char *transport_host(const struct transport *t);

/*
 * The client program (altdisk) of exactly this version on the client; the path is borrowed. An installed one whose
 * SHA-256 is that of the master's own is used, else the master's is sent to /var/lib/nimadm.
 */
int transport_program(struct transport *t, const char **ret, struct err *err)
	_must_check_;
/* Removes what transport_program has ever sent there, unless a job has claimed the client. */
int transport_program_remove(struct transport *t, struct err *err) _must_check_;

/*
 * A job claims the client until it releases it, beyond this connection: by a file there that says whose it is, since several
 * masters know nothing of each other. 1: it is another's, and *ret_other (malloc'd) are its words. With `force` it is
 * taken over. Claiming it again, and releasing what is not ours, changes nothing.
 */
int transport_claim(struct transport *t, const char *owner, bool force, char **ret_other,
		    struct err *err) _must_check_;
int transport_release(struct transport *t, const char *owner, struct err *err)
	_must_check_;
