/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growable strings, allocation that cannot fail, small string helpers. */
#include "base/str.h"

static _noreturn_ void out_of_memory(void)
{
	static const char text[] = "nimadm: out of memory\n";

	/* No stdio here: it may want memory itself. */
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)n;
	abort();
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xrealloc(void *p, size_t size)
{
	void *q = realloc(p, size ? size : 1);

	if (!q)
		out_of_memory();
	return q;
}

char *xstrdup(const char *s)
{
	return s ? xstrndup(s, strlen(s)) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = xmalloc(len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

void xreplace(char **field, const char *value)
{
	char *copy = xstrdup(value ? value : "");

	free(*field);
	*field = copy;
}

char *xasprintf(const char *fmt, ...)
{
	char *p;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&p, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory();
	return p;
}

void str_done(struct str *s)
{
	free(s->p);
	*s = (struct str)STR_INIT;
}

void str_reset(struct str *s)
{
	s->len = 0;
	if (s->p)
		s->p[0] = '\0';
}

/* Makes room for `n` more bytes and the NUL. */
static void grow(struct str *s, size_t n)
{
	size_t need;

	if (__builtin_add_overflow(s->len, n, &need) || need >= SIZE_MAX / 2)
		out_of_memory();
	need++;
	if (need <= s->cap)
		return;
	s->cap = MAX(need, MAX(s->cap * 2, (size_t)32));
	s->p = xrealloc(s->p, s->cap);
}

void str_add(struct str *s, const char *text)
{
	str_addn(s, text, strlen(text));
}

void str_addn(struct str *s, const void *bytes, size_t n)
{
	grow(s, n);
	if (n > 0)
		memcpy(s->p + s->len, bytes, n);
	s->len += n;
	s->p[s->len] = '\0';
}

void str_addc(struct str *s, char c)
{
	str_addn(s, &c, 1);
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(s, fmt, ap);
	va_end(ap);
}

void str_vaddf(struct str *s, const char *fmt, va_list ap)
{
	va_list measure;

	va_copy(measure, ap);
	int n = vsnprintf(NULL, 0, fmt, measure);
	va_end(measure);
	if (n < 0)
		out_of_memory();
	grow(s, (size_t)n);
	vsnprintf(s->p + s->len, (size_t)n + 1, fmt, ap);
	s->len += (size_t)n;
}

const char *str_c(const struct str *s)
{
	return s->p ? s->p : "";
}

char *str_take(struct str *s)
{
	char *p = s->p ? s->p : xstrdup("");

	*s = (struct str)STR_INIT;
	return p;
}

bool streq0(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return streq(a, b);
}

int name_index(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; name && i < n; i++)
		if (streq(names[i], name))
			return (int)i;
	return -1;
}

bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

static const char white[] = " \t\r\n\v\f";

char *strip(char *s)
{
	s += strspn(s, white);
	size_t n = strlen(s);
	while (n > 0 && strchr(white, s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

char *next_line(char **cursor)
{
	char *line = *cursor;

	if (!line || *line == '\0')
		return NULL;
	char *end = strchrnul(line, '\n');
	if (*end == '\n')
		*end++ = '\0';
	*cursor = end;
	return line;
}

char *next_field(char **cursor)
{
	char *field = *cursor;

	if (!field)
		return NULL;
	field += strspn(field, white);
	if (*field == '\0') {
		*cursor = field;
		return NULL;
	}
	char *end = field + strcspn(field, white);
	if (*end != '\0')
		*end++ = '\0';
	*cursor = end;
	return field;
}

void unescape_octal(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
		    s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
					(s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

const char *fmt_bytes(char *buf, size_t n, uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes;
	size_t i = 0;

	/* 999.95 would print as "1000.0". */
	while (value >= 999.95 && i + 1 < ARRAY_SIZE(units)) {
		value /= 1000;
		i++;
	}
	if (i == 0)
		snprintf(buf, n, "%u B", (unsigned)bytes);
	else
		snprintf(buf, n, "%.1f %s", value, units[i]);
	return buf;
}

const char *fmt_duration(char *buf, size_t n, double seconds)
{
	/* Also false for NaN. The upper bound keeps the conversion defined. */
	uint64_t s = seconds > 0 && seconds < 1e12 ? (uint64_t)(seconds + 0.5) : 0;
	unsigned h = (unsigned)(s / 3600), m = (unsigned)(s / 60 % 60),
		 r = (unsigned)(s % 60);

	if (h > 0)
		snprintf(buf, n, "%uh%02um%02us", h, m, r);
	else if (m > 0)
		snprintf(buf, n, "%um%02us", m, r);
	else
		snprintf(buf, n, "%us", r);
	return buf;
}
