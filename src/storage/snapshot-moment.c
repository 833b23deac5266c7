/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All snapshots of LVM of one moment.
 *
 * LVM makes one snapshot a command, and refuses volumes whose file systems stand still. So LVM makes them one after the
 * other, and here they are emptied and begun anew together: each gets its table once more, with nothing in its store, which
 * is not used before the device is resumed. Then the volumes are suspended, which freezes their file systems; the snapshots
 * are resumed, then the volumes. (Thin snapshots are deleted in the pool before, and made again, with the same number, in
 * between.) In LVM's metadata nothing changes by that: LVM removes these snapshots as any other.
 *
 * While volumes are suspended, the root's file system is, too: our memory is locked, we make system calls only, and a guard
 * lets the volumes go on if we are killed or if one of them cannot be frozen within a few seconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "storage/tools.h"
#include "sys/dm.h"
#include "sys/proc-guard.h"

#define SECTOR	 512u
#define WINDOW_S 10.0
#define TRIES	 3

struct shot {
	char *mount_point;
	char *origin, *snapshot; /* devices */
	bool thin;
	struct dm_target table; /* the snapshot's */
	char pool[32];		/* thin: "254:3" */
	unsigned id, origin_id; /* thin: in the pool */
};
struct shots {
	int dm;
	struct shot *v;
	size_t n;
};

static void shots_done(struct shots *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].mount_point);
		free(s->v[i].origin);
		free(s->v[i].snapshot);
		dm_target_done(&s->v[i].table);
	}
	free(s->v);
	close_p(&s->dm);
}

static char *device_name(const char *vg, const char *lv)
{
	_cleanup_free_ char *mapper = layout_mapper(vg, lv);

	return xstrdup(mapper + strlen("/dev/mapper/"));
}

/* 1: its kind cannot be begun anew. */
static int read_shot(int dm, struct shot *shot, struct err *err)
{
	_cleanup_dm_target_ struct dm_target origin = DM_TARGET_INIT;
	char pool[32];

	if (dm_table(dm, shot->origin, &origin, err) < 0 ||
	    dm_table(dm, shot->snapshot, &shot->table, err) < 0)
		return -1;
	if (streq(origin.type, "snapshot-origin") && streq(shot->table.type, "snapshot"))
		return 0;
	shot->thin = true;
	return !streq(origin.type, "thin") || !streq(shot->table.type, "thin") ||
	       sscanf(origin.params, "%31s %u", pool, &shot->origin_id) != 2 ||
	       sscanf(shot->table.params, "%31s %u", shot->pool, &shot->id) != 2 ||
	       !streq(pool, shot->pool);
}

/* What a snapshot keeps of its origin begins with a head in the first chunk; without one it is empty. */
static int empty_store(const struct shot *shot, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("/dev/mapper/%s-cow", shot->snapshot);
	unsigned major = 0, minor = 0, chunk = 0;
	struct stat st;

	if (sscanf(shot->table.params, "%*s %u:%u %*s %u", &major, &minor, &chunk) != 3 ||
	    chunk == 0)
		return err_set(err, ERR_INTERNAL, "%s: the table '%s' is not understood",
			       shot->snapshot, shot->table.params);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot be opened", path);
	if (!S_ISBLK(st.st_mode) || st.st_rdev != makedev(major, minor))
		return err_set(err, ERR_INTERNAL, "%s: is not the store of %s", path,
			       shot->snapshot);
	_cleanup_free_ char *zero = xcalloc(chunk, SECTOR);
	if (pwrite(fd, zero, (size_t)chunk * SECTOR, 0) != (ssize_t)chunk * SECTOR ||
	    fsync(fd) < 0)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot be written", path);
	return 0;
}

/* From here on until its volume was suspended the snapshot shows nothing. */
static int prepare(const struct shots *s, const struct shot *shot, struct err *err)
{
	struct dm_target nothing = { "error", shot->table.sectors, NULL };
	_cleanup_free_ char *message = xasprintf("delete %u", shot->id);

	nothing.params = (char[1]){ 0 };
	if (dm_load(s->dm, shot->snapshot, &nothing, err) < 0)
		return -1;
	if (dm_resume(s->dm, shot->snapshot) < 0)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot be resumed",
				     shot->snapshot);
	/* What an earlier try deleted already is no longer there. */
	struct err gone = { 0 };
	if (shot->thin && dm_message(s->dm, shot->pool, message, &gone) < 0 &&
	    gone.errnum != ENODATA) {
		*err = gone;
		return -1;
	}
	if (shot->thin)
		return 0;
	return empty_store(shot, err) < 0
		       ? -1
		       : dm_load(s->dm, shot->snapshot, &shot->table, err);
}

static int begin(const struct shots *s, const struct shot *shot, struct err *err)
{
	char message[64];

	if (shot->thin) {
		snprintf(message, sizeof(message), "create_snap %u %u", shot->id,
			 shot->origin_id);
		return dm_message(s->dm, shot->pool, message, err);
	}
	if (dm_resume(s->dm, shot->snapshot) < 0)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot be resumed",
				     shot->snapshot);
	return 0;
}

static int show(const struct shots *s, const struct shot *shot, struct err *err)
{
	if (!shot->thin)
		return 0;
	if (dm_load(s->dm, shot->snapshot, &shot->table, err) < 0)
		return -1;
	if (dm_resume(s->dm, shot->snapshot) < 0)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot be resumed",
				     shot->snapshot);
	return 0;
}

