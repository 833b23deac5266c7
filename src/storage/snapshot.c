/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The running file systems as they are, for roots or parts of them that have no snapshots. */
#include "storage/tools.h"
#include "sys/files.h"
#include "sys/mount.h"

void snapshot_set_done(struct snapshot_set *s)
{
	free(s->at);
	s->at = NULL;
	strv_done(&s->mounts);
	strv_done(&s->volumes);
	strv_done(&s->live);
}

void snapshot_mounts(const struct layout *running, struct strv *ret)
{
	for (size_t i = 0; i < running->n_fs; i++)
		if (!streq(running->fs[i].type, "swap") && layout_volume_of(running, i))
			strv_add(ret, running->fs[i].mount_point);
	strv_sort(ret); /* a parent is shorter than what lies below it */
}

int snapshot_live(const struct storage *s, const struct layout *running, const char *at,
		  struct snapshot_set *ret, struct err *err)
{
	if (files_mkdirs(at, 0700, err) < 0)
		return -1;
	for (size_t i = 0; i < ret->mounts.n; i++) {
		const char *mp = ret->mounts.v[i];
		_cleanup_free_ char *to = xasprintf("%s%s", at, streq(mp, "/") ? "" : mp);

		if (mount_bind(mp, to, true, err) < 0)
			return -1;
		strv_add(&ret->live, mp);
	}
	return 0;
}
