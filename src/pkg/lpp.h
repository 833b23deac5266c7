/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An lpp_source on disk: a verified repository of one release that holds what its clients need.
 *
 *	<dir>/lpp.json		release, sources, suites, components, keyring, what may be unsigned
 *	<dir>/etc/		apt configuration as a sandbox sees it at /lpp_source/etc: apt.conf (for APT_CONFIG),
 *				sources.list.d/, keyring.gpg
 *	<dir>/apt/		the same for apt on the master, with this machine's paths and proxies
 *	<dir>/lists/		apt's verified indexes (InRelease, Packages), not compressed; a newer apt reads them
 *				as they are, from a read-only directory
 *	<dir>/pool/		package archives under apt's archive names (name_version_arch.deb, ':' as %3a)
 *	<dir>/pool/partial/	unfinished transfers; a later fetch continues them
 *	<dir>/pool.sums		"SHA256  size  name" of each archive as the signed index has it
 *	<dir>/unpack/		the same names; members re-encoded from xz to zstd (half the time to unpack), or a
 *				hard link where that gains nothing: give dpkg these, and apt the pool, since apt
 *				compares sizes with the index. Every archive of the pool is here, too.
 *	<dir>/unpack.sums	"SHA256  size  SHA256-of-pool  name"
 *	<dir>/local/		extra packages of the administrator's, with their own Packages; used with
 *				allow_unsigned=local only, then also found in pool/ and unpack/
 *	<dir>/RPMS/		RPM images
 *	<dir>/old/		the same layout for the release before (without unpack/): pristine configuration files
 */
#pragma once

#include "base/err.h"
#include "base/map.h"
#include "base/strv.h"
#include "model/event.h"

struct lpp_config {
	const char *dir;
	const char *name;    /* the object, for messages; NULL: the directory's name */
	const char *release; /* codename */
	/* URI, "file:DIR", or NULL: NIM_MIRROR, else the master's own apt configuration. */
	const char *source;
	const char *suites, *components, *keyring,
		*packages; /* NULL: the release's defaults */
	/* Names of what may be unsigned: "local", "source"; "expired": an index past its Valid-Until. */
	const char *allow_unsigned;
};
/* After a failure the directory may hold indexes and archives already; the next try goes on with them. */
int lpp_create(const struct lpp_config *cfg, struct events *ev, struct err *err)
	_must_check_;
/* Changes what is set of name, source, suites, components, keyring, packages and allow_unsigned ("": the default) in
 * the record. 1: the contents follow with the next update. */
int lpp_change(const struct lpp_config *cfg, struct err *err) _must_check_;
/* Fetches and verifies the indexes anew; held packages that have a newer version are fetched, archives that no index
 * names any more and damaged ones go. Not while a job uses the lpp_source. */
int lpp_update(const char *dir, struct events *ev, struct err *err) _must_check_;
/* Re-verifies indexes, every file against the signed sums, local index; names each bad file. */
int lpp_check(const char *dir, struct events *ev, struct findings *fs, struct err *err)
	_must_check_;
/* The indexes only, and whether they are past their time (WARN): cheap enough for every job. */
int lpp_check_indexes(const char *dir, struct findings *fs, struct err *err) _must_check_;
/*
 * Fetches the archives that pkg_backend.plan's missing lines ("URI name ...", or just "name") name: four at a time,
 * resumable, verified before they appear under their name. Of a line only the name counts: address, size and SHA-256 are
 * taken from the signed index. Those that are there already cost nothing. Two jobs may call this at once.
 */
int lpp_fetch(const char *dir, const struct strv *missing, struct events *ev,
	      struct err *err) _must_check_;
/*
 * The archive of exactly this version of the release before (NULL: the newest), fetched and verified; path is malloc'd.
 * 1: not to be had. The first call fetches the old release's indexes.
 */
int lpp_fetch_old(const char *dir, const char *package, const char *version,
		  const char *arch, char **ret_path, struct err *err) _must_check_;
/* Sets simages/level facts for `lsnim -l`: "trixie 13.2", number of packages, bytes. */
int lpp_describe(const char *dir, char **ret_level, size_t *ret_packages,
		 uint64_t *ret_bytes, struct err *err) _must_check_;

/* The names of every package in the indexes of the release and, where they are at hand, of the release before (else `old`
 * stays empty): keys with MAP_PRESENT. */
int lpp_package_names(const char *dir, struct map *target, struct map *old,
		      struct err *err) _must_check_;
