/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's NFS client of one network namespace. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

/*
 * Every call to the servers of the calling thread's network namespace fails from now on, also those that wait: for servers that do
 * not come back. What is mounted can only be unmounted then. With `only`, just those of the file systems on these devices
 * ("MAJOR:MINOR"). With `dry` nothing is done, but found out whether it could be.
 *
 * 1: nothing is mounted there, or the kernel (before 6.5) has no such switch.
 */
int nfs_client_shutdown(const struct strv *only, bool dry, struct err *err) _must_check_;
