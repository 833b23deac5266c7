/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines that are redrawn together. */
#include "ui/block.h"

#include <sys/ioctl.h>

#define ESC_ERASE "\033[K"
#define ESC_BELOW "\033[J"
#define ESC_UP	  "\033[%zuA"

struct size {
	size_t lines, columns;
};

static struct size size_of(FILE *out)
{
	struct winsize ws;

	if (ioctl(fileno(out), TIOCGWINSZ, &ws) == 0 && ws.ws_col > 20 && ws.ws_row > 3)
		return (struct size){ ws.ws_row, ws.ws_col };
	return (struct size){ 24, 80 };
}

static void go_up(struct block *k)
{
	if (k->drawn > 0)
		fprintf(k->out, "\r" ESC_UP, k->drawn);
	k->drawn = 0;
}

static void put(struct block *k, const char *text)
{
	fprintf(k->out, "%s" ESC_ERASE "\n", text);
	k->drawn++;
}

void block_draw(struct block *k, const struct board *b)
{
	const struct size size = size_of(k->out);
	size_t shown = MIN(b->n, size.lines - 2), width = board_name_width(b);
	_cleanup_free_ size_t *order = board_order(b);
	_cleanup_str_ struct str sum = STR_INIT;

	/* All of them in their own order, where there is room. */
	for (size_t i = 0; shown == b->n && i < b->n; i++)
		order[i] = i;
	go_up(k);
	for (size_t i = 0; i < shown; i++) {
		_cleanup_str_ struct str line = STR_INIT;
		board_line(&b->rows[order[i]], width, size.columns - 1, &line);
		put(k, str_c(&line));
	}
	board_sum(b, &sum);
	if (shown < b->n)
		str_addf(&sum, "; %zu lines are not shown", b->n - shown);
	put(k, str_c(&sum));
	fputs(ESC_BELOW, k->out);
	fflush(k->out);
}

void block_print(struct block *k, const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *cursor = copy;

	go_up(k);
	for (char *line; (line = next_line(&cursor)) != NULL;)
		fprintf(k->out, "%s" ESC_ERASE "\n", line);
	fflush(k->out);
}

void block_end(struct block *k)
{
	k->drawn = 0;
	fflush(k->out);
}
