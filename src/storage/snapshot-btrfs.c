/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots of the running root's btrfs subvolumes. There is no call that makes several, and none can be made of a frozen
 * file system. They are asked for at the same time, and the numbers of the transactions tell whether all are of one moment:
 * made in one, or of subvolumes that did not change until the last one was made. Otherwise they are made again.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "storage/tools.h"
#include "sys/clock.h"
#include "sys/files.h"

#define DIR_NAME ".nimadm.snapshot" /* at the top of the file system */
#define NAME	 "s"
#define TRIES	 8

/* The first subvolume of a file system stands for it. */
static bool is_first(const struct layout *l, size_t fs)
{
	return streq(l->fs[fs].type, "btrfs") && layout_volume_of(l, fs) &&
	       !layout_is_shared(l, fs);
}

static char *device_of(const struct layout *l, size_t fs)
{
	const struct layout_lv *lv = layout_volume_of(l, fs);

	return *lv->vg ? layout_mapper(lv->vg, lv->name) : xstrdup(lv->name);
}

bool snapshot_btrfs_covers(const struct layout *running, const char *mount_point)
{
	for (size_t i = 0; i < running->n_fs; i++)
		if (streq(running->fs[i].mount_point, mount_point))
			return streq(running->fs[i].type, "btrfs") &&
			       layout_volume_of(running, i);
	return false;
}

/* A subvolume of the set: mounted by itself, or nested in one that is. */
struct member {
	char *mount_point, *subvol;
};
struct members {
	struct member *v;
	size_t n;
};

static void members_done(struct members *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].mount_point);
		free(m->v[i].subvol);
	}
	free(m->v);
}

static void add_member(struct members *m, const char *mount_point, const char *subvol)
{
	m->v = xrealloc(m->v, (m->n + 1) * sizeof(*m->v));
	m->v[m->n++] = (struct member){ xstrdup(mount_point), xstrdup(subvol) };
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n == 0 || streq(dir, "/"))
		return true;
	return starts_with(path, dir) && (path[n] == '/' || path[n] == '\0');
}

static bool is_below_any(const char *path, const struct strv *dirs)
{
	for (size_t i = 0; i < dirs->n; i++)
		if (is_below(path, dirs->v[i]))
			return true;
	return false;
}

/* Of the subvolume that a path lies in, the member with the longest name; NULL: in none. */
static const struct member *member_above(const struct members *m, const char *path)
{
	const struct member *best = NULL;

	for (size_t i = 0; i < m->n; i++) {
		const char *subvol = m->v[i].subvol;

		if (is_below(path, subvol) &&
		    (!best || strlen(subvol) > strlen(best->subvol)))
			best = &m->v[i];
	}
	return best;
}

static bool has_subvol(const struct members *m, const char *subvol)
{
	for (size_t i = 0; i < m->n; i++)
		if (streq(m->v[i].subvol, subvol))
			return true;
	return false;
}

/* Paths of the file system's subvolumes from its top on: "ID 257 gen 8 top level 5 path @home". */
static int list_subvolumes(const struct storage *s, const char *top, const char *option,
			   struct strv *ret, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_str_ struct str out = STR_INIT;
	char *cursor, *line;

	strv_add_all(&argv, "btrfs", "subvolume", "list", NULL);
	if (option)
		strv_add(&argv, option);
	strv_add(&argv, top);
	if (tools_read(s, &argv, &out, err) < 0)
		return -1;
	for (cursor = out.p; cursor && (line = next_line(&cursor)) != NULL;) {
		const char *path = strstr(line, " path ");
		if (path)
			strv_add(ret, path + strlen(" path "));
	}
	strv_sort(ret);
	return 0;
}

/* Another file system is mounted over it: nobody sees it. */
static bool is_hidden(const struct snapshot_set *set, const char *above, const char *path)
{
	for (size_t i = 0; i < set->mounts.n; i++)
		if (strlen(set->mounts.v[i]) > strlen(above) &&
		    is_below(set->mounts.v[i], above) && is_below(path, set->mounts.v[i]))
			return true;
	return false;
}

/* A snapshot that cannot be written is somebody's backup: it stays where it is. */
static int add_nested(const struct storage *s, const char *top, struct members *m,
		      struct snapshot_set *set, struct err *err)
{
	_cleanup_strv_ struct strv all = STRV_INIT, fixed = STRV_INIT;
	size_t left = 0;

