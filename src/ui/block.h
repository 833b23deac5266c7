/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several live lines on a terminal, redrawn in place below what scrolls by. As with the single line (ui/terminal.c),
 * no mode of the terminal is changed.
 */
#pragma once

#include "ui/board.h"

struct block {
	FILE *out;
	size_t drawn; /* lines that are there now */
};
/* Redraws: as many rows as the terminal has lines for, and the sum. */
void block_draw(struct block *k, const struct board *b);
/* Lines that stay, above the block; draw again afterwards. */
void block_print(struct block *k, const char *text);
/* Leaves the lines where they are and goes below them. */
void block_end(struct block *k);
