/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tar headers: the strict reader of our own dialect. Everything here comes from a file that nobody vouches for. */
#include "archive/pax-header.h"
#include "archive/pax.h"
#include "base/parse.h"

#define RECORDS_MAX ((uint64_t)1 << 20) /* names and extended attributes of one member */
#define EXTENTS_MAX ((uint64_t)1 << 20)

static int bad(struct err *err, const char *what)
{
	return err_set(err, ERR_OPERATOR, "a tar header is broken: %s", what);
}

static bool octal(const char *field, size_t size, uint64_t *ret)
{
	return parse_digits(field, strnlen(field, size), 8, ret);
}

static bool octal32(const char *field, size_t size, uint32_t *ret)
{
	return parse_digits32(field, strnlen(field, size), 8, ret);
}

static bool checksum_is_right(const struct pax_header *h)
{
	const uint8_t *p = (const uint8_t *)h;
	unsigned sum = 8 * ' ';
	uint64_t want;

	for (size_t i = 0; i < sizeof(*h); i++)
		if (i < offsetof(struct pax_header, checksum) ||
		    i >= offsetof(struct pax_header, typeflag))
			sum += p[i];
	return octal(h->checksum, sizeof(h->checksum) - 1, &want) && want == sum;
}

/* What the records of an extended header say. */
struct records {
	bool path, linkpath, uid, gid, size, mtime, sparse_name, sparse_size;
	uint64_t stored;
};

static bool read_mtime(const char *p, size_t n, struct member *m)
{
	bool negative = n > 0 && *p == '-';
	const char *dot = memchr(p, '.', n);
	size_t whole = dot ? (size_t)(dot - p) : n, fraction = dot ? n - whole - 1 : 0;
	uint64_t sec, nsec = 0;

	if (!parse_digits(p + negative, whole - negative, 10, &sec) || sec >= INT64_MAX ||
	    fraction > 9 || (dot && !parse_digits(dot + 1, fraction, 10, &nsec)))
		return false;
	for (; fraction > 0 && fraction < 9; fraction++)
		nsec *= 10;
	m->sec = negative ? -(int64_t)sec : (int64_t)sec;
	m->nsec = (uint32_t)nsec;
	if (negative && nsec > 0) {
		m->sec--;
		m->nsec = 1000000000u - m->nsec;
	}
	return true;
}

static bool read_xattr(const char *key, size_t key_len, const char *value, size_t n,
		       struct member *m)
{
	_cleanup_str_ struct str name = STR_INIT;

	for (size_t i = strlen(PAX_XATTR); i < key_len; i++) {
		if (key[i] == '%' && key_len - i >= 3 &&
		    (memcmp(key + i, "%3D", 3) == 0 || memcmp(key + i, "%25", 3) == 0)) {
			str_addc(&name, key[i + 1] == '3' ? '=' : '%');
			i += 2;
		} else {
			str_addc(&name, key[i]);
		}
	}
	/* An overlay would act on its own. */
	if (name.len == 0 || memchr(name.p, '\0', name.len) ||
	    starts_with(name.p, "trusted.overlay."))
		return false;
	xattrs_add(&m->xattrs, name.p, value, n);
	return true;
}

static bool set_text(struct str *s, const char *value, size_t n)
{
	str_reset(s);
	str_addn(s, value, n);
	return n > 0 && !memchr(value, '\0', n);
}

static bool key_is(const char *key, size_t len, const char *want)
{
	return len == strlen(want) && memcmp(key, want, len) == 0;
}

