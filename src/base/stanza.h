/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stanza files as the original writes them (image.data, bosinst.data):
 *
 *	name:
 *	    KEY= value          # a comment
 *
 * A stanza name may repeat, an attribute in one stanza may not. Blank lines and comments ('#' at the start or
 * after a blank) are ignored. Order is kept, line numbers are kept for messages. Our extension: a value that plain
 * text cannot hold (" #", a line feed, blanks at an end) is written in double quotes with \\, \" and \n.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct stanza_entry {
	char *key, *value; /* value: "" when nothing follows the '=' */
	int line;
};

struct stanza {
	char *name;
	int line;
	struct stanza_entry *entries;
	size_t n;
};

struct stanza_file {
	struct stanza *stanzas;
	size_t n;
};
#define STANZA_FILE_INIT                                                                 \
	{                                                                                \
		NULL, 0                                                                  \
	}
#define _cleanup_stanza_file_ _cleanup_(stanza_file_done)

/* Replaces what *sf held. `label` names the text in messages ("image.data"). Errors: ERR_OPERATOR "label: line N: cause". */
int stanza_parse(struct stanza_file *sf, const char *label, const char *text, size_t len,
		 struct err *err) _must_check_;
void stanza_file_done(struct stanza_file *sf);
struct stanza *stanza_add(struct stanza_file *sf,
			  const char *name); /* valid until the next add */
void stanza_set(struct stanza *st, const char *key, const char *value);
void stanza_setf(struct stanza *st, const char *key, const char *fmt, ...) _printf_(3, 4);
const char *stanza_get(const struct stanza *st, const char *key); /* NULL when absent */
/* The n-th stanza of that name (from 0), or NULL. */
const struct stanza *stanza_find(const struct stanza_file *sf, const char *name,
				 size_t nth);
void stanza_write(const struct stanza_file *sf, struct str *out);
