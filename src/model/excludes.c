/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exclude patterns: compiled once, matched for every path. */
#include "model/excludes.h"

int excludes_init(struct excludes *x, const struct strv *patterns, struct err *err)
{
	*x = (struct excludes){ 0 };
	if (!patterns || patterns->n == 0)
		return 0;
	x->v = xcalloc(patterns->n, sizeof(*x->v));
	for (size_t i = 0; i < patterns->n; i++) {
		int rc = regcomp(&x->v[i], patterns->v[i], REG_NOSUB);
		if (rc != 0) {
			char why[256];
			regerror(rc, &x->v[i], why, sizeof(why));
			err_set(err, ERR_USAGE, "exclude pattern '%s': %s",
				patterns->v[i], why);
			return err_remedy(
				err,
				"mend the pattern: a basic regular expression, mksysb(8)");
		}
		x->n++;
	}
	return 0;
}

void excludes_done(struct excludes *x)
{
	for (size_t i = 0; i < x->n; i++)
		regfree(&x->v[i]);
	free(x->v);
	*x = (struct excludes){ 0 };
}

bool excludes_match(const struct excludes *x, const char *path)
{
	if (x->n == 0)
		return false;
	_cleanup_free_ char *dotted = xasprintf("./%s", path);
	for (size_t i = 0; i < x->n; i++)
		if (regexec(&x->v[i], dotted, 0, NULL, 0) == 0)
			return true;
	return false;
}
