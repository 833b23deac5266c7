/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reader of Debian's control format (deb822(5)): dpkg's status file, indexes, .sources files, preferences.
 *
 * One stanza at a time, nothing is copied: fields point into the caller's text, which must outlive them. Lines that
 * start with '#' are comments wherever they stand, as apt reads them. Field names compare without case.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct deb822_field {
	const char *name; /* not terminated */
	size_t name_len;
	/* after the colon, up to the last line's '\n'; comments are still in */
	const char *value;
	size_t value_len;
	int line; /* of the name, from 1 */
};

struct deb822_stanza {
	struct deb822_field *fields;
	size_t n, cap;
	const char *begin,
		*end; /* the text from the first field's line to the last one's end */
	int line;
};
#define DEB822_STANZA_INIT                                                               \
	{                                                                                \
		0                                                                        \
	}
#define _cleanup_deb822_ _cleanup_(deb822_stanza_done)

struct deb822_reader {
	const char *label; /* names the text in messages */
	const char *p, *end;
	int line;
};

void deb822_init(struct deb822_reader *r, const char *label, const char *text,
		 size_t len);
/* 1: *st holds the next stanza (its memory is used again); 0: the end; -1: "label: line N: cause". After an error the
 * reader stands behind the bad stanza. */
int deb822_next(struct deb822_reader *r, struct deb822_stanza *st, struct err *err)
	_must_check_;
void deb822_stanza_done(struct deb822_stanza *st);

const struct deb822_field *deb822_find(const struct deb822_stanza *st, const char *name);
/* The value without comment lines and without white space at both ends of each line; lines joined by '\n'.
 * malloc'd; NULL when the field is absent. */
char *deb822_dup(const struct deb822_stanza *st, const char *name) _must_check_;
