/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A runner inside a mounted alternate root on the client: chroot in a mount, pid and ipc namespace of its own, no
 * network, with private /proc, /sys read-only, /tmp and /run, and a /dev with the harmless nodes and those of `devices` alone.
 * /dev/disk and /dev/mapper are what lies in disk/ and mapper/ of a bind at /run/nimadm, as in the sandbox.
 * So a maintainer's or boot loader's script finds no disk of the running system.
 */
#pragma once

#include "base/strv.h"
#include "sys/root.h"
#include "sys/runner.h"

/* `binds`: "SOURCE:TARGET" pairs, bound read-only below the root (may be NULL). */
int runner_chroot(struct runner **ret, const char *path, const struct strv *devices,
		  const struct strv *binds, struct err *err) _must_check_;