	if (list_subvolumes(s, top, NULL, &all, err) < 0 ||
	    list_subvolumes(s, top, "-r", &fixed, err) < 0)
		return -1;
	for (size_t i = 0; i < all.n; i++) {
		const struct member *above = member_above(m, all.v[i]);

		if (!above || has_subvol(m, all.v[i]) || starts_with(all.v[i], DIR_NAME))
			continue;
		if (is_below_any(all.v[i], &fixed)) {
			left++;
			continue;
		}
		const char *rest = all.v[i] + strlen(above->subvol);
		_cleanup_free_ char *mount_point = xasprintf(
			"%s%s%s",
			streq(above->mount_point, "/") ? "" : above->mount_point,
			*rest == '/' ? "" : "/", rest);
		if (is_hidden(set, above->mount_point, mount_point))
			continue;
		strv_add(&set->mounts, mount_point);
		strv_add(&set->nested, mount_point);
		add_member(m, mount_point, all.v[i]);
	}
	if (left > 0)
		events_warning(s->events,
			       "%zu read-only snapshots of btrfs are not copied", left);
	return 0;
}

/* One thread's snapshot. */
struct shot {
	int from, to;		 /* the subvolume; the directory that gets it */
	pthread_rwlock_t *start; /* can be read when all are to begin */
	pthread_t thread;
	int errnum;
	uint64_t transaction; /* that made it */
};

static void shots_done(struct shot *shots, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		close_p(&shots[i].from);
		close_p(&shots[i].to);
	}
}

static int read_transaction(struct shot *shot)
{
	_cleanup_close_ int fd = openat(shot->to, NAME,
					O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct btrfs_ioctl_get_subvol_info_args info = { 0 };

	if (fd < 0 || ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &info) < 0)
		return errno;
	shot->transaction = info.otransid;
	return 0;
}

/* Whether the subvolume changed after its snapshot; also when that cannot be told. */
static bool has_changed(const struct shot *shot)
{
	struct btrfs_ioctl_get_subvol_info_args info = { 0 };

	return ioctl(shot->from, BTRFS_IOC_GET_SUBVOL_INFO, &info) < 0 ||
	       info.generation > shot->transaction;
}

static bool is_one_moment(const struct shot *shots, size_t n)
{
	uint64_t last = 0;

	for (size_t i = 0; i < n; i++)
		last = MAX(last, shots[i].transaction);
	for (size_t i = 0; i < n; i++)
		if (shots[i].transaction < last && has_changed(&shots[i]))
			return false;
	return true;
}

static void *shoot(void *arg)
{
	struct shot *shot = arg;
	struct btrfs_ioctl_vol_args_v2 args = { .fd = shot->from,
						.flags = BTRFS_SUBVOL_RDONLY,
						.name = NAME };

	pthread_rwlock_rdlock(shot->start);
	pthread_rwlock_unlock(shot->start);
	shot->errnum = ioctl(shot->to, BTRFS_IOC_SNAP_CREATE_V2, &args) < 0
			       ? errno
			       : read_transaction(shot);
	return NULL;
}

static void unshoot(const struct shot *shots, size_t n)
{
	struct btrfs_ioctl_vol_args args = { .name = NAME };

	for (size_t i = 0; i < n; i++)
		ioctl(shots[i].to, BTRFS_IOC_SNAP_DESTROY, &args);
}

/* 1: they are of one moment. */
static int shoot_all(struct shot *shots, size_t n, struct err *err)
{
	pthread_rwlock_t start = PTHREAD_RWLOCK_INITIALIZER;
	size_t begun = 0;
	int failed = 0;

	pthread_rwlock_wrlock(&start);
	for (; begun < n && failed == 0; begun += failed == 0) {
		shots[begun].start = &start;
		failed = pthread_create(&shots[begun].thread, NULL, shoot, &shots[begun]);
	}
	pthread_rwlock_unlock(&start);
	for (size_t i = 0; i < begun; i++)
		pthread_join(shots[i].thread, NULL);
	errno = failed;
	if (failed != 0)
		return err_set_errno(err, ERR_OPERATOR, "no thread for a snapshot");
	for (size_t i = 0; i < n; i++) {
		errno = shots[i].errnum;
		if (errno != 0)
			return err_set_errno(err, ERR_OPERATOR,
					     "a snapshot of btrfs cannot be made");
	}
	return is_one_moment(shots, n);
}

