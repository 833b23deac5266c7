/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scan over Packages files, and the making of one. */
#include "pkg/lpp-index.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/parse.h"
#include "sys/files.h"
#include "sys/proc.h"
#include "sys/root.h"
#include "sys/sha256.h"

void lpp_index_archives_done(struct lpp_archives *as)
{
	for (size_t i = 0; i < as->n; i++) {
		free(as->v[i].name);
		free(as->v[i].package);
		free(as->v[i].version);
		free(as->v[i].arch);
		free(as->v[i].sha256);
		free(as->v[i].uri);
	}
	free(as->v);
	*as = (struct lpp_archives){ 0 };
}

/* apt's QuoteString(x, "_:"): an underscore or a colon inside a part must not look like a separator. */
static void add_quoted(struct str *s, const char *part)
{
	for (const unsigned char *p = (const unsigned char *)part; *p; p++) {
		if (*p == '_' || *p == ':' || *p == '%' || *p <= 0x20 || *p >= 0x7f)
			str_addf(s, "%%%02x", *p);
		else if (*p == '/')
			str_add(s, "%2f");
		else
			str_addc(s, (char)*p);
	}
}

char *lpp_index_archive_name(const char *package, const char *version, const char *arch)
{
	struct str s = STR_INIT;

	add_quoted(&s, package);
	str_addc(&s, '_');
	add_quoted(&s, version);
	str_addc(&s, '_');
	add_quoted(&s, arch);
	str_add(&s, ".deb");
	return str_take(&s);
}

/* One line of a stanza: remembers the value where the field is one that we use. */
static void take_line(struct lpp_stanza *st, const char *line, size_t len)
{
	const struct {
		const char *name;
		size_t len, offset;
	} fields[] = {
		{ "Package: ", 9, offsetof(struct lpp_stanza, package) },
		{ "Version: ", 9, offsetof(struct lpp_stanza, version) },
		{ "Architecture: ", 14, offsetof(struct lpp_stanza, arch) },
		{ "Filename: ", 10, offsetof(struct lpp_stanza, filename) },
		{ "Size: ", 6, offsetof(struct lpp_stanza, size) },
		{ "SHA256: ", 8, offsetof(struct lpp_stanza, sha256) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (len < fields[i].len || line[0] != fields[i].name[0] ||
		    memcmp(line, fields[i].name, fields[i].len) != 0)
			continue;
		__typeof__(&st->package) slot = (void *)((char *)st + fields[i].offset);
		slot->p = line + fields[i].len;
		slot->len = len - fields[i].len;
	}
}

static bool is_complete(const struct lpp_stanza *st)
{
	return st->package.len && st->version.len && st->arch.len && st->filename.len &&
	       st->size.len && st->sha256.len == SHA256_HEX_LEN - 1;
}

static int scan_text(const struct lpp_source *src, const char *text, size_t len,
		     lpp_index_fn fn, void *arg, struct err *err)
{
	const char *p = text, *end = text + len;
	struct lpp_stanza st = { .begin = text };

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;
		bool blank = stop == p;

		if (!blank)
			take_line(&st, p, (size_t)(stop - p));
		p = nl ? nl + 1 : end;
		if (!blank && p < end)
			continue;
		st.len = (size_t)(p - st.begin);
		int rc = is_complete(&st) ? fn(arg, src, &st, err) : 0;
		if (rc != 0)
			return rc;
		st = (struct lpp_stanza){ .begin = p };
	}
	return 0;
}

static int scan_file(const struct lpp_source *src, const char *path, lpp_index_fn fn,
		     void *arg, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot read %s", path);
	if (st.st_size == 0)
		return 0;
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_set_errno(err, ERR_OPERATOR, "cannot map %s", path);
	int rc = scan_text(src, map, (size_t)st.st_size, fn, arg, err);
	munmap(map, (size_t)st.st_size);
	return rc;
}

static int scan_source(const struct lpp *l, const struct lpp_source *src, lpp_index_fn fn,
		       void *arg, struct err *err)
{
	_cleanup_strv_ struct strv components = STRV_INIT;
	int rc = 0;

	if (src->flat)
		strv_add(&components, "Packages");
	else {
		_cleanup_strv_ struct strv words = STRV_INIT;
		strv_split(&words, l->components, " ");
		for (size_t i = 0; i < words.n; i++) {
			strv_addf(&components, "%s/binary-%s/Packages", words.v[i],
				  l->arch);
			strv_addf(&components, "%s/binary-all/Packages", words.v[i]);
		}
	}
	for (size_t i = 0; i < components.n && rc == 0; i++) {
		_cleanup_free_ char *name = lpp_sources_list_name(src, components.v[i]);
		_cleanup_free_ char *path = xasprintf("%s/lists/%s", l->dir, name);
		if (files_exists(path))
			rc = scan_file(src, path, fn, arg, err);
	}
	return rc;
}

