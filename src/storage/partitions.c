/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Roots on plain partitions: nothing to activate. */
#include "storage/tools.h"

static bool partitions_probe(const struct layout *l)
{
	return true;
}

static int partitions_nothing(const struct storage *s, const struct layout *target,
			      struct err *err)
{
	return 0;
}

const struct storage_backend storage_partitions = {
	.name = "partitions",
	.probe = partitions_probe,
	.create = create_volumes,
	.activate = partitions_nothing,
	.deactivate = partitions_nothing,
	.destroy = destroy_volumes,
};