/* One record; false where it is none that we write. */
static bool read_record(const char *key, size_t key_len, const char *value, size_t n,
			struct member *m, struct records *r)
{
	if (key_is(key, key_len, "path"))
		return r->path = set_text(&m->path, value, n);
	if (key_is(key, key_len, "GNU.sparse.name"))
		return r->sparse_name = set_text(&m->path, value, n);
	if (key_is(key, key_len, "linkpath"))
		return r->linkpath = set_text(&m->target, value, n);
	if (key_is(key, key_len, "uid"))
		return r->uid = parse_digits32(value, n, 10, &m->uid);
	if (key_is(key, key_len, "gid"))
		return r->gid = parse_digits32(value, n, 10, &m->gid);
	if (key_is(key, key_len, "size"))
		return r->size = parse_digits(value, n, 10, &r->stored);
	if (key_is(key, key_len, "GNU.sparse.realsize"))
		return r->sparse_size = parse_digits(value, n, 10, &m->size);
	if (key_is(key, key_len, "mtime"))
		return r->mtime = read_mtime(value, n, m);
	if (key_is(key, key_len, "GNU.sparse.major"))
		return n == 1 && *value == '1';
	if (key_is(key, key_len, "GNU.sparse.minor"))
		return n == 1 && *value == '0';
	/* For other tar programs: the extended attributes have the same. */
	if (key_is(key, key_len, "SCHILY.acl.access") ||
	    key_is(key, key_len, "SCHILY.acl.default"))
		return true;
	if (key_is(key, key_len, PAX_FLAGS_KEY))
		return flags_parse(value, n, m->flags);
	if (key_len > strlen(PAX_XATTR) && memcmp(key, PAX_XATTR, strlen(PAX_XATTR)) == 0)
		return read_xattr(key, key_len, value, n, m);
	return false;
}

static int read_records(const char *p, size_t n, struct member *m, struct records *r,
			struct err *err)
{
	while (n > 0) {
		const char *blank = memchr(p, ' ', MIN(n, (size_t)20));
		uint64_t len;

		if (!blank || !parse_digits(p, (size_t)(blank - p), 10, &len) ||
		    len > n || len < (uint64_t)(blank - p) + 4 || p[len - 1] != '\n')
			return bad(err, "an extended record's length");
		const char *key = blank + 1, *end = p + len - 1;
		const char *equals = memchr(key, '=', (size_t)(end - key));
		if (!equals || !read_record(key, (size_t)(equals - key), equals + 1,
					    (size_t)(end - equals - 1), m, r))
			return bad(err, "an extended record that images do not have");
		p += len;
		n -= len;
	}
	return 0;
}

static int read_names(const struct pax_header *h, struct member *m,
		      const struct records *r, struct err *err)
{
	if (!r->path && !r->sparse_name)
		set_text(&m->path, h->name, strnlen(h->name, sizeof(h->name)));
	if (!r->linkpath)
		set_text(&m->target, h->linkname,
			 strnlen(h->linkname, sizeof(h->linkname)));
	if (m->type == 'd' && m->path.len > 1 && m->path.p[m->path.len - 1] == '/')
		m->path.p[--m->path.len] = '\0';
	if (m->path.len == 0 ||
	    ((m->type == 'l' || m->type == 'h') && m->target.len == 0))
		return bad(err, "a name is empty");
	return 0;
}

static int read_numbers(const struct pax_header *h, struct member *m,
			const struct records *r, struct err *err)
{
	bool is_device = m->type == 'c' || m->type == 'b';
	uint64_t sec;

	if (!octal32(h->mode, sizeof(h->mode), &m->mode) || m->mode > 07777 ||
	    (!r->uid && !octal32(h->uid, sizeof(h->uid), &m->uid)) ||
	    (!r->gid && !octal32(h->gid, sizeof(h->gid), &m->gid)) ||
	    (is_device && (!octal32(h->devmajor, sizeof(h->devmajor), &m->major) ||
			   !octal32(h->devminor, sizeof(h->devminor), &m->minor))))
		return bad(err, "a number");
	if (!r->mtime) {
		if (!octal(h->mtime, sizeof(h->mtime), &sec) || sec > INT64_MAX)
			return bad(err, "the time");
		m->sec = (int64_t)sec;
		m->nsec = 0;
	}
	m->stored = r->stored;
	if (!r->size && !octal(h->size, sizeof(h->size), &m->stored))
		return bad(err, "the size");
	if (m->type == 'f')
		m->size = m->stored;
	else if (m->type != 's' && m->stored != 0)
		return bad(err, "data behind something that is no file");
	if (m->stored > INT64_MAX || m->size > INT64_MAX)
		return bad(err, "the size");
	return 0;
}

