/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growable strings and small string helpers.
 *
 * Allocation failure ends the process (docs/decisions: a job is journaled, so an abort is a crash
 * that can be resumed): none of these functions returns an allocation error.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

void *xmalloc(size_t size) _must_check_;
void *xcalloc(size_t n, size_t size) _must_check_;
void *xrealloc(void *p, size_t size) _must_check_;
char *xstrdup(const char *s) _must_check_; /* NULL gives NULL */
char *xstrndup(const char *s, size_t n) _must_check_;
/* *field becomes a copy of value, which may be the old one or lie in it; NULL gives "". */
void xreplace(char **field, const char *value);
char *xasprintf(const char *fmt, ...) _printf_(1, 2) _must_check_;

/* Bytes with a terminating NUL after them; .p is NULL while empty (use str_c). */
struct str {
	char *p;
	size_t len, cap;
};
#define STR_INIT                                                                         \
	{                                                                                \
		NULL, 0, 0                                                               \
	}
#define _cleanup_str_ _cleanup_(str_done)

void str_done(struct str *s);
void str_reset(struct str *s); /* length 0, memory kept */
void str_add(struct str *s, const char *text);
void str_addn(struct str *s, const void *bytes, size_t n);
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) _printf_(2, 3);
void str_vaddf(struct str *s, const char *fmt, va_list ap) _printf_(2, 0);
const char *str_c(const struct str *s); /* never NULL */
char *str_take(struct str *s);		/* never NULL; *s is empty afterwards */

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}
/* NULL-safe equality: two NULLs are equal. */
bool streq0(const char *a, const char *b);
/* Where in the table the name stands; -1: nowhere (and nowhere is NULL). */
int name_index(const char *const *names, size_t n, const char *name);
bool starts_with(const char *s, const char *prefix);
bool ends_with(const char *s, const char *suffix);
char *strip(char *s);		/* in place: both ends' white space; returns the start */
char *next_line(char **cursor); /* in place: cuts at '\n'; NULL at the end */
/* in place: next blank-separated word; NULL at the end */
char *next_field(char **cursor);

/* In place: "\040" and its like, as fstab(5) and mountinfo write blanks. */
void unescape_octal(char *s);

/* Human sizes for messages: "1.2 GB"; into buf, returns it. Powers of 1000. */
const char *fmt_bytes(char *buf, size_t n, uint64_t bytes);
/* "1h02m03s", "2m05s", "7s"; into buf, returns it. */
const char *fmt_duration(char *buf, size_t n, double seconds);
