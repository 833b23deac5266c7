/* SPDX-License-Identifier: GPL-2.0-or-later */
/* grub-pc's answers in debconf's database. */
#include "altdisk/grub-answer.h"

#include "model/debconf.h"

#define DATABASE_MAX ((size_t)64 << 20)
#define OWNER	     "grub-pc"
#define DEVICES	     "grub-pc/install_devices"
#define NOWHERE	     "grub-pc/install_devices_empty"

int grub_answer_apply(const struct root *alt, const char *disk, struct events *events,
		      struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	int rc = root_read_opt(alt, DEBCONF_DATABASE, DATABASE_MAX, &text, err);

	if (rc != 0 || !debconf_has(&text, DEVICES))
		return rc < 0 ? -1 : 0;
	_cleanup_free_ char *devices = debconf_get(&text, DEVICES);
	_cleanup_free_ char *nowhere = debconf_get(&text, NOWHERE);
	if (streq(nowhere, "true") && *devices == '\0')
		return 0;
	bool changed = debconf_put(&text, DEVICES, OWNER, disk);
	changed |= debconf_put(&text, NOWHERE, OWNER, *disk ? "false" : "true");
	if (!changed)
		return 0;
	if (*disk)
		events_step(events, "grub-pc's next update in the clone goes to %s",
			    disk);
	else
		events_warning(
			events,
			"grub-pc's next update in the clone goes to no disk, because this "
			"one has no lasting name below /dev/disk/by-id; once the clone "
			"runs: dpkg-reconfigure grub-pc");
	return root_write(alt, DEBCONF_DATABASE, text.p, text.len, 0644, err);
}
