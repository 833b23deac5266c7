/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many jobs at once: one row each, as --watch and a run with several clients show them. */
#pragma once

#include "ui/meter.h"

struct board_row {
	char *client;
	char *state;  /* "running", "done", "failed", ... */
	char *phase;  /* "6 packages", or "" */
	char *rate;   /* "12.3 MB/s  ETA 2m05s", or "" */
	char *action; /* the last thing said, or the error */
	int percent;
};
void board_row_done(struct board_row *r);
/* Replaces a text; control characters are left out. */
void board_set(char **slot, const char *text);
/* Where a job is, from its events. `m` is its meter. */
void board_event(struct board_row *r, struct meter *m, const struct event *ev,
		 double now);

struct board {
	struct board_row *rows;
	size_t n;
};
/* The line of one row, at most `columns` wide; clients take `name_width`. */
void board_line(const struct board_row *r, size_t name_width, size_t columns,
		struct str *out);
size_t board_name_width(const struct board *b);
/* "2 running, 1 done, 1 failed" */
void board_sum(const struct board *b, struct str *out);
/*
 * The order in which rows matter to who looks: what failed, what runs, what waits, what is done; else as they are. Indices
 * into b->rows; malloc'd.
 */
size_t *board_order(const struct board *b) _must_check_;

/* The row in the form of a file, and back; false: it is none. */
void board_row_write(const struct board_row *r, struct str *out);
bool board_row_read(struct board_row *r, const char *text, size_t n);
