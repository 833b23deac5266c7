/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A runner inside a mounted alternate root on the client: chroot in a mount, pid and ipc namespace of its own, no
 * network unless asked for, with private /proc, /sys read-only, /tmp and /run, and a /dev with the harmless nodes and those of `devices` alone.
 * /dev/disk and /dev/mapper are what lies in disk/ and mapper/ of a bind at /run/nimadm, as in the sandbox.
 * So a maintainer's or boot loader's script finds no disk of the running system.
 */
#pragma once

#include "base/strv.h"
#include "sys/root.h"
#include "sys/runner.h"

/* What of this machine is seen in there; all of it may be left out. */
struct chroot_view {
	const struct strv *devices; /* their nodes, below /dev */
	const struct strv
		*binds; /* "SOURCE:TARGET" pairs, bound read-only below the root */
	bool network;	/* this machine's, instead of none */
};
int runner_chroot(struct runner **ret, const char *path, const struct chroot_view *view,
		  struct err *err) _must_check_;
