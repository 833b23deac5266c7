/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packages for a clone, installed by its own apt: -b, -w, -l and -I of alt_disk_copy and alt_rootvg_op.
 *
 * apt runs in the mounted clone (sys/runner-chroot.h) and sees none of this machine's disks but the clone's; what fetches has
 * this machine's network, what installs has none. Stand-ins, first in its PATH, take the place of the programs that start
 * services, build an initramfs or write a boot loader: phase 3 does the latter two. Nothing of ours stays in the clone but
 * BOOT_STALE_NOTE. Nothing is removed: where apt would have to, it fails.
 */
#pragma once

#include "model/event.h"
#include "model/layout.h"
#include "sys/root.h"

struct packages {
	const char *bundle; /* a file, or "update_all": new versions of all; or NULL */
	struct strv names;
	const char *
		location; /* a directory of archives; NULL: what the clone's apt is set to */
	const char *flags; /* more of apt-get's options, separated by blanks; or NULL */
};
void packages_done(struct packages *p);
bool packages_wanted(const struct packages *p);
/* Read only. */
int packages_check(const struct packages *p, struct err *err) _must_check_;

struct packages_place {
	const struct root *alt;	    /* the mounted clone */
	const struct strv *devices; /* nodes that scripts may see: the clone's */
	const char *disk;	    /* the clone's boot disk: a lasting name, or "" */
	const char *run_dir;	    /* ours to make and to remove, outside of the clone */
	struct events *events;
};
/* Can be repeated after a failure at any point. */
int packages_install(const struct packages *p, const struct packages_place *place,
		     struct err *err) _must_check_;
