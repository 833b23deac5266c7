/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second process that takes something dangerous back if we cannot: when we are killed, or when it takes too long. It is in
 * a session of its own, takes no signals but SIGKILL, and its memory is locked.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct proc_guard {
	pid_t pid;
	int hold; /* while this is open and nothing was written to it, the danger lasts */
	int fired; /* a byte arrives when it has begun to take back */
};
/*
 * After `seconds` (negative: no such limit), or as soon as we are dead, it calls undo(arg), again and again until it is told the end or we are dead: then
 * a last time. `undo` uses system calls only and must be harmless when there is nothing to take back.
 */
int proc_guard_start(struct proc_guard *g, double seconds, void (*undo)(void *arg),
		     void *arg, struct err *err) _must_check_;
bool proc_guard_fired(const struct proc_guard *g);
/* Nothing is to be taken back any more; waits until the guard is gone. True: it had fired before. */
bool proc_guard_end(struct proc_guard *g);
