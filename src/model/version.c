/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debian version order: epoch, upstream version, revision; digits by value, '~' before everything. */
#include "model/version.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* Weight of a non-digit: '~' sorts before the end of a part, letters before all else. */
static int weight(char c)
{
	if (c == '~')
		return -1;
	if (c == '\0' || isdigit((unsigned char)c))
		return 0;
	if (isalpha((unsigned char)c))
		return (unsigned char)c;
	return (unsigned char)c + 256;
}

/* A part of a version: not terminated. */
struct part {
	const char *p, *end;
};

static char peek(const struct part *v)
{
	return v->p < v->end ? *v->p : '\0';
}

static int compare_text(struct part *a, struct part *b)
{
	while ((a->p < a->end && !isdigit((unsigned char)*a->p)) ||
	       (b->p < b->end && !isdigit((unsigned char)*b->p))) {
		int d = weight(peek(a)) - weight(peek(b));

		if (d != 0)
			return d;
		a->p += a->p < a->end;
		b->p += b->p < b->end;
	}
	return 0;
}

/* Numbers of any length: the longer one without leading zeros is the larger. */
static int compare_number(struct part *a, struct part *b)
{
	int first = 0;

	while (peek(a) == '0')
		a->p++;
	while (peek(b) == '0')
		b->p++;
	while (isdigit((unsigned char)peek(a)) && isdigit((unsigned char)peek(b))) {
		if (first == 0)
			first = *a->p - *b->p;
		a->p++;
		b->p++;
	}
	if (isdigit((unsigned char)peek(a)))
		return 1;
	if (isdigit((unsigned char)peek(b)))
		return -1;
	return first;
}

static int compare_part(struct part a, struct part b)
{
	while (a.p < a.end || b.p < b.end) {
		int d = compare_text(&a, &b);

		if (d == 0)
			d = compare_number(&a, &b);
		if (d != 0)
			return d;
	}
	return 0;
}

static void split(const char *version, struct part *epoch, struct part *upstream,
		  struct part *revision)
{
	const char *end = version + strlen(version);
	const char *colon = strchr(version, ':'), *dash;

	*epoch = (struct part){ version, colon ? colon : version };
	upstream->p = colon ? colon + 1 : version;
	dash = strrchr(upstream->p, '-');
	upstream->end = dash ? dash : end;
	*revision = (struct part){ dash ? dash + 1 : end, end };
}

int version_compare(const char *a, const char *b)
{
	struct part ea, ua, ra, eb, ub, rb;
	int d;

	split(a, &ea, &ua, &ra);
	split(b, &eb, &ub, &rb);
	d = compare_part(ea, eb);
	if (d == 0)
		d = compare_part(ua, ub);
	return d != 0 ? d : compare_part(ra, rb);
}
