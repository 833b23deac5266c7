/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dpkg's and ucf's records of configuration files. */
#include "merge/shipped.h"

#include "merge/method.h"
#include "model/dpkg.h"

#define STATUS	 "/var/lib/dpkg/status"
#define UCF_HASH "/var/lib/ucf/hashfile"
#define CONF_MAX (8U << 20)

static void shipped_free(void *p)
{
	struct shipped *s = p;
	free(s->package);
	free(s->version);
	free(s->arch);
	free(s);
}

static void add_package(struct map *m, const struct dpkg_package *p)
{
	for (size_t i = 0; i < p->n_conffiles; i++) {
		const struct dpkg_conffile *cf = &p->conffiles[i];
		const struct shipped *have = map_get(m, cf->path);
		/* A file that moved between packages is obsolete in one of them. */
		if (cf->md5[0] == '\0' || (have && cf->obsolete))
			continue;
		struct shipped *s = xcalloc(1, sizeof(*s));
		s->by = SHIPPED_DPKG;
		memcpy(s->md5, cf->md5, sizeof(s->md5));
		s->package = xstrdup(p->name);
		s->version = xstrdup(p->version);
		s->arch = xstrdup(p->arch);
		s->obsolete = cf->obsolete;
		map_set(m, cf->path, s);
	}
}

static int add_dpkg(const struct root *r, struct map *m, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_dpkg_status_ struct dpkg_status st = DPKG_STATUS_INIT;
	int rc = root_read_opt(r, STATUS, 0, &text, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (dpkg_status_parse(&st, STATUS, str_c(&text), text.len, err) < 0)
		return -1;
	for (size_t i = 0; i < st.n; i++)
		if (dpkg_is_present(&st.v[i]))
			add_package(m, &st.v[i]);
	return 0;
}

/* "<md5>  /path" */
static void add_ucf(const struct root *r, struct map *m)
{
	_cleanup_free_ char *text = method_slurp(r, UCF_HASH);
	char *cursor = text;
	for (char *line; (line = method_next_line(&cursor)) != NULL;) {
		char *path = line + strcspn(line, " \t");
		if (path - line != 32 || *path == '\0')
			continue;
		*path++ = '\0';
		path = strip(path);
		if (*path != '/')
			continue;
		struct shipped *s = xcalloc(1, sizeof(*s));
		s->by = SHIPPED_UCF;
		memcpy(s->md5, line, sizeof(s->md5));
		s->package = xstrdup("");
		s->version = xstrdup("");
		s->arch = xstrdup("");
		map_set(m, path, s);
	}
}

int shipped_read(const struct root *r, struct map **ret, struct err *err)
{
	*ret = map_new(shipped_free);
	if (add_dpkg(r, *ret, err) < 0) {
		*ret = map_free(*ret);
		return -1;
	}
	add_ucf(r, *ret);
	return 0;
}

static bool has_md5(const struct str *s, const char *md5)
{
	char hex[33];
	method_md5(s->p, s->len, hex);
	return streq(hex, md5);
}

/* 1: as recorded; 0: edited; -1: not recorded or not there. */
static int compare(const struct map *shipped, const struct root *r, const char *path)
{
	const struct shipped *s = map_get(shipped, path);
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };
	if (!s || root_read_opt(r, path, CONF_MAX, &text, &err) != 0)
		return -1;
	return has_md5(&text, s->md5);
}

bool shipped_is_edited(const struct map *shipped, const struct root *r, const char *path)
{
	return compare(shipped, r, path) == 0;
}

bool shipped_is_pristine(const struct map *shipped, const struct root *r,
			 const char *path)
{
	return compare(shipped, r, path) == 1;
}

/* 0: read and of that checksum; 1: no. */
static int try_file(const struct root *r, const char *path, const char *md5,
		    struct str *out)
{
	struct err err = { 0 };
	str_reset(out);
	if (root_read_opt(r, path, CONF_MAX, out, &err) == 0 && has_md5(out, md5))
		return 0;
	str_reset(out);
	return 1;
}

/* /var/lib/ucf/cache/:etc:ssh:sshd_config */
static int from_ucf_cache(const struct merge_ctx *c, const char *path, const char *md5,
			  struct str *out)
{
	_cleanup_free_ char *name = xstrdup(path);
	for (char *p = name; *p; p++)
		if (*p == '/')
			*p = ':';
	_cleanup_free_ char *cached = xasprintf("/var/lib/ucf/cache/%s", name);
	return try_file(c->old_root, cached, md5, out);
}

/* ucf's originals lie somewhere in their package: a file of the old root whose recorded checksum is the wanted one. */
static int from_md5sums(const struct merge_ctx *c, const char *md5, struct str *out,
			struct err *err)
{
	_cleanup_strv_ struct strv lists = STRV_INIT;
	if (root_list(c->old_root, "/var/lib/dpkg/info", &lists, err) < 0)
		return -1;
	for (size_t i = 0; i < lists.n; i++) {
		if (!ends_with(lists.v[i], ".md5sums"))
			continue;
		_cleanup_free_ char *list = xasprintf("/var/lib/dpkg/info/%s",
						      lists.v[i]);
		_cleanup_free_ char *text = method_slurp(c->old_root, list);
		const char *hit = strstr(text, md5);
		if (!hit)
			continue;
		hit += strlen(md5);
		hit += strspn(hit, " ");
		_cleanup_free_ char *path = xasprintf("/%.*s", (int)strcspn(hit, "\n"),
						      hit);
		if (try_file(c->old_root, path, md5, out) == 0)
			return 0;
	}
	return 1;
}

int shipped_pristine(const struct merge_ctx *c, const char *path, const struct shipped *s,
		     struct str *out, struct err *err)
{
	int rc;
	if (s->by == SHIPPED_UCF) {
		if (from_ucf_cache(c, path, s->md5, out) == 0)
			return 0;
		rc = from_md5sums(c, s->md5, out, err);
	} else if (!c->pristine) {
		return 1;
	} else {
		rc = c->pristine(c->pristine_arg, s->package, s->version, s->arch, path,
				 out, err);
	}
	if (rc == 0 && !has_md5(out, s->md5))
		rc = 1; /* the archive's version is not the one that was installed */
	if (rc != 0)
		str_reset(out);
	return rc;
}
