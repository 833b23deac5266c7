/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A simulated installation into nothing. */
#include "pkg/lpp-solve.h"

#include "pkg/lpp-apt.h"
#include "pkg/lpp-index.h"

#define SOLVE_TIME_S 600

/* "Inst libc6 (2.41-12 Debian:13.2/stable [amd64])", perhaps with more brackets behind. */
static void take_line(struct map *names, char *line)
{
	char *cursor = line;

	if (!starts_with(line, "Inst "))
		return;
	next_field(&cursor);
	char *package = next_field(&cursor);
	char *version = next_field(&cursor);
	char *end = cursor ? strstr(cursor, "])") : NULL;
	char *arch = end ? memrchr(cursor, '[', (size_t)(end - cursor)) : NULL;
	if (!package || !version || *version != '(' || !arch)
		return;
	package[strcspn(package, ":")] = '\0';
	*end = '\0';
	arch++;
	_cleanup_free_ char *name = lpp_index_archive_name(package, version + 1, arch);
	map_set(names, name, MAP_PRESENT);
}

/* The lines of apt's that say why, rather than what it was doing. */
static char *reason(const char *output)
{
	struct str s = STR_INIT;
	_cleanup_free_ char *copy = xstrdup(output);
	char *cursor = copy, *line;

	while ((line = next_line(&cursor)))
		if (starts_with(line, "E: "))
			str_addf(&s, "%s%s", s.len ? "; " : "", line + 3);
	return str_take(&s);
}

int lpp_solve_closure(const struct lpp *l, const struct strv *packages, struct map *names,
		      struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_str_ struct str out = STR_INIT;
	struct proc_result res;

	strv_add_all(&argv, "apt-get", "-q", "-s", "--no-install-recommends", "install",
		     NULL);
	strv_add_strv(&argv, packages);
	const struct proc_spec spec = { .argv = strv_argv(&argv),
					.out = &out,
					.timeout_s = SOLVE_TIME_S };
	int rc = lpp_apt_run(l, &spec, &res, err);
	if (rc < 0)
		return -1;
	if (rc > 0) {
		_cleanup_free_ char *why = reason(res.tail);
		_cleanup_free_ char *asked = strv_join(packages, " ");
		err_set(err, ERR_OPERATOR, "lpp_source %s cannot give %.200s: %s",
			l->name, asked, *why ? why : res.tail);
		return err_remedy(
			err,
			"check the names, the suites and the components of lpp_source %s",
			l->name);
	}
	char *cursor = out.p, *line;
	while (cursor && (line = next_line(&cursor)))
		take_line(names, line);
	return 0;
}
