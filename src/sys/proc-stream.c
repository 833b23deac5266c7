/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One output of a child, line by line, in bounded memory. */
#include "sys/proc-stream.h"

#include <errno.h>

/* A program that never ends its line is delivered in pieces of this size. */
#define LINE_MAX_ ((size_t)64 * 1024)
#define TAIL_KEEP ((size_t)2048)

static void deliver(struct stream *s)
{
	struct str *line = &s->line;

	if (line->len > 0 && line->p[line->len - 1] == '\r')
		line->p[--line->len] = '\0';
	if (s->on_line)
		s->on_line(s->arg, str_c(line), s->is_err);
	str_reset(line);
}

static void feed_lines(struct stream *s, const char *buf, size_t n)
{
	while (n > 0) {
		const char *end = memchr(buf, '\n', n);
		size_t part = end ? (size_t)(end - buf) : n;
		part = MIN(part, LINE_MAX_ - s->line.len);
		str_addn(&s->line, buf, part);
		buf += part;
		n -= part;
		if (n > 0 && *buf == '\n') {
			deliver(s);
			buf++;
			n--;
		} else if (s->line.len == LINE_MAX_) {
			deliver(s);
		}
	}
}

static void keep_tail(struct stream *s, const char *buf, size_t n)
{
	/* a sign of life, no words */
	if (n == 1 && *buf == '\n' &&
	    (s->tail.len == 0 || s->tail.p[s->tail.len - 1] == '\n'))
		return;
	if (n > TAIL_KEEP) {
		s->tail_cut = true;
		buf += n - TAIL_KEEP;
		n = TAIL_KEEP;
	}
	str_addn(&s->tail, buf, n);
	if (s->tail.len > 4 * TAIL_KEEP) {
		memmove(s->tail.p, s->tail.p + s->tail.len - TAIL_KEEP, TAIL_KEEP + 1);
		s->tail.len = TAIL_KEEP;
		s->tail_cut = true;
	}
}

int stream_read(struct stream *s)
{
	char buf[65536];
	ssize_t n = read(s->fd, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		stream_end(s);
		return 0;
	}
	if (s->collect) {
		if ((size_t)n > s->collect_max - s->collect->len)
			return 1;
		str_addn(s->collect, buf, (size_t)n);
	}
	if (s->on_data)
		return s->on_data(s->arg, buf, (size_t)n, &s->data_err) < 0 ? -1 : 0;
	/* Lines are C strings. */
	for (char *p = buf; (p = memchr(p, '\0', (size_t)(buf + n - p)));)
		*p = ' ';
	keep_tail(s, buf, (size_t)n);
	if (!s->collect)
		feed_lines(s, buf, (size_t)n);
	return 0;
}

void stream_end(struct stream *s)
{
	if (s->line.len > 0)
		deliver(s);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void stream_done(struct stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	str_done(&s->line);
	str_done(&s->tail);
}

void stream_tail(const struct stream *s, char *buf, size_t n)
{
	const char *start = str_c(&s->tail), *end = start + s->tail.len;

	while (end > start && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == ' '))
		end--;
	bool cut = s->tail_cut;
	if ((size_t)(end - start) > n - 1) {
		start = end - (n - 1);
		cut = true;
	}
	/* Whole lines only, where there are any. */
	if (cut) {
		const char *feed = memchr(start, '\n', (size_t)(end - start));
		if (feed)
			start = feed + 1;
	}
	while (start < end && *start == '\n')
		start++;
	memcpy(buf, start, (size_t)(end - start));
	buf[end - start] = '\0';
}
