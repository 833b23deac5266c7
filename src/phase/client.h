/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What phases do with a running client: reach it, run the client program there, fetch an image of it. */
#pragma once

#include "engine/phase.h"
#include "transport/transport.h"

/* Whether the job has a running client. */
bool client_is_in(const struct job *job);
/* Whether what is migrated is that client: not an image that it is to get. */
bool client_is_source(const struct job *job);
/* How it is reached; borrows from the job. */
struct transport_target client_target(const struct job *job);
/* Reaches the client of the job. */
int client_open(struct transport **ret, const struct phase_ctx *c, struct err *err)
	_must_check_;

/* What a client says, for terminals, logs and files: no control characters, and not too long. malloc'd. */
char *client_clean(const char *text) _must_check_;

/*
 * Runs the client program with these arguments (its own name is put in front). Its events, JSON lines on standard error,
 * become ours: what a client says is limited and cleaned of control characters. When it fails, *err is the error that
 * it told. `data` (may be NULL) gets its standard output.
 */
struct client_call {
	const char *const *args;
	struct events *events;
	int in_fd; /* 0: none */
	int (*data)(void *arg, const void *data, size_t n, struct err *err);
	void *arg;
	/* Standard output, where it is lines rather than data; NULL: each becomes an event. */
	struct str *out;
};
int client_run(struct transport *t, const struct client_call *call, struct err *err)
	_must_check_;

/* An image of the client's running system, or, with `facts`, of the small files a pre-flight reads; at most `limit` bytes. */
struct client_fetch {
	const char *path;
	bool facts;
	uint64_t limit;
	struct events *events;
};
int client_fetch_image(struct transport *t, const struct client_fetch *f, struct err *err)
	_must_check_;

/*
 * From phase 1 on the client is this job's, whatever master asks. ERR_LOCKED: it is another one's; -F takes it over. What a
 * job of this master has left that is over is taken over without a word.
 */
int client_claim(struct transport *t, const struct phase_ctx *c, struct err *err)
	_must_check_;
/* Gives it free, and takes the client program away. */
int client_release(struct transport *t, const struct phase_ctx *c, struct err *err)
	_must_check_;
/* The same over a connection of its own. A client that cannot be reached is no reason to stop: that is a warning. */
void client_forget(const struct phase_ctx *c);
