/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packages that the indexes of an lpp_source name, and indexes of directories without one. */
#pragma once

#include "base/map.h"
#include "pkg/lpp-conf.h"

/* An archive as a verified index has it. */
struct lpp_archive {
	char *name; /* apt's name for it: name_version_arch.deb, ':' as %3a */
	char *package, *version, *arch;
	char *sha256; /* 64 hex digits */
	char *uri;
	uint64_t size;
};
struct lpp_archives {
	struct lpp_archive *v;
	size_t n, cap;
};
#define _cleanup_lpp_archives_ _cleanup_(lpp_index_archives_done)
void lpp_index_archives_done(struct lpp_archives *as);

/* What one Packages stanza says; not terminated, valid during the call only. */
struct lpp_stanza {
	const char *begin;
	size_t len;
	struct {
		const char *p;
		size_t len;
	} package, version, arch, filename, size, sha256;
};
/* Calls fn for every stanza of every index; fn returns 0 to go on, 1 to stop, -1 with *err. */
typedef int (*lpp_index_fn)(void *arg, const struct lpp_source *src,
			    const struct lpp_stanza *st, struct err *err);
int lpp_index_scan(const struct lpp *l, lpp_index_fn fn, void *arg, struct err *err)
	_must_check_;

/* The archives of these names (a set); each once. Those that no index names are absent from the result. */
int lpp_index_find(const struct lpp *l, const struct map *names, struct lpp_archives *ret,
		   struct err *err) _must_check_;
void lpp_index_from_stanza(struct lpp_archive *a, const struct lpp_source *src,
			   const struct lpp_stanza *st);
/* "name_version_arch.deb" in apt's writing; malloc'd. */
char *lpp_index_archive_name(const char *package, const char *version, const char *arch);

/* Sorted names of the .deb files in `dir`. */
int lpp_index_debs(const char *dir, struct strv *ret, struct err *err) _must_check_;
/* Writes a Packages index of the .deb files that lie in `dir` to `path`. */
int lpp_index_build(const char *dir, const char *path, struct err *err) _must_check_;
