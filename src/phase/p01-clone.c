/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 1: clone the client's root to its spare disks. An image needs none: it is the clone. */
#include "phase/table.h"

const struct phase phase_clone = {
	.number = 1,
	.name = "clone",
	.title = "Clone the root file systems",
	.weight = 0,
	.modes = "",
};
