/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stand-ins, and grub-mkconfig made to use them. */
#include "boot/grub-scripts.h"

#include "boot/boot-internal.h"

#define DIR BOOT_RUN_DIR "/grub"

static const char answers[] =
#include "boot/grub-answers.inc"
	;

/* The other systems on the master's disks are none of the client's. */
static const char nothing[] = "#!/bin/sh\nexit 0\n";

const struct grub_script grub_scripts[] = {
	{ "grub-probe", answers },
	{ "grub-mkrelpath", answers },
	{ "os-prober", nothing },
	{ "linux-boot-prober", nothing },
	{ NULL, NULL },
};

/*
 * grub-mkconfig sets grub_probe to a path of its own whatever the environment says, but the scripts of /etc/grub.d take
 * grub_probe and grub_mkrelpath from the environment (grub-mkconfig_lib). So that one line is what has to be changed.
 */
int grub_mkconfig_rewrite(const char *text, struct str *out, struct err *err)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *cursor = copy, *line;
	bool found = false;

	while ((line = next_line(&cursor)) != NULL) {
		if (!starts_with(line, "grub_probe=")) {
			str_addf(out, "%s\n", line);
			continue;
		}
		str_add(out, "grub_probe=" DIR "/grub-probe\n"
			     "grub_mkrelpath=" DIR "/grub-mkrelpath\n"
			     "export grub_probe grub_mkrelpath\n");
		found = true;
	}
	if (!found)
		return err_set(err, ERR_OPERATOR,
			       "/usr/sbin/grub-mkconfig of the image: has no line "
			       "grub_probe=, it is not the one this program knows");
	return 0;
}
