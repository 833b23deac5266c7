/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where an lpp_source's packages come from: apt's source lists read, and the sources of another release derived. */
#pragma once

#include "base/strv.h"
#include "model/release.h"

/* One entry of the master's own source lists: one URI, one suite. */
struct lpp_entry {
	char *uri, *suite, *components, *signed_by;
};
struct lpp_entries {
	struct lpp_entry *v;
	size_t n, cap;
};
#define _cleanup_lpp_entries_ _cleanup_(lpp_sources_entries_done)
void lpp_sources_entries_done(struct lpp_entries *es);

/* Binary entries only; those that are disabled are left out. */
int lpp_sources_parse_deb822(struct lpp_entries *es, const char *label, const char *text,
			     size_t len, struct err *err) _must_check_;
void lpp_sources_parse_list(struct lpp_entries *es, const char *text);
/* All of <etc>/sources.list and <etc>/sources.list.d; `etc` is "/etc/apt" but in tests. */
int lpp_sources_read_master(struct lpp_entries *es, const char *etc, struct err *err)
	_must_check_;

/* One source of an lpp_source. A flat one has "./" as its suite and our own index. */
struct lpp_source {
	char *uri, *suite;
	bool optional; /* left out, with a warning, where the archive does not have the suite */
	bool flat;
};
struct lpp_sources {
	struct lpp_source *v;
	size_t n, cap;
};
/* local/, under the name that a sandbox knows it by. */
extern const struct lpp_source lpp_sources_local;
#define _cleanup_lpp_sources_ _cleanup_(lpp_sources_done)
void lpp_sources_done(struct lpp_sources *s);
void lpp_sources_add(struct lpp_sources *s, const char *uri, const char *suite,
		     bool optional, bool flat);
void lpp_sources_remove(struct lpp_sources *s, size_t i);

/* The archives that the master's entries name, with the suites of `release` ("a b c") put in. ERR_OPERATOR when the
 * master has no Debian archive among its sources. */
int lpp_sources_derive(struct lpp_sources *s, const struct lpp_entries *es,
		       const char *suites, struct err *err) _must_check_;
/*
 * From a base: "http://host/debian", "file:DIR", "/DIR". Suites of security updates are looked for at <base>-security
 * where `split_security` says so or the base ends in "/debian". A directory without dists/ is a flat one.
 * `strict`: the administrator named the suites, so none is optional.
 */
struct lpp_base {
	const char *base, *suites;
	bool split_security, strict;
};
int lpp_sources_from_base(struct lpp_sources *s, const struct lpp_base *b,
			  struct err *err) _must_check_;

/* The name that apt gives a file below lists/: "ftp.debian.org_debian_dists_trixie_InRelease"; malloc'd. */
char *lpp_sources_list_name(const struct lpp_source *src, const char *file);
/* The directory behind a file: or copy: URI, malloc'd; NULL: it is not one. */
char *lpp_sources_local_dir(const char *uri);
/* "copy:/path" with what a URI must not hold written as %xx; malloc'd. */
char *lpp_sources_copy_uri(const char *path);
