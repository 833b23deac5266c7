/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tar headers: the writer. */
#include "archive/pax-header.h"
#include "archive/pax.h"

#include <stdio.h>

void member_done(struct member *m)
{
	str_done(&m->path);
	str_done(&m->target);
	xattrs_done(&m->xattrs);
	free(m->map);
	*m = (struct member){ 0 };
}

void member_reset(struct member *m)
{
	struct member kept = { .path = m->path,
			       .target = m->target,
			       .xattrs = m->xattrs,
			       .map = m->map,
			       .map_cap = m->map_cap };

	str_reset(&kept.path);
	str_reset(&kept.target);
	xattrs_reset(&kept.xattrs);
	*m = kept;
}

void member_add_extent(struct member *m, uint64_t off, uint64_t len)
{
	if (m->n_map == m->map_cap) {
		m->map_cap = MAX(m->map_cap * 2, (size_t)16);
		m->map = xrealloc(m->map, m->map_cap * sizeof(*m->map));
	}
	m->map[m->n_map++] = (struct extent){ off, len };
}

/* "LEN key=value\n", where LEN counts itself. */
static void record(struct str *out, const char *key, const void *value, size_t n)
{
	size_t rest = strlen(key) + n + 3, len = rest + 1;
	char digits[24];

	for (;;) {
		size_t with = rest + (size_t)snprintf(digits, sizeof(digits), "%zu", len);
		if (with == len)
			break;
		len = with;
	}
	str_addf(out, "%s %s=", digits, key);
	str_addn(out, value, n);
	str_addc(out, '\n');
}

static void record_text(struct str *out, const char *key, const char *value)
{
	record(out, key, value, strlen(value));
}

static void record_number(struct str *out, const char *key, uint64_t v)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v);
	record_text(out, key, digits);
}

/* Negative times count their nanoseconds downwards in decimal: -1.25 is -2 s + 750,000,000 ns. */
static void record_time(struct str *out, int64_t sec, uint32_t nsec)
{
	char text[48];

	if (sec < 0 && nsec > 0)
		snprintf(text, sizeof(text), "-%llu.%09u", (unsigned long long)-(sec + 1),
			 1000000000u - nsec);
	else if (nsec > 0)
		snprintf(text, sizeof(text), "%lld.%09u", (long long)sec, nsec);
	else
		snprintf(text, sizeof(text), "%lld", (long long)sec);
	record_text(out, "mtime", text);
}

/* What system.posix_acl_access and _default hold, as text: GNU tar's --acls looks for this and for nothing else. */
static bool acl_text(const uint8_t *p, size_t n, struct str *out)
{
	static const struct {
		uint16_t tag;
		const char *name;
		bool id;
	} tags[] = { { 0x01, "user", false },  { 0x02, "user", true },
		     { 0x04, "group", false }, { 0x08, "group", true },
		     { 0x10, "mask", false },  { 0x20, "other", false } };

	if (n < 4 || n % 8 != 4)
		return false;
	for (p += 4, n -= 4; n > 0; p += 8, n -= 8) {
		unsigned tag = p[0] | (unsigned)p[1] << 8, perm = p[2];
		uint32_t id = p[4] | (uint32_t)p[5] << 8 | (uint32_t)p[6] << 16 |
			      (uint32_t)p[7] << 24;
		size_t i = 0;

		while (i < ARRAY_SIZE(tags) && tags[i].tag != tag)
			i++;
		if (i == ARRAY_SIZE(tags))
			return false;
		str_addf(out, "%s%s:", out->len > 0 ? "," : "", tags[i].name);
		if (tags[i].id)
			str_addf(out, "%u", id);
		str_addf(out, ":%c%c%c", perm & 4 ? 'r' : '-', perm & 2 ? 'w' : '-',
			 perm & 1 ? 'x' : '-');
	}
	return true;
}

static void record_acl(struct str *out, const char *key, const void *value, size_t n)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (acl_text(value, n, &text))
		record(out, key, text.p, text.len);
}

/* '=' ends a key: GNU tar writes it, and '%', like this. */
static void record_xattrs(struct str *out, const struct xattrs *x)
{
	const char *name;
	const void *value;
	size_t len;

	for (size_t pos = 0; xattrs_next(x, &pos, &name, &value, &len);) {
		_cleanup_str_ struct str key = STR_INIT;

		str_add(&key, PAX_XATTR);
		for (const char *p = name; *p; p++) {
			if (*p == '=' || *p == '%')
				str_add(&key, *p == '=' ? "%3D" : "%25");
			else
				str_addc(&key, *p);
		}
		record(out, str_c(&key), value, len);
		if (streq(name, "system.posix_acl_access"))
			record_acl(out, "SCHILY.acl.access", value, len);
		if (streq(name, "system.posix_acl_default"))
			record_acl(out, "SCHILY.acl.default", value, len);
	}
}

/* An octal field with a NUL at its end; false, and zeros, where the number does not fit. */
static bool octal(char *field, size_t n, uint64_t v)
{
	bool fits = n - 1 >= 21 || v < (uint64_t)1 << (3 * (n - 1));
	char digits[32];

	snprintf(digits, sizeof(digits), "%0*llo", (int)(n - 1),
		 (unsigned long long)(fits ? v : 0));
	memcpy(field, digits, n);
	return fits;
}

