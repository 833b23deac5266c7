/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dpkg's package state (var/lib/dpkg/status) as records: names, versions, states and configuration files. */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct dpkg_conffile {
	char *path;    /* "/etc/login.defs" */
	char md5[33];  /* of the version last shipped; "newconffile" entries have "" */
	bool obsolete; /* the package ships it no longer */
};

struct dpkg_package {
	char *name, *arch, *version, *section, *priority; /* never NULL */
	char *want, *flag, *state; /* "install" "ok" "installed"; want "hold" */
	bool essential;
	uint64_t installed_size; /* bytes; 0: not told */
	struct dpkg_conffile *conffiles;
	size_t n_conffiles;
};

struct dpkg_status {
	struct dpkg_package *v; /* in the file's order */
	size_t n, cap;
};
#define DPKG_STATUS_INIT                                                                 \
	{                                                                                \
		NULL, 0, 0                                                               \
	}
#define _cleanup_dpkg_status_ _cleanup_(dpkg_status_done)

int dpkg_status_parse(struct dpkg_status *st, const char *label, const char *text,
		      size_t len, struct err *err) _must_check_;
void dpkg_status_done(struct dpkg_status *st);
/* Files are there: everything but "not-installed" and "config-files". */
bool dpkg_is_present(const struct dpkg_package *p);
/* The first entry of that name that is present, else the first entry; arch NULL: any. NULL when absent. */
const struct dpkg_package *dpkg_status_find(const struct dpkg_status *st,
					    const char *name, const char *arch);