static int read_main(const struct pax_header *h, struct member *m,
		     const struct records *r, struct err *err)
{
	const char *flag = h->typeflag ? strchr(PAX_FLAGS, h->typeflag) : NULL;

	if (!checksum_is_right(h) || memcmp(h->magic,
					    "ustar\0"
					    "00",
					    8) != 0)
		return bad(err, "the checksum");
	if (!flag || (r->sparse_name && h->typeflag != '0') ||
	    r->sparse_name != r->sparse_size)
		return bad(err, "a type that images do not have");
	m->type = r->sparse_name ? 's' : PAX_TYPES[flag - PAX_FLAGS];
	return read_names(h, m, r, err) < 0 ? -1 : read_numbers(h, m, r, err);
}

int pax_read(const uint8_t *p, size_t n, struct member *m, size_t *ret_len,
	     struct err *err)
{
	static const uint8_t zeros[512];
	struct records r = { 0 };
	struct pax_header h;
	size_t at = 0;

	member_reset(m);
	if (n < sizeof(h))
		return bad(err, "it is cut off");
	if (memcmp(p, zeros, sizeof(zeros)) == 0)
		return 1;
	memcpy(&h, p, sizeof(h));
	if (h.typeflag == 'x') {
		uint64_t len;

		if (!checksum_is_right(&h) || !octal(h.size, sizeof(h.size), &len) ||
		    len > RECORDS_MAX)
			return bad(err, "the extended header");
		at = sizeof(h) + (size_t)(len + 511) / 512 * 512;
		if (at + sizeof(h) > n)
			return bad(err, "it is cut off");
		if (read_records((const char *)p + sizeof(h), (size_t)len, m, &r, err) <
		    0)
			return -1;
		memcpy(&h, p + at, sizeof(h));
	}
	*ret_len = at + sizeof(h);
	return read_main(&h, m, &r, err);
}

/* A decimal line: false where it is none, *ret_end NULL where it is not complete. */
static bool map_number(const uint8_t *p, const uint8_t *end, uint64_t *ret,
		       const uint8_t **ret_end)
{
	size_t n = MIN((size_t)(end - p), (size_t)20);
	const uint8_t *line = memchr(p, '\n', n);

	*ret_end = line ? line + 1 : NULL;
	if (!line)
		return n < 20;
	return parse_digits((const char *)p, (size_t)(line - p), 10, ret) &&
	       *ret <= INT64_MAX;
}

static int check_map(const struct member *m, uint64_t map_len, struct err *err)
{
	uint64_t at = 0, data = 0;

	for (size_t i = 0; i < m->n_map; i++) {
		if (m->map[i].off < at || m->map[i].off > m->size ||
		    m->map[i].len > m->size - m->map[i].off)
			return bad(err, "the map of a file with holes");
		at = m->map[i].off + m->map[i].len;
		data += m->map[i].len;
	}
	if (data + map_len != m->stored)
		return bad(err, "the map of a file with holes");
	return 0;
}

int pax_read_map(const uint8_t *p, size_t n, struct member *m, size_t *ret_len,
		 struct err *err)
{
	const uint8_t *at = p, *end = p + n;
	uint64_t count, v[2];

	m->n_map = 0;
	if (!map_number(at, end, &count, &at) || (at && count > EXTENTS_MAX))
		return bad(err, "the map of a file with holes");
	if (!at)
		return 1;
	for (uint64_t i = 0; i < count * 2; i++) {
		if (!map_number(at, end, &v[i % 2], &at))
			return bad(err, "the map of a file with holes");
		if (!at)
			return 1;
		if (i % 2 == 1)
			member_add_extent(m, v[0], v[1]);
	}
	*ret_len = (size_t)(at - p + 511) / 512 * 512;
	if (*ret_len > n)
		return 1;
	return check_map(m, *ret_len, err);
}
