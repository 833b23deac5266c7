/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nearest of several words, for messages about a mistyped one:
 *
 *	struct nearest n = NEAREST_INIT(typed);
 *	nearest_offer(&n, candidate);	(each)
 *	nearest_get(&n)
 */
#pragma once

#include <stddef.h>

struct nearest {
	const char *word, *best; /* borrowed */
	size_t distance;
};
#define NEAREST_INIT(typed)                                                              \
	{                                                                                \
		.word = (typed)                                                          \
	}

void nearest_offer(struct nearest *n, const char *candidate);
/* NULL when none is near enough to be what was meant. */
const char *nearest_get(const struct nearest *n);
