/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growable, NULL-terminated vector of owned strings. */
#include "base/strv.h"

void strv_done(struct strv *sv)
{
	for (size_t i = 0; i < sv->n; i++)
		free(sv->v[i]);
	free(sv->v);
	*sv = (struct strv)STRV_INIT;
}

void strv_add(struct strv *sv, const char *s)
{
	strv_add_take(sv, xstrndup(s, strlen(s)));
}

void strv_addf(struct strv *sv, const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	strv_add_take(sv, str_take(&s));
}

void strv_add_take(struct strv *sv, char *s)
{
	if (sv->n + 1 >= sv->cap) {
		sv->cap = MAX(sv->cap * 2, (size_t)8);
		sv->v = xrealloc(sv->v, sv->cap * sizeof(*sv->v));
	}
	sv->v[sv->n++] = s;
	sv->v[sv->n] = NULL;
}

void strv_add_all(struct strv *sv, ...)
{
	va_list ap;

	va_start(ap, sv);
	for (const char *s; (s = va_arg(ap, const char *));)
		strv_add(sv, s);
	va_end(ap);
}

void strv_add_strv(struct strv *sv, const struct strv *other)
{
	/* The count is taken first: a vector may be added to itself. */
	for (size_t i = 0, n = other->n; i < n; i++)
		strv_add(sv, other->v[i]);
}

void strv_split(struct strv *sv, const char *s, const char *seps)
{
	for (;;) {
		s += strspn(s, seps);
		if (*s == '\0')
			return;
		size_t n = strcspn(s, seps);
		strv_add_take(sv, xstrndup(s, n));
		s += n;
	}
}

bool strv_has(const struct strv *sv, const char *s)
{
	for (size_t i = 0; i < sv->n; i++)
		if (streq(sv->v[i], s))
			return true;
	return false;
}

bool has_word(const char *list, const char *seps, const char *word)
{
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_split(&words, list, seps);
	return strv_has(&words, word);
}

char *strv_join(const struct strv *sv, const char *sep)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < sv->n; i++) {
		if (i > 0)
			str_add(&s, sep);
		str_add(&s, sv->v[i]);
	}
	return str_take(&s);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *sv)
{
	if (sv->n > 1)
		qsort(sv->v, sv->n, sizeof(*sv->v), by_text);
}

void strv_uniq(struct strv *sv)
{
	size_t kept = 0;

	for (size_t i = 0; i < sv->n; i++) {
		if (kept > 0 && streq(sv->v[kept - 1], sv->v[i]))
			free(sv->v[i]);
		else
			sv->v[kept++] = sv->v[i];
	}
	sv->n = kept;
	if (sv->v)
		sv->v[kept] = NULL;
}

const char *const *strv_argv(const struct strv *sv)
{
	static const char *const none[] = { NULL };

	return sv->v ? (const char *const *)sv->v : none;
}
