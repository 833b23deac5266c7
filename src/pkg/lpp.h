/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An lpp_source on disk: a verified repository of one release that holds what its clients need.
 *
 *	<dir>/lpp.json		release, sources, suites, components, keyring, what may be unsigned
 *	<dir>/etc/		apt configuration: sources.list.d/lpp.sources, keyring.gpg
 *	<dir>/lists/		apt's verified indexes (InRelease, Packages)
 *	<dir>/pool/		package archives under apt's archive names (name_version_arch.deb, ':' as %3a)
 *	<dir>/pool.sums		"SHA256  size  name" of each archive as the signed index has it
 *	<dir>/local/		extra packages of the administrator's, with their own Packages
 *	<dir>/RPMS/		RPM images
 *	<dir>/old/		the same layout for the release before: pristine configuration files
 */
#pragma once

#include "base/err.h"
#include "base/strv.h"
#include "model/event.h"

struct lpp_config {
	const char *dir;
	const char *release; /* codename */
	const char *
		source; /* URI, "file:DIR", or NULL: the master's own apt configuration / NIM_MIRROR */
	const char *suites, *components, *keyring,
		*packages;	    /* NULL: the release's defaults */
	const char *allow_unsigned; /* names of what may be unsigned: "local", "source" */
};
int lpp_create(const struct lpp_config *cfg, struct events *ev, struct err *err)
	_must_check_;
/* Fetches and verifies the indexes anew, refetches held packages that have a newer version. */
int lpp_update(const char *dir, struct events *ev, struct err *err) _must_check_;
/* Re-verifies indexes, every file against the signed sums, local index; names each bad file. */
int lpp_check(const char *dir, struct events *ev, struct findings *fs, struct err *err)
	_must_check_;
/* Fetches archives named by pkg_backend.plan's missing lines: four at a time, resumable, verified before they appear under
 * their name. Those that are there already cost nothing. Two jobs may call this at once. */
int lpp_fetch(const char *dir, const struct strv *missing, struct events *ev,
	      struct err *err) _must_check_;
/* The archive of exactly this version of the release before, fetched and verified; path is malloc'd. 1: not to be had. */
int lpp_fetch_old(const char *dir, const char *package, const char *version,
		  const char *arch, char **ret_path, struct err *err) _must_check_;
/* Sets simages/level facts for `lsnim -l`: "trixie 13.2", number of packages, bytes. */
int lpp_describe(const char *dir, char **ret_level, size_t *ret_packages,
		 uint64_t *ret_bytes, struct err *err) _must_check_;
