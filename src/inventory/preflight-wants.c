/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files of a system the pre-flight reads. By itself, since the client program needs nothing else of the pre-flight. */
#include "inventory/preflight.h"

static const char *const wanted_files[] = {
	"bin",
	"sbin",
	"lib",
	"usr/lib/os-release",
	"var/lib/dpkg/status",
	"var/lib/dpkg/arch",
	"var/lib/dpkg/diversions",
	"var/lib/dpkg/statoverride",
	"var/lib/apt/extended_states",
	"var/lib/ucf/hashfile",
};

bool preflight_wants(void *arg, const char *path)
{
	if (starts_with(path, "etc/"))
		return true;
	/* the configuration names a kernel as well as its image does, in a quarter of a megabyte */
	if (starts_with(path, "boot/config-"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(wanted_files); i++) {
		if (streq(path, wanted_files[i]))
			return true;
	}
	return false;
}

bool preflight_wants_entry(const char *path, bool is_dir)
{
	size_t n = strlen(path);

	if (!is_dir)
		return preflight_wants(NULL, path);
	if (streq(path, "etc") || starts_with(path, "etc/") || streq(path, "boot"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(wanted_files); i++) {
		if (starts_with(wanted_files[i], path) && wanted_files[i][n] == '/')
			return true;
	}
	/* unmerged, or not: the directory itself says so */
	return streq(path, "bin") || streq(path, "sbin") || streq(path, "lib");
}
