/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 9: push changes back and drop the master's mounts. With an image nothing is mounted between phases. */
#include "phase/table.h"

const struct phase phase_unmount = {
	.number = 9,
	.name = "unmount",
	.title = "Unmount on the master",
	.weight = 0,
	.modes = "",
};