static void checksum(struct pax_header *h)
{
	const uint8_t *p = (const uint8_t *)h;
	unsigned sum = 0;
	char digits[16];

	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += p[i];
	snprintf(digits, sizeof(digits), "%06o", sum);
	memcpy(h->checksum, digits, 7); /* NUL, then the blank that is there */
}

static void header_init(struct pax_header *h, char typeflag)
{
	memset(h, 0, sizeof(*h));
	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	h->typeflag = typeflag;
	octal(h->mode, sizeof(h->mode), 0644);
	octal(h->uid, sizeof(h->uid), 0);
	octal(h->gid, sizeof(h->gid), 0);
	octal(h->size, sizeof(h->size), 0);
	octal(h->mtime, sizeof(h->mtime), 0);
}

/* False where the field is too short; then as much as fits. */
static bool text_field(char *field, size_t size, const struct str *text)
{
	memcpy(field, str_c(text), MIN(size, text->len));
	return text->len <= size;
}

static void sparse_records(const struct member *m, struct str *out)
{
	record_text(out, "GNU.sparse.major", "1");
	record_text(out, "GNU.sparse.minor", "0");
	record(out, "GNU.sparse.name", str_c(&m->path), m->path.len);
	record_number(out, "GNU.sparse.realsize", m->size);
}

/* The map in decimal lines, padded to a block. */
static void sparse_map(const struct member *m, struct buf *map)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%zu\n", m->n_map);

	buf_add(map, line, (size_t)n);
	for (size_t i = 0; i < m->n_map; i++) {
		n = snprintf(line, sizeof(line), "%llu\n%llu\n",
			     (unsigned long long)m->map[i].off,
			     (unsigned long long)m->map[i].len);
		buf_add(map, line, (size_t)n);
	}
	buf_pad512(map);
}

/* The member's own header; what does not fit goes to `extra`. */
static void main_header(const struct member *m, struct pax_header *h, struct str *extra)
{
	header_init(h, pax_typeflag(m->type));
	if (m->type == 's') {
		sparse_records(m, extra);
		_cleanup_str_ struct str name = STR_INIT;
		const char *slash = strrchr(str_c(&m->path), '/');
		str_addf(&name, "GNUSparseFile.0/%s",
			 slash ? slash + 1 : str_c(&m->path));
		text_field(h->name, sizeof(h->name), &name);
	} else {
		_cleanup_str_ struct str name = STR_INIT;
		str_add(&name, streq(str_c(&m->path), ".") ? "./" : str_c(&m->path));
		if (m->type == 'd' && !ends_with(str_c(&name), "/"))
			str_addc(&name, '/');
		if (!text_field(h->name, sizeof(h->name), &name))
			record(extra, "path", name.p, name.len);
	}
	if (!text_field(h->linkname, sizeof(h->linkname), &m->target))
		record(extra, "linkpath", m->target.p, m->target.len);
	octal(h->mode, sizeof(h->mode), m->mode);
	if (!octal(h->uid, sizeof(h->uid), m->uid))
		record_number(extra, "uid", m->uid);
	if (!octal(h->gid, sizeof(h->gid), m->gid))
		record_number(extra, "gid", m->gid);
	if (!octal(h->size, sizeof(h->size), m->stored))
		record_number(extra, "size", m->stored);
	bool fits = m->sec >= 0 && octal(h->mtime, sizeof(h->mtime), (uint64_t)m->sec) &&
		    m->nsec == 0;
	if (!fits)
		record_time(extra, m->sec, m->nsec);
	octal(h->devmajor, sizeof(h->devmajor), m->major);
	octal(h->devminor, sizeof(h->devminor), m->minor);
	record_xattrs(extra, &m->xattrs);
	if (m->flags[0] != '\0') {
		_cleanup_str_ struct str names = STR_INIT;
		flags_names(m->flags, &names);
		record(extra, PAX_FLAGS_KEY, str_c(&names), names.len);
	}
	checksum(h);
}

void pax_write(struct member *m, struct buf *out)
{
	_cleanup_str_ struct str extra = STR_INIT;
	_cleanup_buf_ struct buf map = { 0 };
	struct pax_header h;

	m->stored = m->type == 'f' ? m->size : 0;
	if (m->type == 's') {
		sparse_map(m, &map);
		m->stored = map.len;
		for (size_t i = 0; i < m->n_map; i++)
			m->stored += m->map[i].len;
	}
	main_header(m, &h, &extra);
	if (extra.len > 0) {
		struct pax_header x;
		header_init(&x, 'x');
		memcpy(x.name, "././@PaxHeader", 14);
		octal(x.size, sizeof(x.size), extra.len);
		checksum(&x);
		buf_add(out, &x, sizeof(x));
		buf_add(out, extra.p, extra.len);
		buf_zero(out, (512 - extra.len % 512) % 512);
	}
	buf_add(out, &h, sizeof(h));
	buf_add(out, map.p, map.len);
}
