/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growable, NULL-terminated vector of owned strings: argument vectors and lists. */
#pragma once

#include "base/str.h"

struct strv {
	char **v; /* NULL while empty; use strv_argv where an array is needed */
	size_t n, cap;
};
#define STRV_INIT                                                                        \
	{                                                                                \
		NULL, 0, 0                                                               \
	}
#define _cleanup_strv_ _cleanup_(strv_done)

void strv_done(struct strv *sv);
void strv_add(struct strv *sv, const char *s);
void strv_addf(struct strv *sv, const char *fmt, ...) _printf_(2, 3);
void strv_add_take(struct strv *sv, char *s);
/* Adds each of the NULL-terminated arguments: strv_add_all(&a, "-o", name, NULL). */
void strv_add_all(struct strv *sv, ...) __attribute__((sentinel));
void strv_add_strv(struct strv *sv, const struct strv *other);
/* Splits at any of `seps`, drops empty words. */
void strv_split(struct strv *sv, const char *s, const char *seps);
bool strv_has(const struct strv *sv, const char *s);
/* Whether `word` is one of those that strv_split makes of `list`. */
bool has_word(const char *list, const char *seps, const char *word);
char *strv_join(const struct strv *sv, const char *sep) _must_check_;
void strv_sort(struct strv *sv);
void strv_uniq(struct strv *sv); /* of a sorted vector */
const char *const *strv_argv(const struct strv *sv);
