/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of phases; nothing else. */
#include "phase/table.h"

const struct phase *const phase_table[PHASE_COUNT] = {
	&phase_preflight,  &phase_clone,   &phase_export,   &phase_mount,
	&phase_premigrate, &phase_prepare, &phase_packages, &phase_postmigrate,
	&phase_bosboot,	   &phase_unmount, &phase_unexport, &phase_finish,
	&phase_cleanup,
};
