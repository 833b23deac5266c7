/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 512 bytes of a ustar header. Private to pax-*.c. */
#pragma once

#include <stddef.h>
#include <string.h>

struct pax_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
	char typeflag;
	char linkname[100], magic[6], version[2], uname[32], gname[32];
	char devmajor[8], devminor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct pax_header) == 512, "a tar header is one block");

#define PAX_XATTR     "SCHILY.xattr."
#define PAX_FLAGS_KEY "SCHILY.fflags"
/* Member types and their flags in the header, at the same place; 's' shows itself by records. */
#define PAX_TYPES "fdlhcbps"
#define PAX_FLAGS "05213460"

static inline char pax_typeflag(char type)
{
	const char *p = strchr(PAX_TYPES, type);

	return p ? PAX_FLAGS[p - PAX_TYPES] : '0';
}
