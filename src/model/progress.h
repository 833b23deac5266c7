/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Progress of one long operation: plain numbers; who renders them is not the worker's business. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum progress_unit { PROGRESS_BYTES, PROGRESS_PACKAGES, PROGRESS_FILES, PROGRESS_STEPS };
const char *progress_unit_name(enum progress_unit unit); /* "bytes" */

struct progress {
	/* Called from the worker's calling thread, at will; the receiver limits its own rate. `item` may be NULL. */
	void (*fn)(void *arg, enum progress_unit unit, uint64_t done, uint64_t total,
		   const char *item);
	void *arg;
};

static inline void progress_report(const struct progress *p, enum progress_unit unit,
				   uint64_t done, uint64_t total, const char *item)
{
	if (p && p->fn)
		p->fn(p->arg, unit, done, total, item);
}
