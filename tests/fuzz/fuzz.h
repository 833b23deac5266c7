/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract between a fuzz harness and its driver: libFuzzer's own, or fuzz-main.c as a plain test. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"

/* Returns 0; a broken promise aborts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Well-formed inputs to start from, NULL-terminated; each harness has them. */
extern const char *const fuzz_seeds[];

#define PROMISE(cond)                                                                    \
	do {                                                                             \
		if (!(cond)) {                                                           \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__,       \
				#cond);                                                  \
			abort();                                                         \
		}                                                                        \
	} while (0)
