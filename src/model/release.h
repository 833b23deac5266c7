/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Releases we know, as data: one table, in upgrade order per distribution. */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct release {
	const char *distribution; /* os-release ID: "debian" */
	const char *codename;	  /* "trixie" */
	const char *version;	  /* VERSION_ID: "13" */
	int major;
	const char *suites; /* "trixie trixie-updates trixie-security" */
	const char *components;
	const char *keyring; /* under /usr/share/keyrings */
	bool merged_usr;     /* a supported system of this release is merged */
};

/* The whole table; a row of it is what the three below return and take. */
const struct release *release_table(size_t *ret_n);
const struct release *release_find(const char *codename_or_version); /* NULL: unknown */
const struct release *release_next(const struct release *r); /* NULL: none known */
const struct release *release_prev(const struct release *r);
