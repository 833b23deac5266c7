/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The difference between a SPOT and what its lpp_source would make of it today. */
#include "model/dpkg.h"
#include "pkg/lpp-solve.h"
#include "pkg/spot-conf.h"
#include "pkg/spot.h"
#include "sys/files.h"

#define STATUS_MAX (64u << 20)

/* What %xx stands for. */
static char *unquote(const char *text, size_t len)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < len; i++) {
		char hex[3] = { 0 }, *end;
		if (text[i] == '%' && i + 2 < len) {
			memcpy(hex, text + i + 1, 2);
			long c = strtol(hex, &end, 16);
			if (end == hex + 2) {
				str_addc(&s, (char)c);
				i += 2;
				continue;
			}
		}
		str_addc(&s, text[i]);
	}
	return str_take(&s);
}

/* "name_version_arch.deb" gives name -> version. */
static void note_version(struct map *versions, const char *archive)
{
	const char *first = strchr(archive, '_'), *last = strrchr(archive, '_');

	if (!first || first == last)
		return;
	_cleanup_free_ char *name = unquote(archive, (size_t)(first - archive));
	map_set(versions, name, unquote(first + 1, (size_t)(last - first - 1)));
}

static int read_installed(const char *dir, struct dpkg_status *st, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" SPOT_ROOT "/var/lib/dpkg/status",
					      dir);
	_cleanup_str_ struct str text = STR_INIT;

	if (files_read(path, STATUS_MAX, &text, err) < 0)
		return -1;
	return dpkg_status_parse(st, path, str_c(&text), text.len, err);
}

int spot_preview(const char *dir, const char *lpp_dir, struct strv *ret, struct err *err)
{
	_cleanup_lpp_ struct lpp l = LPP_INIT;
	_cleanup_map_ struct map *names = map_new(NULL);
	_cleanup_map_ struct map *versions = map_new(free);
	_cleanup_strv_ struct strv packages = STRV_INIT;
	_cleanup_dpkg_status_ struct dpkg_status st = DPKG_STATUS_INIT;
	const char *name;
	void *value;

	for (size_t i = 0; spot_packages[i]; i++)
		strv_add(&packages, spot_packages[i]);
	if (read_installed(dir, &st, err) < 0 || lpp_conf_load(&l, lpp_dir, err) < 0 ||
	    lpp_solve_closure(&l, &packages, names, err) < 0)
		return -1;
	for (size_t it = 0; map_next(names, &it, &name, &value);)
		note_version(versions, name);
	for (size_t i = 0; i < st.n; i++) {
		const char *now = st.v[i].version;
		const char *then = map_get(versions, st.v[i].name);
		if (dpkg_is_present(&st.v[i]) && !streq0(now, then))
			strv_addf(ret, "%s %s %s", st.v[i].name, now, then ? then : "-");
	}
	for (size_t it = 0; map_next(versions, &it, &name, &value);) {
		const struct dpkg_package *p = dpkg_status_find(&st, name, NULL);
		if (!p || !dpkg_is_present(p))
			strv_addf(ret, "%s - %s", name, (const char *)value);
	}
	strv_sort(ret);
	return 0;
}
