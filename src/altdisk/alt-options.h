/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of an option table that several commands have; AT(field) is the command's own. */
#pragma once

#define ALT_OPT_DISKS                                                                    \
	{                                                                                \
		"disks", 'd', OPT_WORDS, AT(disks), "DISKS",                             \
			"The target disks: names below /dev or serial numbers."          \
	}
#define ALT_OPT_IMAGE_DATA                                                                \
	{                                                                                 \
		"image-data", 'i', OPT_STRING, AT(image_data), "FILE",                    \
			"Sizes of the file systems, SHRINK and EXACT_FIT: image.data(5)." \
	}
#define ALT_OPT_UNMIRROR                                                                             \
	{                                                                                            \
		"unmirror", 0, OPT_FLAG, AT(unmirror), NULL,                                         \
			"Make plain volumes where the system has mirrored ones: one disk is enough." \
	}
#define ALT_OPT_SCRIPT                                                                                  \
	{                                                                                               \
		"script", 's', OPT_STRING, AT(script), "FILE",                                          \
			"Run this program as the last thing of phase 2, in the clone's top directory; " \
			"NIM_ALT_INST names it."                                                        \
	}
#define ALT_OPT_FIRST_BOOT                                                                    \
	{                                                                                     \
		"first-boot", 'x', OPT_STRING, AT(first_boot), "FILE",                        \
			"Install this program in the clone: it runs once, on its first boot." \
	}
#define ALT_OPT_RESOLV_CONF                                                              \
	{                                                                                \
		"resolv-conf", 'R', OPT_STRING, AT(resolv_conf), "FILE",                 \
			"Replace the clone's /etc/resolv.conf by this file."             \
	}
#define ALT_OPT_BUNDLE                                                                                                \
	{                                                                                                             \
		"bundle", 'b', OPT_STRING, AT(packages.bundle), "FILE|update_all",                                    \
			"Install the packages that this file names in the clone, or new versions of all that it has." \
	}
#define ALT_OPT_PACKAGES                                                                 \
	{                                                                                \
		"packages", 'w', OPT_WORDS, AT(packages.names), "PACKAGES",              \
			"Install these packages in the clone."                           \
	}
#define ALT_OPT_LOCATION                                                                                        \
	{                                                                                                       \
		"location", 'l', OPT_STRING, AT(packages.location), "DIR",                                      \
			"Take packages from this directory alone; without it, from where the clone's apt does." \
	}
#define ALT_OPT_APT_FLAGS                                                                \
	{                                                                                \
		"apt-flags", 'I', OPT_STRING, AT(packages.flags), "FLAGS",               \
			"Give apt-get these options too."                                \
	}
#define ALT_OPT_PHASES                                                                   \
	{                                                                                \
		"phases", 'P', OPT_STRING, AT(phases), "PHASES",                         \
			"Run these phases only: 1, 2, 3, 12, 23 or all."                 \
	}
#define ALT_OPT_NO_BOOTLIST                                                              \
	{                                                                                \
		"no-bootlist", 'B', OPT_FLAG, AT(no_bootlist), NULL,                     \
			"Leave the boot list alone."                                     \
	}
#define ALT_OPT_REBOOT                                                                   \
	{                                                                                \
		"reboot", 'r', OPT_FLAG, AT(reboot), NULL, "Reboot when all is done."    \
	}
#define ALT_OPT_NO_SPACE_CHECK                                                           \
	{                                                                                \
		"no-space-check", 'S', OPT_FLAG, AT(no_space_check), NULL,               \
			"Do not check whether the files fit into the new file systems."  \
	}
#define ALT_OPT_NO_BOOT_CHECK                                                                         \
	{                                                                                             \
		"no-boot-check", 'g', OPT_FLAG, AT(no_boot_check), NULL,                              \
			"Go on where the check of the boot chain says that the clone would not boot." \
	}
#define ALT_OPT_VERBOSE                                                                  \
	{                                                                                \
		"verbose", 'V', OPT_FLAG, AT(verbose), NULL,                             \
			"Also show what the programs print."                             \
	}
#define ALT_OPT_DEBUG                                                                    \
	{                                                                                \
		"debug", 'D', OPT_FLAG, AT(debug), NULL,                                 \
			"Show each command that is run, on standard error."              \
	}
#define ALT_OPT_PREVIEW                                                                  \
	{                                                                                \
		"preview", 'p', OPT_FLAG, AT(preview), NULL,                             \
			"Only check whether it can be done; change nothing."             \
	}
#define ALT_OPT_FORCE                                                                       \
	{                                                                                   \
		"force", 'F', OPT_FLAG, AT(force), NULL,                                    \
			"Take a target that holds an earlier clone or what is left of one." \
	}
#define ALT_OPT_WIPE                                                                                       \
	{                                                                                                  \
		"wipe-disk", 0, OPT_LIST, AT(wipe_serials), "SERIAL",                                      \
			"Take the target of this serial number whatever it holds: all of it is lost. May " \
			"be repeated."                                                                     \
	}