static int open_shots(struct shot *shots, const struct members *m, const char *top,
		      struct snapshot_set *set, struct err *err)
{
	for (size_t i = 0; i < m->n; i++)
		shots[i].from = shots[i].to = -1;
	for (size_t i = 0; i < m->n; i++) {
		_cleanup_free_ char *from = xasprintf("%s/%s", top, m->v[i].subvol);
		_cleanup_free_ char *to = xasprintf("%s/" DIR_NAME "/%zu", top, i);

		if (files_mkdirs(to, 0700, err) < 0)
			return -1;
		shots[i].from = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		shots[i].to = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (shots[i].from < 0 || shots[i].to < 0)
			return err_set_errno(err, ERR_OPERATOR, "%s: cannot be opened",
					     from);
		strv_add(&set->sources, m->v[i].mount_point);
		strv_addf(&set->sources, "%s/" NAME, to);
	}
	return 0;
}

static int take_all(const struct storage *s, const struct members *m, const char *top,
		    struct snapshot_set *set, struct err *err)
{
	_cleanup_free_ struct shot *shots = xcalloc(m->n, sizeof(*shots));
	int rc = open_shots(shots, m, top, set, err);

	/* What can be written before is not waited for by the others. */
	if (rc == 0 && syncfs(shots[0].from) < 0)
		rc = err_set_errno(err, ERR_OPERATOR, "btrfs cannot be synced");
	for (int n = 1; rc == 0; n++) {
		double since = clock_mono();
		rc = shoot_all(shots, m->n, err);
		if (rc != 0)
			break;
		if (n == TRIES) {
			events_warning(
				s->events,
				"the subvolumes of btrfs are written to all the time: "
				"their snapshots were made one after the other, within "
				"%.0f ms",
				(clock_mono() - since) * 1000);
			break;
		}
		unshoot(shots, m->n);
	}
	shots_done(shots, m->n);
	return rc < 0 ? -1 : 0;
}

static int snapshot_fs(const struct storage *s, const struct layout *running, size_t fs,
		       struct snapshot_set *set, struct err *err)
{
	_cleanup_btrfs_top_ struct btrfs_top top = BTRFS_TOP_INIT;
	_cleanup_(members_done) struct members m = { 0 };
	_cleanup_free_ char *device = device_of(running, fs);

	for (size_t i = 0; i < running->n_fs; i++) {
		if (!streq(running->fs[i].type, "btrfs") ||
		    layout_volume_of(running, i) != layout_volume_of(running, fs))
			continue;
		_cleanup_free_ char *subvol = btrfs_subvol(running->fs[i].options);
		add_member(&m, running->fs[i].mount_point, subvol ? subvol : "");
	}
	if (btrfs_top_open(&top, s, device, err) < 0 ||
	    add_nested(s, top.path, &m, set, err) < 0 ||
	    take_all(s, &m, top.path, set, err) < 0)
		return -1;
	/* Until its snapshots are bound to their places. */
	free(TAKE_PTR(top.path));
	return 0;
}

int snapshot_btrfs_make(const struct storage *s, const struct layout *running,
			struct snapshot_set *set, struct err *err)
{
	for (size_t i = 0; i < running->n_fs; i++)
		if (is_first(running, i) && snapshot_fs(s, running, i, set, err) < 0)
			return -1;
	return 0;
}

static int drop_at(const char *top, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/" DIR_NAME, top);
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct btrfs_ioctl_vol_args args = { .name = NAME };

	if (!files_is_dir(dir))
		return 0;
	if (root_open(&root, dir, err) < 0 || root_list(&root, "/", &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_close_ int fd = root_openat(&root, names.v[i],
						     O_RDONLY | O_DIRECTORY, 0);

		if (fd >= 0 && ioctl(fd, BTRFS_IOC_SNAP_DESTROY, &args) < 0 &&
		    errno != ENOENT)
			return err_set_errno(err, ERR_OPERATOR,
					     "%s/%s: the snapshot cannot be removed", dir,
					     names.v[i]);
		unlinkat(root.fd, names.v[i], AT_REMOVEDIR);
	}
	if (rmdir(dir) < 0)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot be removed", dir);
	return 0;
}

int snapshot_btrfs_drop(const struct storage *s, const struct layout *running,
			struct err *err)
{
	if (btrfs_tops_umount(s, err) < 0)
		return -1;
	for (size_t i = 0; i < running->n_fs; i++) {
		_cleanup_btrfs_top_ struct btrfs_top top = BTRFS_TOP_INIT;

		if (!is_first(running, i))
			continue;
		_cleanup_free_ char *device = device_of(running, i);
		if (btrfs_top_open(&top, s, device, err) < 0 ||
		    drop_at(top.path, err) < 0)
			return -1;
	}
	return 0;
}
