/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Roots on plain partitions: nothing to activate, and no snapshots. */
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

static int partitions_snapshot(const struct storage *s, const struct layout *running,
			       const char *at, struct snapshot_set *ret, struct err *err)
{
	snapshot_mounts(running, &ret->mounts);
	ret->at = xstrdup(at);
	ret->consistent = false;
	return snapshot_live(s, running, at, ret, err);
}

static int partitions_snapshot_check(const struct storage *s,
				     const struct snapshot_set *set, struct err *err)
{
	return 0;
}

static int partitions_snapshot_drop(const struct storage *s,
				    const struct snapshot_set *set, struct err *err)
{
	return set->at ? storage_umount(s, set->at, err) : 0;
}

const struct storage_backend storage_partitions = {
	.name = "partitions",
	.probe = partitions_probe,
	.create = create_volumes,
	.activate = partitions_nothing,
	.deactivate = partitions_nothing,
	.destroy = destroy_volumes,
	.snapshot = partitions_snapshot,
	.snapshot_check = partitions_snapshot_check,
	.snapshot_drop = partitions_snapshot_drop,
};
