/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What merge methods share. */
#include "merge/method.h"

#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "model/json.h"
#include "model/release.h"

#define SLURP_MAX (4U << 20)
#define GLOB_MAX  1000

struct json_t *method_report(const struct merge_ctx *c, const char *method)
{
	json_t *o = json_object_get(c->report, method);
	if (!o) {
		o = json_object();
		json_object_set_new(c->report, method, o);
	}
	return o;
}

void method_append(const struct merge_ctx *c, const char *method, const char *key,
		   struct json_t *item)
{
	json_t *o = method_report(c, method);
	json_t *list = json_object_get(o, key);
	if (!list) {
		list = json_array();
		json_object_set_new(o, key, list);
	}
	json_array_append_new(list, item);
}

void method_changed(const struct merge_ctx *c, const char *method, const char *path,
		    const char *fmt, ...)
{
	_cleanup_str_ struct str what = STR_INIT;
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&what, fmt, ap);
	va_end(ap);
	json_t *item = json_object();
	json_object_set_new(item, "path", json_text(path));
	json_object_set_new(item, "what", json_text(str_c(&what)));
	method_append(c, method, "changes", item);
	if (c->events)
		events_step(c->events, "%s: %s", path, str_c(&what));
}

void method_find(const struct merge_ctx *c, const char *id,
		 enum finding_severity severity, const char *title, const char *evidence,
		 const char *remedy)
{
	findings_add(c->findings, id, severity, title, evidence, remedy);
}

void method_findf(const struct merge_ctx *c, const struct method_text *t, const char *fmt,
		  ...)
{
	_cleanup_str_ struct str evidence = STR_INIT;
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&evidence, fmt, ap);
	va_end(ap);
	method_find(c, t->id, t->severity, t->title, str_c(&evidence), t->remedy);
}

char *method_slurp(const struct root *r, const char *path)
{
	_cleanup_str_ struct str out = STR_INIT;
	struct err err = { 0 };
	if (root_read_opt(r, path, SLURP_MAX, &out, &err) != 0)
		str_reset(&out);
	return str_take(&out);
}

const struct root *method_base(const struct merge_ctx *c)
{
	return c->baseline ? c->baseline : c->old_root;
}

bool method_same(const struct merge_ctx *c, const char *path)
{
	_cleanup_str_ struct str a = STR_INIT, b = STR_INIT;
	struct err err = { 0 };
	return root_read_opt(method_base(c), path, SLURP_MAX, &a, &err) == 0 &&
	       root_read_opt(c->root, path, SLURP_MAX, &b, &err) == 0 && a.len == b.len &&
	       (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool method_exists(const struct merge_ctx *c, const char *path)
{
	struct stat st;
	return root_lstat(c->root, path, &st) == 0;
}

static int make_parent(const struct root *r, const char *path, mode_t mode,
		       struct err *err)
{
	const char *slash = strrchr(path, '/');
	if (!slash || slash == path)
		return 0;
	_cleanup_free_ char *dir = xstrndup(path, (size_t)(slash - path));
	return root_mkdirs(r, dir, mode, err);
}

int method_save(const struct merge_ctx *c, const char *path, struct err *err)
{
	struct stat st;
	if (root_lstat(c->root, path, &st) < 0)
		return 0;
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return 0;
	_cleanup_free_ char *to = xasprintf(MERGE_SAVE_DIR "%s", path);
	if (method_exists(c, to))
		return 0;
	if (root_mkdirs(c->root, MERGE_SAVE_DIR, 0700, err) < 0 ||
	    make_parent(c->root, to, 0700, err) < 0)
		return -1;
	return root_copy(c->root, path, c->root, to, err);
}

int method_write(const struct merge_ctx *c, const char *path, const char *text, size_t n,
		 struct err *err)
{
	_cleanup_str_ struct str now = STR_INIT;
	int rc = root_read_opt(c->root, path, SLURP_MAX, &now, err);
	if (rc < 0)
		return -1;
	if (rc == 0 && now.len == n && (n == 0 || memcmp(now.p, text, n) == 0))
		return 0;
	if (method_save(c, path, err) < 0 || make_parent(c->root, path, 0755, err) < 0)
		return -1;
	return root_write(c->root, path, text, n, 0644, err);
}

char *method_next_line(char **cursor)
{
	for (char *line; (line = next_line(cursor)) != NULL;) {
		line = strip(line);
		if (*line != '\0' && *line != '#')
			return line;
	}
	return NULL;
}

int method_major(const char *codename)
{
	const struct release *r = codename ? release_find(codename) : NULL;
	return r ? r->major : 0;
}

void method_md5(const void *data, size_t n, char hex[33])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (EVP_Digest(data ? data : "", n, digest, &len, EVP_md5(), NULL) != 1)
		len = 0;
	for (unsigned i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", i < len ? digest[i] : 0U);
}

static int glob_level(const struct root *r, const char *dir, const char *rest,
		      struct strv *ret, struct err *err)
{
	while (*rest == '/')
		rest++;
	size_t n = strcspn(rest, "/");
	_cleanup_free_ char *comp = xstrndup(rest, n);
	const char *next = rest + n;
	_cleanup_strv_ struct strv names = STRV_INIT;
	if (strpbrk(comp, "*?[")) {
		if (root_list(r, *dir ? dir : "/", &names, err) < 0) {
			err_clear(err); /* no directory: nothing below it */
			return 0;
		}
	} else {
		strv_add(&names, comp);
	}
	for (size_t i = 0; i < names.n && ret->n < GLOB_MAX; i++) {
		if (fnmatch(comp, names.v[i], FNM_PERIOD) != 0)
			continue;
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, names.v[i]);
		struct stat st;
		if (*next == '\0') {
			if (root_lstat(r, path, &st) == 0)
				strv_add(ret, path);
		} else if (root_stat(r, path, &st) == 0 && S_ISDIR(st.st_mode)) {
			if (glob_level(r, path, next, ret, err) < 0)
				return -1;
		}
	}
	return 0;
}

int method_glob(const struct root *r, const char *pattern, struct strv *ret,
		struct err *err)
{
	return glob_level(r, "", pattern, ret, err);
}
