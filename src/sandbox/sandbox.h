/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sandbox: a runner for code that comes from a client's disk or from packages.
 *
 * Inside: the SPOT read-only at /, the alternate root at /alt_inst, the lpp_source read-only at /lpp_source,
 * a private /dev without a real device, /proc, /tmp, /run and an empty network; the same private /dev, /proc, /run and
 * /tmp below /alt_inst; its users and groups are the alternate root's. Own pid, ipc, uts, mount and net namespaces; a bounded set of capabilities; a seccomp filter that
 * refuses kernel-changing calls and lets fsync, fdatasync, sync, syncfs, sync_file_range and msync succeed at once.
 * Limits of processes and memory through cgroups (v2 or v1); of time by proc_spec. Nothing survives the command.
 */
#pragma once

#include "sys/root.h"
#include "sys/runner.h"

struct sandbox_bind {
	const char *source,
		*target; /* target: absolute, inside; below /run or /alt_inst/run only */
	bool writable;
};

struct sandbox_config {
	const char *spot; /* directory of the tool tree */
	const char *root; /* the alternate root, or NULL */
	bool root_read_only;
	const char *lpp_source; /* directory, or NULL */
	const struct sandbox_bind *binds;
	size_t n_binds;
	uint64_t memory_max;  /* bytes; 0: half of the machine's */
	unsigned process_max; /* 0: 4096 */
	unsigned timeout_s;   /* default of each command; 0: 2 hours */
	bool network;	      /* never set for a client's code */
};

#define SANDBOX_ROOT "/alt_inst"
#define SANDBOX_LPP  "/lpp_source"

/* Copies the configuration. Each run checks that the alternate root's mount points are real directories
 * (an image whose /dev, /proc, /run, /sys or /tmp is a symbolic link is refused). */
int sandbox_new(struct runner **ret, const struct sandbox_config *cfg, struct err *err)
	_must_check_;

/* Programs the sandbox needs on the master. */
int sandbox_check(struct err *err) _must_check_;

/* Which limits cannot be enforced on this machine, for want of a control group: a sentence, malloc'd; NULL: all can. */
char *sandbox_limits_missing(void);
