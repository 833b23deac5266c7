/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The error object: caller-owned, fixed size, no allocation.
 *
 * A function that can fail takes `struct err *err` last and returns 0 when done, a negative value
 * when it failed and filled *err, or a positive condition that its header documents.
 * The kind is policy: it decides the exit status and whether a job can be resumed.
 * The message names the object and the cause; the remedy is the next command to type.
 */
#pragma once

#include "base/attr.h"

enum err_kind {
	ERR_NONE,
	ERR_TRANSIENT, /* may go away by itself: network, lock of another tool */
	ERR_OPERATOR,  /* stop, resumable: the administrator must act */
	ERR_USAGE,     /* the command line is wrong; nothing was touched */
	ERR_UNFIT,     /* refused by the pre-flight; nothing was touched */
	ERR_LOCKED,    /* another job owns the object */
	ERR_NOTFOUND,  /* no such object */
	ERR_CANCELLED, /* SIGINT or SIGTERM; resumable */
	ERR_INTERNAL,  /* a bug or a broken state; keep the evidence */
	ERR_KIND_COUNT_
};

struct err {
	enum err_kind kind;
	int errnum;
	const char *file;
	int line;
	char msg[1024];
	char remedy[512];
};

/* Both return -1, so that a caller can write `return err_set(...)`. `err` may be NULL. */
int err_set_at(struct err *err, enum err_kind kind, const char *file, int line,
	       const char *fmt, ...) _printf_(5, 6);
/* Appends ": <strerror(errno)>" and stores errno. */
int err_set_errno_at(struct err *err, enum err_kind kind, const char *file, int line,
		     const char *fmt, ...) _printf_(5, 6);
#define err_set(err, kind, ...) err_set_at((err), (kind), __FILE__, __LINE__, __VA_ARGS__)
#define err_set_errno(err, kind, ...)                                                    \
	err_set_errno_at((err), (kind), __FILE__, __LINE__, __VA_ARGS__)

/* Sets the next command; keeps one that a deeper layer has set. Returns -1. */
int err_remedy(struct err *err, const char *fmt, ...) _printf_(2, 3);

/* The next command for the person at the terminal: the remedy, else, of a wrong command line, `program` --help. */
void err_print_next(const struct err *err, const char *program);

/* Puts "text: " in front of the message. Returns -1. */
int err_prefix(struct err *err, const char *fmt, ...) _printf_(2, 3);

void err_clear(struct err *err);

/* ERR_CONTEXT(err, "text") as first line of a function prefixes whatever fails in its scope. */
struct err_scope {
	struct err *err;
	const char *text;
	enum err_kind before;
};
void err_scope_end(struct err_scope *scope);
#define ERR_CONTEXT(e, t)                                                                \
	_cleanup_(err_scope_end) _unused_ struct err_scope err_scope_ = {                \
		.err = (e), .text = (t), .before = (e) ? (e)->kind : ERR_NONE            \
	}

/* One table: kind -> name ("operator"), exit status (design: 0 1 2 3 4 5). */
const char *err_kind_name(enum err_kind kind);
int err_exit_status(enum err_kind kind);
