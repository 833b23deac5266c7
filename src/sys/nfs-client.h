/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's NFS client of one network namespace. */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/*
 * Every call to the servers of the calling thread's network namespace fails from now on, also those that wait: for servers that do
 * not come back. What is mounted can only be unmounted then. With `dry` nothing is done, but found out whether it could be.
 *
 * 1: nothing is mounted there, or the kernel (before 6.5) has no such switch.
 */
int nfs_client_shutdown(bool dry, struct err *err) _must_check_;

/*
 * The same for one file system, by its switch. Whoever begins to unmount it gives the switch another name, so it is opened (for the
 * caller to close) while that is mounted.
 */

/* *ret_fd: of the file system on this device ("MAJOR:MINOR"). 1: the kernel has none. */
int nfs_client_open_switch(const char *device, int *ret_fd, struct err *err) _must_check_;
/* 1: it is not mounted any more. */
int nfs_client_switch_off(int fd, bool dry, struct err *err) _must_check_;
