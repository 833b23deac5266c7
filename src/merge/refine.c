/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Solves conflicts of neighbouring lines. */
#include "merge/refine.h"

#define HUNK_LINES 400 /* of one side; more is no matter of neighbouring lines */

struct slice {
	const char *p;
	size_t n; /* with its '\n' */
};

struct lines {
	struct slice v[HUNK_LINES];
	size_t n;
};

struct hunk {
	struct lines mine, base, theirs;
};

static bool slice_eq(const struct slice *a, const struct slice *b)
{
	return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

static struct slice take_line(const char **p, const char *end)
{
	const char *nl = memchr(*p, '\n', (size_t)(end - *p));
	struct slice s = { .p = *p, .n = (size_t)((nl ? nl + 1 : end) - *p) };
	*p += s.n;
	return s;
}

static bool is_marker(const struct slice *s, char c)
{
	for (size_t i = 0; i < 7; i++)
		if (i >= s->n || s->p[i] != c)
			return false;
	return s->n == 7 || s->p[7] == ' ' || s->p[7] == '\n';
}

/* Lines up to the marker. */
static bool read_side(const char **p, const char *end, char marker, struct lines *side)
{
	side->n = 0;
	while (*p < end) {
		struct slice s = take_line(p, end);
		if (is_marker(&s, marker))
			return true;
		/* Another marker here is content that looks like one: not to be told apart. */
		if (side->n == HUNK_LINES || is_marker(&s, '<') || is_marker(&s, '|') ||
		    is_marker(&s, '=') || is_marker(&s, '>'))
			return false;
		side->v[side->n++] = s;
	}
	return false;
}

/*
 * match[i]: the line of `to` that is line i of `from`, or -1; a longest common subsequence. `table` has room for
 * (HUNK_LINES + 1) squared.
 */
static void align(const struct lines *from, const struct lines *to, unsigned short *table,
		  int *match)
{
	size_t w = to->n + 1;
	for (size_t i = from->n + 1; i-- > 0;)
		for (size_t j = to->n + 1; j-- > 0;) {
			unsigned short *cell = &table[i * w + j];
			if (i == from->n || j == to->n)
				*cell = 0;
			else if (slice_eq(&from->v[i], &to->v[j]))
				*cell = (unsigned short)(table[(i + 1) * w + j + 1] + 1);
			else
				*cell = MAX(table[(i + 1) * w + j], table[i * w + j + 1]);
		}
	for (size_t i = 0; i < from->n; i++)
		match[i] = -1;
	for (size_t i = 0, j = 0; i < from->n && j < to->n;) {
		if (slice_eq(&from->v[i], &to->v[j])) {
			match[i++] = (int)j++;
		} else if (table[(i + 1) * w + j] >= table[i * w + j + 1]) {
			i++;
		} else {
			j++;
		}
	}
}

/* `edits` replaced lines of the base one by one; puts them into `other` where that has these lines untouched. */
static bool apply(const struct lines *base, const struct lines *edits,
		  struct lines *other, unsigned short *table)
{
	int match[HUNK_LINES];
	if (edits->n != base->n || base->n == 0)
		return false;
	align(base, other, table, match);
	for (size_t i = 0; i < base->n; i++) {
		if (slice_eq(&base->v[i], &edits->v[i]))
			continue;
		if (match[i] < 0)
			return false;
		other->v[match[i]] = edits->v[i];
	}
	return true;
}

/* All three have as many lines: each line by itself, also where both sides made the same change. */
static bool line_by_line(struct hunk *h)
{
	if (h->base.n == 0 || h->mine.n != h->base.n || h->theirs.n != h->base.n)
		return false;
	for (size_t i = 0; i < h->base.n; i++) {
		const struct slice *m = &h->mine.v[i], *b = &h->base.v[i];
		const struct slice *t = &h->theirs.v[i];
		if (!slice_eq(t, b) && !slice_eq(m, b) && !slice_eq(m, t))
			return false;
	}
	for (size_t i = 0; i < h->base.n; i++)
		if (slice_eq(&h->theirs.v[i], &h->base.v[i]))
			h->theirs.v[i] = h->mine.v[i];
	return true;
}

static bool same_lines(const struct lines *a, size_t from, const struct lines *b)
{
	if (a->n < from + b->n)
		return false;
	for (size_t i = 0; i < b->n; i++)
		if (!slice_eq(&a->v[from + i], &b->v[i]))
			return false;
	return true;
}

static void put_lines(const struct lines *l, size_t from, size_t to, struct str *out)
{
	for (size_t i = from; i < to; i++)
		str_addn(out, l->v[i].p, l->v[i].n);
}

/* `edits` only added lines in front of the base, or behind it; `other` is what became of the base. */
static bool put_beside(const struct lines *base, const struct lines *edits,
		       const struct lines *other, struct str *out)
{
	if (base->n == 0 || edits->n <= base->n)
		return false;
	size_t added = edits->n - base->n;
	if (same_lines(edits, added, base)) {
		put_lines(edits, 0, added, out);
		put_lines(other, 0, other->n, out);
		return true;
	}
	if (same_lines(edits, 0, base)) {
		put_lines(other, 0, other->n, out);
		put_lines(edits, base->n, edits->n, out);
		return true;
	}
	return false;
}

static bool solve(struct hunk *h, unsigned short *table, struct str *out)
{
	const struct lines *result;
	if (put_beside(&h->base, &h->mine, &h->theirs, out) ||
	    put_beside(&h->base, &h->theirs, &h->mine, out))
		return true;
	if (line_by_line(h) || apply(&h->base, &h->mine, &h->theirs, table))
		result = &h->theirs;
	else if (apply(&h->base, &h->theirs, &h->mine, table))
		result = &h->mine;
	else
		return false;
	put_lines(result, 0, result->n, out);
	return true;
}

bool refine_conflicts(const struct str *merged, struct str *out)
{
	_cleanup_free_ struct hunk *h = xmalloc(sizeof(*h));
	_cleanup_free_ unsigned short *table =
		xmalloc((HUNK_LINES + 1) * (HUNK_LINES + 1) * sizeof(*table));
	const char *p = str_c(merged), *end = p + merged->len;
	bool good = true;
	while (p < end && good) {
		struct slice s = take_line(&p, end);
		if (!is_marker(&s, '<')) {
			str_addn(out, s.p, s.n);
			continue;
		}
		good = read_side(&p, end, '|', &h->mine) &&
		       read_side(&p, end, '=', &h->base) &&
		       read_side(&p, end, '>', &h->theirs) && solve(h, table, out);
	}
	if (!good)
		str_reset(out);
	return good;
}
