/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kinds of roots. */
#include "storage/tools.h"

/* The first that fits. */
static const struct storage_backend *const backends[] = {
	&storage_lvm,
	&storage_partitions,
};

const struct storage_backend *storage_backend_for(const struct layout *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (backends[i]->probe(l))
			return backends[i];
	return NULL;
}
