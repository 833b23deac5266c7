/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of known releases. */
#include "model/release.h"

#define DEBIAN_KEYRING "debian-archive-keyring.gpg"

/* In upgrade order; a row's neighbours of the same distribution are its next and previous release. */
static const struct release releases[] = {
	{ "debian", "buster", "10", 10, "buster buster-updates buster/updates",
	  "main contrib non-free", DEBIAN_KEYRING, false },
	{ "debian", "bullseye", "11", 11, "bullseye bullseye-updates bullseye-security",
	  "main contrib non-free", DEBIAN_KEYRING, false },
	{ "debian", "bookworm", "12", 12, "bookworm bookworm-updates bookworm-security",
	  "main contrib non-free non-free-firmware", DEBIAN_KEYRING, true },
	{ "debian", "trixie", "13", 13, "trixie trixie-updates trixie-security",
	  "main contrib non-free non-free-firmware", DEBIAN_KEYRING, true },
	{ "debian", "forky", "14", 14, "forky forky-updates forky-security",
	  "main contrib non-free non-free-firmware", DEBIAN_KEYRING, true },
};

const struct release *release_table(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(releases);
	return releases;
}

const struct release *release_find(const char *codename_or_version)
{
	for (size_t i = 0; codename_or_version && i < ARRAY_SIZE(releases); i++)
		if (streq(releases[i].codename, codename_or_version) ||
		    streq(releases[i].version, codename_or_version))
			return &releases[i];
	return NULL;
}

static const struct release *neighbour(const struct release *r, ptrdiff_t step)
{
	ptrdiff_t i = r - releases + step;

	if (i < 0 || i >= (ptrdiff_t)ARRAY_SIZE(releases) ||
	    !streq(releases[i].distribution, r->distribution))
		return NULL;
	return &releases[i];
}

const struct release *release_next(const struct release *r)
{
	return neighbour(r, 1);
}

const struct release *release_prev(const struct release *r)
{
	return neighbour(r, -1);
}
