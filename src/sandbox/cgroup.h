/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transient control group for one command: limits of memory and processes, and the means to kill what is left.
 *
 * Works with the unified hierarchy (v2), with the old controllers (v1) and with a mixture of both. The group is made below
 * the caller's own, or below the nearest ancestor that can have one. Where none can be made, the group stays empty.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

enum cgroup_controller { CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CONTROLLER_COUNT_ };

struct cgroup_part {
	char *dir;     /* NULL: this controller is not to be had */
	bool unified;  /* v2 */
	bool borrowed; /* the other part owns the same directory */
};
struct cgroup {
	struct cgroup_part part[CGROUP_CONTROLLER_COUNT_];
};
#define CGROUP_INIT                                                                      \
	{                                                                                \
		{                                                                        \
			{                                                                \
				NULL, false, false                                       \
			}                                                                \
		}                                                                        \
	}

/*
 * Directory of this process's own group of `controller`, from the texts of /proc/self/mountinfo and /proc/self/cgroup.
 * malloc'd; NULL when the controller is not mounted. *ret_unified: it is the v2 hierarchy (where the controller may still
 * be missing). *ret_top: length of the mount point's part of the name.
 */
char *cgroup_locate(const char *mountinfo, const char *own, const char *controller,
		    bool *ret_unified, size_t *ret_top);

/* Makes the group and sets the limits. What cannot be limited is left out: look at part[].dir. */
int cgroup_create(struct cgroup *g, uint64_t memory_max, unsigned process_max,
		  struct err *err) _must_check_;
int cgroup_attach(const struct cgroup *g, pid_t pid, struct err *err) _must_check_;
/* How many processes the kernel killed for want of memory in the group. */
uint64_t cgroup_oom_kills(const struct cgroup *g);
/* Kills what is left, waits until it is gone, removes the group. */
int cgroup_destroy(struct cgroup *g, struct err *err) _must_check_;
