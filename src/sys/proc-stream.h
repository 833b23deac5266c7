/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One output of a child: cut into lines, its end remembered. Private to sys/proc.c. */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct stream {
	int fd; /* -1: at its end */
	bool is_err;
	struct str line;     /* the incomplete last line */
	struct str tail;     /* at least the last 2 KiB */
	bool tail_cut;	     /* something was there before them */
	struct str *collect; /* raw bytes go here instead of on_line */
	size_t collect_max;
	/* raw bytes go here instead of on_line; its failure is kept */
	int (*on_data)(void *arg, const void *data, size_t n, struct err *err);
	struct err data_err;
	void (*on_line)(void *arg, const char *line, bool is_err);
	void *arg;
};

/* Reads what is there. 0: go on (fd is -1 after the end); 1: more than collect_max; -1: on_data failed. */
int stream_read(struct stream *s);
/* Delivers an unfinished last line and closes. */
void stream_end(struct stream *s);
void stream_done(struct stream *s);
/* The last lines that fit into buf[n], without the final line feed. */
void stream_tail(const struct stream *s, char *buf, size_t n);