/* What can be written before is not waited for while the others stand still. */
static int write_back(const struct shot *shot, struct err *err)
{
	_cleanup_close_ int fd = open(shot->mount_point,
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd) < 0)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot be synced",
				     shot->mount_point);
	return 0;
}

static void resume_origins(void *arg)
{
	const struct shots *s = arg;

	for (size_t i = s->n; i-- > 0;) {
		int rc = dm_resume(s->dm, s->v[i].origin);
		(void)rc; /* a device that is gone is not suspended */
	}
}

/* Between the first volume's suspension and the last one's resumption. */
static int shoot_suspended(struct shots *s, const struct proc_guard *guard,
			   struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n && !proc_guard_fired(guard); i++)
		if (dm_suspend(s->dm, s->v[i].origin) < 0)
			rc = err_set_errno(err, ERR_OPERATOR, "%s: cannot be suspended",
					   s->v[i].origin);
	for (size_t i = 0; rc == 0 && i < s->n && !proc_guard_fired(guard); i++)
		rc = begin(s, &s->v[i], err);
	resume_origins(s);
	return rc;
}

/* 1: it took too long. */
static int shoot(struct shots *s, struct err *err)
{
	struct proc_guard guard;

	for (size_t i = 0; i < s->n; i++)
		if (prepare(s, &s->v[i], err) < 0)
			return -1;
	for (size_t i = 0; i < s->n; i++)
		if (write_back(&s->v[i], err) < 0)
			return -1;
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		return err_set_errno(err, ERR_OPERATOR, "memory cannot be locked");
	int rc = proc_guard_start(&guard, WINDOW_S, resume_origins, s, err);
	if (rc == 0) {
		rc = shoot_suspended(s, &guard, err);
		if (proc_guard_end(&guard) && rc == 0)
			rc = 1;
	}
	munlockall();
	for (size_t i = 0; rc == 0 && i < s->n; i++)
		rc = show(s, &s->v[i], err);
	return rc;
}

static int shoot_tries(struct shots *s, struct err *err)
{
	int rc = 1;

	for (int n = 0; rc == 1 && n < TRIES; n++)
		rc = shoot(s, err);
	return rc;
}

static int shoot_each(const struct storage *st, struct shots *s, struct err *err)
{
	events_warning(st->events,
		       "the file systems cannot be frozen together within %.0f s: "
		       "their snapshots are made one after the other",
		       WINDOW_S);
	for (size_t i = 0; i < s->n; i++) {
		struct shots one = { s->dm, &s->v[i], 1 };
		int rc = shoot_tries(&one, err);

		if (rc == 1) {
			err_set(err, ERR_OPERATOR, "%s: cannot be frozen within %.0f s",
				s->v[i].mount_point, WINDOW_S);
			return err_remedy(err, "look for a disk that does not answer; "
					       "or run it again when less is written");
		}
		if (rc < 0)
			return -1;
	}
	return 0;
}

int snapshot_lvm_one_moment(const struct storage *st, const struct lvm_snapshot *made,
			    size_t n, struct err *err)
{
	_cleanup_(shots_done) struct shots s = { .dm = -1 };
	bool known = true;

	if (n < 2)
		return 0;
	s.dm = dm_open(err);
	if (s.dm < 0)
		return -1;
	s.v = xcalloc(n, sizeof(*s.v));
	/* The root's file system stands still for the shortest time. */
	for (s.n = 0; s.n < n; s.n++) {
		const struct lvm_snapshot *from = &made[n - 1 - s.n];
		s.v[s.n] = (struct shot){
			.mount_point = xstrdup(from->mount_point),
			.origin = device_name(from->vg, from->origin),
			.snapshot = device_name(from->vg, from->name),
			.table = DM_TARGET_INIT,
		};
	}
	for (size_t i = 0; i < s.n; i++) {
		int rc = read_shot(s.dm, &s.v[i], err);
		if (rc < 0)
			return -1;
		known = known && rc == 0;
	}
	if (!known) {
		events_warning(st->events,
			       "volumes of this kind cannot be frozen together: "
			       "their snapshots were made one after the other");
		return 0;
	}
	int rc = shoot_tries(&s, err);
	return rc == 1 ? shoot_each(st, &s, err) : rc;
}

void snapshot_lvm_release(const struct lvm_snapshot *left)
{
	struct err ignored = { 0 };
	_cleanup_free_ char *origin = device_name(left->vg, left->origin);
	_cleanup_free_ char *snapshot = device_name(left->vg, left->name);
	_cleanup_close_ int dm = dm_open(&ignored);

	if (dm < 0)
		return;
	/* Should one of them fail, LVM will say why it cannot go on. */
	if (dm_is_suspended(dm, origin) && dm_resume(dm, origin) < 0)
		return;
	int rc = dm_clear(dm, snapshot);
	/* LVM takes a thin volume that shows nothing for the pool's last one, and would stop the pool with it. */
	_cleanup_dm_target_ struct dm_target of = DM_TARGET_INIT, shows = DM_TARGET_INIT;
	if (dm_table(dm, origin, &of, &ignored) == 0 && streq(of.type, "thin") &&
	    dm_table(dm, snapshot, &shows, &ignored) == 0 && streq(shows.type, "error"))
		rc = dm_remove(dm, snapshot);
	(void)rc;
}
