/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manifest of an image: writer and a strict reader. */
#include "model/manifest.h"

#include <sys/stat.h>

#include "base/parse.h"

#define WORD  "nimadm-manifest"
#define TYPES "fsdlhcbp"

void manifest_entry_done(struct manifest_entry *e)
{
	str_done(&e->path);
	str_done(&e->target);
}

void manifest_escape(const char *path, struct str *out)
{
	for (const char *p = path; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c <= 0x20 || c == 0x7f || c == '\\')
			str_addf(out, "\\%03o", c);
		else
			str_addc(out, *p);
	}
}

bool manifest_is_of_kind(const struct manifest_entry *e, mode_t mode)
{
	return S_ISREG(mode)   ? strchr("fs", e->type) != NULL
	       : S_ISDIR(mode) ? e->type == 'd'
	       : S_ISLNK(mode) ? e->type == 'l'
			       : false;
}

bool manifest_is_as_it_was(const struct manifest_entry *e, const struct statx *sx)
{
	return e->sec == sx->stx_mtime.tv_sec && e->nsec == sx->stx_mtime.tv_nsec &&
	       (!strchr("fs", e->type) || e->size == sx->stx_size);
}

void manifest_head_write(const struct manifest_head *h, struct str *out)
{
	str_addf(out, WORD " %d members=%020llu bytes=%020llu length=%020llu\n",
		 MANIFEST_VERSION, (unsigned long long)h->members,
		 (unsigned long long)h->bytes, (unsigned long long)h->length);
}

void manifest_entry_write(const struct manifest_entry *e, struct str *out)
{
	str_addf(out, "%c %04o %u %u %lld.%09u ", e->type, e->mode, e->uid, e->gid,
		 (long long)e->sec, e->nsec);
	if (e->type == 'c' || e->type == 'b')
		str_addf(out, "%u:%u", e->major, e->minor);
	else
		str_addf(out, "%llu", (unsigned long long)e->size);
	str_addf(out, " %s %s %s ", e->sha256[0] ? e->sha256 : "-",
		 e->xattrs[0] ? e->xattrs : "-", e->flags[0] ? e->flags : "-");
	manifest_escape(str_c(&e->path), out);
	if (e->type == 'l' || e->type == 'h') {
		str_addc(out, ' ');
		manifest_escape(str_c(&e->target), out);
	}
	str_addc(out, '\n');
}

/* A word of a line: ends at a blank or the line's end. */
struct word {
	const char *p;
	size_t n;
};

static bool next_word(const char **p, const char *end, struct word *w)
{
	if (*p >= end)
		return false;
	const char *blank = memchr(*p, ' ', (size_t)(end - *p));

	*w = (struct word){ *p, (size_t)((blank ? blank : end) - *p) };
	*p = blank ? blank + 1 : end;
	return w->n > 0;
}

static bool read_time(const struct word *w, struct manifest_entry *e)
{
	bool negative = w->n > 0 && w->p[0] == '-';
	const char *p = w->p + negative, *end = w->p + w->n;
	const char *dot = memchr(w->p, '.', w->n);
	uint64_t sec;

	if (!dot || end - dot != 10 || !parse_digits(p, (size_t)(dot - p), 10, &sec) ||
	    sec > INT64_MAX || !parse_digits32(dot + 1, 9, 10, &e->nsec))
		return false;
	e->sec = negative ? -(int64_t)sec : (int64_t)sec;
	return true;
}

static bool read_size(const struct word *w, struct manifest_entry *e)
{
	const char *colon = memchr(w->p, ':', w->n);

	e->size = 0;
	e->major = e->minor = 0;
	if (e->type != 'c' && e->type != 'b')
		return parse_digits(w->p, w->n, 10, &e->size) && e->size <= INT64_MAX;
	return colon && parse_digits32(w->p, (size_t)(colon - w->p), 10, &e->major) &&
	       parse_digits32(colon + 1, (size_t)(w->p + w->n - colon - 1), 10,
			      &e->minor);
}

static bool is_hex(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f')))
			return false;
	return true;
}

/* "-" or exactly `want` hexadecimal digits. */
static bool read_hex(const struct word *w, size_t want, char *ret)
{
	ret[0] = '\0';
	if (w->n == 1 && w->p[0] == '-')
		return true;
	if (w->n != want || !is_hex(w->p, w->n))
		return false;
	memcpy(ret, w->p, want);
	ret[want] = '\0';
	return true;
}

static bool read_flags(const struct word *w, struct manifest_entry *e)
{
	char *ret = e->flags;

	ret[0] = '\0';
	if (w->n == 1 && w->p[0] == '-')
		return true;
	if (w->n >= sizeof(e->flags))
		return false;
	for (size_t i = 0; i < w->n; i++)
		if (!((w->p[i] | 0x20) >= 'a' && (w->p[i] | 0x20) <= 'z'))
			return false;
	memcpy(ret, w->p, w->n);
	ret[w->n] = '\0';
	return true;
}

static bool read_escaped(const struct word *w, struct str *ret)
{
	str_reset(ret);
	for (size_t i = 0; i < w->n; i++) {
		uint32_t c;

		unsigned char byte = (unsigned char)w->p[i];

		/* What must be escaped is: a NUL would cut a text short. */
		if (byte <= 0x20 || byte == 0x7f)
			return false;
		if (byte != '\\') {
			str_addc(ret, w->p[i]);
			continue;
		}
		if (w->n - i < 4 || !parse_digits32(w->p + i + 1, 3, 8, &c) || c == 0 ||
		    c > 255)
			return false;
		str_addc(ret, (char)c);
		i += 3;
	}
	return ret->len > 0;
}

