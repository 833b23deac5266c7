/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses dpkg's status file. */
#include "model/dpkg.h"

#include "model/deb822.h"

static void package_done(struct dpkg_package *p)
{
	free(p->name);
	free(p->arch);
	free(p->version);
	free(p->section);
	free(p->priority);
	free(p->want);
	free(p->flag);
	free(p->state);
	for (size_t i = 0; i < p->n_conffiles; i++)
		free(p->conffiles[i].path);
	free(p->conffiles);
}

void dpkg_status_done(struct dpkg_status *st)
{
	for (size_t i = 0; i < st->n; i++)
		package_done(&st->v[i]);
	free(st->v);
	*st = (struct dpkg_status)DPKG_STATUS_INIT;
}

static char *field(const struct deb822_stanza *st, const char *name)
{
	char *v = deb822_dup(st, name);
	return v ? v : xstrdup("");
}

static bool is_md5(const char *s, size_t n)
{
	return n == 32 && strspn(s, "0123456789abcdef") >= 32;
}

/* " /etc/a b <md5> [obsolete] [remove-on-upgrade]": the name may hold blanks, so it is read from the right. */
static void parse_conffile(struct dpkg_package *p, char *line)
{
	struct dpkg_conffile cf = { 0 };
	for (char *sp; (sp = strrchr(line, ' ')) != NULL; *sp = '\0') {
		const char *word = sp + 1;
		if (streq(word, "obsolete")) {
			cf.obsolete = true;
		} else if (is_md5(word, strlen(word))) {
			memcpy(cf.md5, word, 32);
			*sp = '\0';
			break;
		} else if (streq(word, "newconffile")) {
			*sp = '\0';
			break;
		} else if (!streq(word, "remove-on-upgrade")) {
			break;
		}
	}
	if (*line != '/')
		return;
	cf.path = xstrdup(line);
	p->conffiles = xrealloc(p->conffiles, (p->n_conffiles + 1) * sizeof(cf));
	p->conffiles[p->n_conffiles++] = cf;
}

static void parse_conffiles(struct dpkg_package *p, const struct deb822_stanza *st)
{
	_cleanup_free_ char *text = deb822_dup(st, "Conffiles");
	char *cursor = text;
	for (char *line; text && (line = next_line(&cursor)) != NULL;)
		if (*line != '\0')
			parse_conffile(p, line);
}

static uint64_t parse_kib(const char *s)
{
	char *end;
	unsigned long long v = strtoull(s, &end, 10);
	return *s >= '0' && *s <= '9' && *end == '\0' && v < (1ULL << 40) ? v * 1024 : 0;
}

static int parse_package(struct dpkg_package *p, const struct deb822_stanza *st,
			 const char *label, struct err *err)
{
	p->name = field(st, "Package");
	p->arch = field(st, "Architecture");
	p->version = field(st, "Version");
	p->section = field(st, "Section");
	p->priority = field(st, "Priority");
	_cleanup_free_ char *essential = field(st, "Essential");
	p->essential = streq(essential, "yes");
	_cleanup_free_ char *size = field(st, "Installed-Size");
	p->installed_size = parse_kib(size);
	_cleanup_free_ char *status = field(st, "Status");
	char *cursor = status;
	p->want = xstrdup(next_field(&cursor));
	p->flag = xstrdup(next_field(&cursor));
	p->state = xstrdup(next_field(&cursor));
	parse_conffiles(p, st);
	if (*p->name == '\0')
		return err_set(err, ERR_OPERATOR, "%s: line %d: no Package: field", label,
			       st->line);
	if (!p->state)
		return err_set(err, ERR_OPERATOR,
			       "%s: line %d: package %s has no usable Status: field",
			       label, st->line, p->name);
	return 0;
}

int dpkg_status_parse(struct dpkg_status *st, const char *label, const char *text,
		      size_t len, struct err *err)
{
	struct deb822_reader r;
	deb822_init(&r, label, text, len);
	_cleanup_deb822_ struct deb822_stanza stanza = DEB822_STANZA_INIT;
	for (;;) {
		int rc = deb822_next(&r, &stanza, err);
		if (rc <= 0)
			return rc;
		if (st->n == st->cap) {
			st->cap = st->cap ? 2 * st->cap : 256;
			st->v = xrealloc(st->v, st->cap * sizeof(*st->v));
		}
		struct dpkg_package *p = &st->v[st->n++];
		*p = (struct dpkg_package){ 0 };
		if (parse_package(p, &stanza, label, err) < 0)
			return -1;
	}
}

bool dpkg_is_present(const struct dpkg_package *p)
{
	return !streq(p->state, "not-installed") && !streq(p->state, "config-files");
}

const struct dpkg_package *dpkg_status_find(const struct dpkg_status *st,
					    const char *name, const char *arch)
{
	const struct dpkg_package *first = NULL;
	for (size_t i = 0; i < st->n; i++) {
		const struct dpkg_package *p = &st->v[i];
		if (!streq(p->name, name) || (arch && !streq(p->arch, arch)))
			continue;
		if (dpkg_is_present(p))
			return p;
		if (!first)
			first = p;
	}
	return first;
}