int lpp_index_scan(const struct lpp *l, lpp_index_fn fn, void *arg, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < l->sources.n && rc == 0; i++)
		rc = scan_source(l, &l->sources.v[i], fn, arg, err);
	if (rc == 0 && lpp_conf_allows(l, "local"))
		rc = scan_source(l, &lpp_sources_local, fn, arg, err);
	return rc < 0 ? -1 : 0;
}

void lpp_index_from_stanza(struct lpp_archive *a, const struct lpp_source *src,
			   const struct lpp_stanza *st)
{
	_cleanup_free_ char *size = xstrndup(st->size.p, st->size.len);
	const char *file = st->filename.p;
	size_t len = st->filename.len;

	if (len > 2 && memcmp(file, "./", 2) == 0) {
		file += 2;
		len -= 2;
	}
	a->package = xstrndup(st->package.p, st->package.len);
	a->version = xstrndup(st->version.p, st->version.len);
	a->arch = xstrndup(st->arch.p, st->arch.len);
	a->sha256 = xstrndup(st->sha256.p, st->sha256.len);
	a->name = lpp_index_archive_name(a->package, a->version, a->arch);
	a->uri = xasprintf("%s/%.*s", src->uri, (int)len, file);
	if (parse_u64(size, &a->size, NULL) < 0)
		a->size = 0;
}

struct find {
	const struct map *names;
	struct map *packages, *found;
	struct lpp_archives *ret;
};

static int find_stanza(void *arg, const struct lpp_source *src,
		       const struct lpp_stanza *st, struct err *err)
{
	struct find *f = arg;
	char package[128];

	if (st->package.len >= sizeof(package))
		return 0;
	memcpy(package, st->package.p, st->package.len);
	package[st->package.len] = '\0';
	if (!map_has(f->packages, package))
		return 0;
	struct lpp_archive a = { 0 };
	lpp_index_from_stanza(&a, src, st);
	if (!map_has(f->names, a.name) || map_has(f->found, a.name)) {
		struct lpp_archives one = { .v = xmalloc(sizeof(a)), .n = 1 };
		one.v[0] = a;
		lpp_index_archives_done(&one);
		return 0;
	}
	map_set(f->found, a.name, MAP_PRESENT);
	if (f->ret->n == f->ret->cap) {
		f->ret->cap = f->ret->cap ? 2 * f->ret->cap : 64;
		f->ret->v = xrealloc(f->ret->v, f->ret->cap * sizeof(*f->ret->v));
	}
	f->ret->v[f->ret->n++] = a;
	return 0;
}

int lpp_index_find(const struct lpp *l, const struct map *names, struct lpp_archives *ret,
		   struct err *err)
{
	_cleanup_map_ struct map *packages = map_new(NULL);
	_cleanup_map_ struct map *found = map_new(NULL);
	struct find f = { names, packages, found, ret };
	const char *name;
	void *value;

	for (size_t it = 0; map_next(names, &it, &name, &value);) {
		_cleanup_free_ char *package = xstrndup(name, strcspn(name, "_"));
		map_set(packages, package, MAP_PRESENT);
	}
	return lpp_index_scan(l, find_stanza, &f, err);
}

int lpp_index_debs(const char *dir, struct strv *ret, struct err *err)
{
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (!files_is_dir(dir))
		return 0;
	if (root_open(&root, dir, err) < 0 || root_list(&root, ".", &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (ends_with(names.v[i], ".deb"))
			strv_add(ret, names.v[i]);
	return 0;
}

static int add_deb(struct str *index, const char *dir, const char *name, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	_cleanup_str_ struct str control = STR_INIT;
	const char *argv[] = { "dpkg-deb", "--field", path, NULL };
	const struct proc_spec spec = { .argv = argv, .out = &control, .timeout_s = 60 };
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX_LEN];
	struct stat st;

	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot read %s", path);
	if (proc_check(&spec, err) < 0) {
		err_prefix(err, "%s is no Debian archive", path);
		return err_remedy(err, "remove %s or replace it", path);
	}
	if (sha256_fd(fd, digest, err) < 0)
		return -1;
	sha256_hex(digest, hex);
	str_add(index, str_c(&control));
	str_addf(index, "Filename: ./%s\nSize: %llu\nSHA256: %s\n\n", name,
		 (unsigned long long)st.st_size, hex);
	return 0;
}

int lpp_index_build(const char *dir, const char *path, struct err *err)
{
	_cleanup_strv_ struct strv debs = STRV_INIT;
	_cleanup_str_ struct str index = STR_INIT;

	if (lpp_index_debs(dir, &debs, err) < 0)
		return -1;
	for (size_t i = 0; i < debs.n; i++)
		if (add_deb(&index, dir, debs.v[i], err) < 0)
			return -1;
	return files_write_atomic(path, str_c(&index), index.len, 0644, err);
}