bool manifest_path_is_safe(const char *path, size_t len)
{
	if (len == 1 && path[0] == '.')
		return true;
	if (len == 0 || memchr(path, '\0', len))
		return false;
	for (size_t start = 0; start <= len;) {
		const char *p = path + start;
		const char *slash = memchr(p, '/', len - start);
		size_t n = slash ? (size_t)(slash - p) : len - start;

		if (n == 0 || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		start += n + 1;
	}
	return true;
}

static bool read_type(const struct word *w, struct manifest_entry *e)
{
	e->type = w->p[0];
	return w->n == 1 && memchr(TYPES, e->type, strlen(TYPES));
}

static bool read_mode(const struct word *w, struct manifest_entry *e)
{
	return parse_digits32(w->p, w->n, 8, &e->mode) && e->mode <= 07777;
}

static bool read_uid(const struct word *w, struct manifest_entry *e)
{
	return parse_digits32(w->p, w->n, 10, &e->uid);
}

static bool read_gid(const struct word *w, struct manifest_entry *e)
{
	return parse_digits32(w->p, w->n, 10, &e->gid);
}

static bool read_sha256(const struct word *w, struct manifest_entry *e)
{
	return read_hex(w, 64, e->sha256) &&
	       (e->sha256[0] != '\0') == (e->type == 'f' || e->type == 's');
}

static bool read_xattrs(const struct word *w, struct manifest_entry *e)
{
	return read_hex(w, 16, e->xattrs);
}

static bool read_path(const struct word *w, struct manifest_entry *e)
{
	return read_escaped(w, &e->path) && manifest_path_is_safe(e->path.p, e->path.len);
}

static bool read_target(const struct word *w, struct manifest_entry *e)
{
	return read_escaped(w, &e->target) &&
	       (e->type != 'h' || manifest_path_is_safe(e->target.p, e->target.len));
}

static const struct {
	bool (*read)(const struct word *w, struct manifest_entry *e);
	const char *wrong;
} columns[] = {
	{ read_type, "no member type" },
	{ read_mode, "no mode" },
	{ read_uid, "no owner" },
	{ read_gid, "no group" },
	{ read_time, "no time" },
	{ read_size, "no size" },
	{ read_sha256, "no SHA-256" },
	{ read_xattrs, "no digest of extended attributes" },
	{ read_flags, "no flags" },
	{ read_path, "no path inside the image" },
	{ read_target, "no link target, or one that leads out of the image" },
};

/* NULL, or what is wrong with the line. */
static const char *read_line(const char *p, const char *end, struct manifest_entry *e)
{
	size_t n = ARRAY_SIZE(columns);
	struct word w;

	str_reset(&e->target);
	for (size_t i = 0; i < n; i++) {
		if (i == n - 1 && e->type != 'l' && e->type != 'h')
			break;
		if (!next_word(&p, end, &w) || !columns[i].read(&w, e))
			return columns[i].wrong;
	}
	return p == end ? NULL : "more words than a line has";
}

int manifest_next(struct manifest_cursor *c, struct manifest_entry *e, struct err *err)
{
	if (c->p >= c->end)
		return 1;
	const char *end = memchr(c->p, '\n', (size_t)(c->end - c->p));
	const char *cause = end ? read_line(c->p, end, e) : "the line does not end";

	c->line++;
	if (cause)
		return err_set(err, ERR_OPERATOR, "manifest: line %llu: %s",
			       (unsigned long long)c->line, cause);
	c->p = end + 1;
	return 0;
}

static bool read_total(const char **p, const char *end, const char *name, uint64_t *ret)
{
	struct word w;
	size_t n = strlen(name);

	return next_word(p, end, &w) && w.n > n && memcmp(w.p, name, n) == 0 &&
	       parse_digits(w.p + n, w.n - n, 10, ret);
}

int manifest_begin(struct manifest_cursor *c, const char *text, size_t len,
		   struct manifest_head *ret, struct err *err)
{
	const char *p = text, *end = len ? memchr(text, '\n', len) : NULL;
	struct word w;
	uint64_t version;

	*c = (struct manifest_cursor){ 0 };
	if (!end || !next_word(&p, end, &w) || w.n != strlen(WORD) ||
	    memcmp(w.p, WORD, w.n) != 0 || !next_word(&p, end, &w) ||
	    !parse_digits(w.p, w.n, 10, &version))
		return err_set(err, ERR_OPERATOR,
			       "manifest: line 1: does not begin with " WORD);
	if (version != MANIFEST_VERSION)
		return err_set(err, ERR_OPERATOR,
			       "manifest: format %llu is not known to this program",
			       (unsigned long long)version);
	if (!read_total(&p, end, "members=", &ret->members) ||
	    !read_total(&p, end, "bytes=", &ret->bytes) ||
	    !read_total(&p, end, "length=", &ret->length) || p != end)
		return err_set(err, ERR_OPERATOR, "manifest: line 1: totals are missing");
	*c = (struct manifest_cursor){ .p = end + 1, .end = text + len, .line = 1 };
	return 0;
}
