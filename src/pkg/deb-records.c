/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debian packages: the index records of what a plan installs. */
#include "base/parse.h"
#include "model/deb822.h"
#include "pkg/deb.h"

void deb_records_done(struct deb_records *rs)
{
	for (size_t i = 0; i < rs->n; i++) {
		struct deb_record *r = &rs->v[i];
		free(r->name);
		free(r->version);
		free(r->depends);
		free(r->provides);
		free(r->replaces);
		free(r->against);
	}
	free(rs->v);
	*rs = (struct deb_records)DEB_RECORDS_INIT;
}

/* Values of two relation fields as one list; "" where both are absent. */
static char *joined(const struct deb822_stanza *st, const char *a, const char *b)
{
	_cleanup_free_ char *x = deb822_dup(st, a);
	_cleanup_free_ char *y = b ? deb822_dup(st, b) : NULL;

	return xasprintf("%s%s%s", x ? x : "", x && y ? ", " : "", y ? y : "");
}

static bool field_is(const struct deb822_stanza *st, const char *field, const char *value)
{
	_cleanup_free_ char *v = deb822_dup(st, field);

	return streq0(v, value);
}

int deb_records_parse(struct deb_records *rs, const char *text, size_t len,
		      struct err *err)
{
	_cleanup_deb822_ struct deb822_stanza st = DEB822_STANZA_INIT;
	struct deb822_reader reader;
	int more;

	deb822_init(&reader, "apt-cache show", text, len);
	while ((more = deb822_next(&reader, &st, err)) > 0) {
		char *name = deb822_dup(&st, "Package");
		if (!name)
			continue;
		if (rs->n == rs->cap) {
			rs->cap = MAX(rs->cap * 2, (size_t)64);
			rs->v = xrealloc(rs->v, rs->cap * sizeof(*rs->v));
		}
		struct deb_record *r = &rs->v[rs->n++];
		_cleanup_free_ char *size = deb822_dup(&st, "Installed-Size");
		uint64_t kib = 0;
		if (size && parse_u64(size, &kib, NULL) < 0)
			kib = 0;
		*r = (struct deb_record){
			.name = name,
			.version = joined(&st, "Version", NULL),
			.depends = joined(&st, "Pre-Depends", "Depends"),
			.provides = joined(&st, "Provides", NULL),
			.replaces = joined(&st, "Replaces", NULL),
			.against = joined(&st, "Conflicts", "Breaks"),
			.essential = field_is(&st, "Essential", "yes"),
			.required = field_is(&st, "Priority", "required"),
			.installed_size = kib * 1024,
		};
	}
	return more;
}
