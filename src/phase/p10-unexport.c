/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 10: remove exports. With an image there are none; the cache tree goes in phase 12, once the new image is written. */
#include "phase/table.h"

const struct phase phase_unexport = {
	.number = 10,
	.name = "unexport",
	.title = "Remove the exports",
	.weight = 0,
	.modes = "",
};
