/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The twelve phases and the pre-flight, in order. */
#pragma once

#include "engine/phase.h"

extern const struct phase phase_preflight, phase_clone, phase_export, phase_mount,
	phase_premigrate, phase_prepare, phase_packages, phase_postmigrate, phase_bosboot,
	phase_unmount, phase_unexport, phase_finish, phase_cleanup;

extern const struct phase *const phase_table[PHASE_COUNT];

/* engine_config.on_failed for -E: a shell in the alternate root, in the sandbox; nothing without a terminal. */
void phase_debug_shell(void *arg, struct phase_ctx *c, const struct err *cause);

/* For the end of a process that ran phases, however they ended: unmounts the job's trees and writes them to disk, so that a
 * later invocation can trust them even after a reboot. Without it a dirty tree is refused and -C is the way out. */
int phase_release(struct job *job, struct err *err) _must_check_;
