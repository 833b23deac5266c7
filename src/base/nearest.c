/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Distance of words: insertions, deletions, changes and swaps of neighbours, letter case ignored. */
#include "base/nearest.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/str.h"

/* Words longer than this are compared by their first bytes. */
#define WORD_MAX 64

static size_t distance(const char *a, const char *b)
{
	size_t la = strnlen(a, WORD_MAX), lb = strnlen(b, WORD_MAX);
	size_t d[3][WORD_MAX + 1];

	for (size_t j = 0; j <= lb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *row = d[i % 3], *up = d[(i + 2) % 3], *up2 = d[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			int ca = tolower((unsigned char)a[i - 1]);
			int cb = tolower((unsigned char)b[j - 1]);

			row[j] = MIN(up[j - 1] + (ca != cb), MIN(up[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    tolower((unsigned char)a[i - 2]) == cb)
				row[j] = MIN(row[j], up2[j - 2] + 1);
		}
	}
	return d[la % 3][lb];
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	size_t d = distance(n->word, candidate);

	if (n->best && d >= n->distance)
		return;
	n->best = candidate;
	n->distance = d;
}

const char *nearest_get(const struct nearest *n)
{
	/* A third of the letters may be wrong; of a short word, one. */
	if (!n->best || n->distance > MAX(strnlen(n->word, WORD_MAX) / 3, (size_t)1))
		return NULL;
	return n->best;
}
