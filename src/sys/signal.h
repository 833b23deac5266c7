/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cancellation: SIGINT, SIGTERM and SIGHUP set a flag that long loops ask for; proc_run watches it too.
 * SIGPIPE is ignored.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

void cancel_install(void); /* once, at the start of a program */
bool cancel_requested(void);
void cancel_request(int signo); /* as if the signal had come (tests) */
/* For a thread: as if a signal had come, and cancel_check fails with this error, of kind ERR_CANCELLED. Once; a signal goes first. */
void cancel_because(const struct err *why);
/* What was asked for was not meant: from here on it counts as not asked. */
void cancel_forget(void);
/* A descriptor that becomes readable on cancellation, for poll; -1 before cancel_install. */
int cancel_fd(void);
/* 0, or -1 with ERR_CANCELLED "interrupted by SIGTERM", or what cancel_because was told. */
int cancel_check(struct err *err) _must_check_;
