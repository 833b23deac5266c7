/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine is, and its clones. */
#include "altdisk/host.h"

#include "altdisk/beat.h"
#include "inventory/layout-read.h"
#include "sys/files.h"
#include "sys/lock.h"
#include "sys/mount.h"

#define LOCK_FILE   RUN_DIR "/altdisk.lock"
#define LOCK_WAIT_S 10u

static void clones_done(struct host *h)
{
	for (size_t i = 0; i < h->n_others; i++)
		layout_done(&h->clones[i]);
	free(h->clones);
	h->clones = NULL;
	h->n_clones = h->n_others = 0;
}

void host_done(struct host *h)
{
	clones_done(h);
	disks_done(&h->disks);
	layout_done(&h->running);
	root_done(&h->root);
	close_p(&h->lock);
}

static int take_lock(struct host *h, struct err *err)
{
	if (app_need_root(err) < 0 || files_mkdirs(RUN_DIR, 0755, err) < 0)
		return -1;
	/* a master whose connection was lost tries again while what it had begun still cleans up */
	h->lock = lock_file(LOCK_FILE, MIN(LOCK_WAIT_S, 2 * beat_interval()), err);
	if (h->lock >= 0)
		return 0;
	return err_remedy(err, "wait for its end; a lock goes with its process");
}

int host_refresh(struct host *h, struct err *err)
{
	clones_done(h);
	disks_done(&h->disks);
	if (disks_read(&h->disks, &h->storage, &h->running, err) < 0)
		return -1;
	if (storage_find_clones(&h->storage, &h->disks, &h->clones, &h->n_clones, err) <
	    0)
		return -1;
	h->n_others = h->n_clones;
	h->clones = xrealloc(h->clones, (h->n_clones + 1) * sizeof(*h->clones));
	struct layout *old = &h->clones[h->n_clones];
	*old = (struct layout)LAYOUT_INIT;
	if (storage_find_old(&h->storage, &h->disks, old) == 0)
		h->n_others++;
	else
		layout_done(old);
	return 0;
}

int host_open(struct host *h, struct app *app, bool change, struct err *err)
{
	if (change && take_lock(h, err) < 0)
		return -1;
	h->storage = (struct storage){ &h->root, runner_local(), &app->events };
	if (root_open(&h->root, "/", err) < 0)
		return -1;
	if (change)
		storage_release_leftovers(&h->storage);
	if (layout_read_host(&h->running, &h->root, h->storage.run, err) < 0)
		return -1;
	return host_refresh(h, err);
}

int host_resolve_disks(const struct host *h, const struct strv *names, struct strv *ret,
		       struct err *err)
{
	for (size_t i = 0; i < names->n; i++) {
		const struct disk *d = disks_find(&h->disks, names->v[i]);

		if (!d) {
			err_set(err, ERR_NOTFOUND, "%s: there is no such disk",
				names->v[i]);
			return err_remedy(err, "lspv lists the disks");
		}
		if (!strv_has(ret, d->path))
			strv_add(ret, d->path);
	}
	return 0;
}

static bool lies_on_all(const struct layout *l, const struct strv *disks)
{
	for (size_t i = 0; i < disks->n; i++)
		if (!layout_has_disk(l, disks->v[i]))
			return false;
	return true;
}

const struct layout *host_clone(const struct host *h, const struct strv *disks,
				struct err *err)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	const struct layout *found = NULL;

	if (host_resolve_disks(h, disks, &paths, err) < 0)
		return NULL;
	for (size_t i = 0; i < h->n_clones; i++) {
		if (!lies_on_all(&h->clones[i], &paths))
			continue;
		if (found) {
			err_set(err, ERR_OPERATOR, "there is more than one clone");
			err_remedy(err, "name its disk with -d; lspv lists them");
			return NULL;
		}
		found = &h->clones[i];
	}
	if (!found) {
		_cleanup_free_ char *names = strv_join(&paths, " ");
		err_set(err, ERR_NOTFOUND, "there is no clone%s%s",
			paths.n > 0 ? " on " : "", names);
		err_remedy(err, "alt_disk_copy -d DISK makes one; lspv lists the disks");
	}
	return found;
}

int host_check_foreign(const struct host *h, const struct layout *clone, struct err *err)
{
	for (size_t i = 0; i < clone->n_disks; i++) {
		const struct disk *d = disks_find(&h->disks, clone->disks[i].name);

		if ((d && d->role == DISK_ROOTVG) ||
		    layout_has_disk(&h->running, clone->disks[i].name))
			return err_set(err, ERR_INTERNAL,
				       "%s: belongs to the running system",
				       clone->disks[i].name);
	}
	return 0;
}

static int run_to_end(struct runner *runner, const struct proc_spec *spec,
		      struct proc_result *res, struct err *err)
{
	struct proc_spec steady = *spec;

	steady.uncancellable = true;
	return runner_run(runner_local(), &steady, res, err);
}

const char *host_lasting_name(const struct host *h, const struct layout *clone)
{
	const struct disk *d = clone->boot_disk ? disks_find(&h->disks, clone->boot_disk)
						: NULL;

	return d && d->by_id ? d->by_id : "";
}

struct storage host_cleanup_storage(const struct host *h)
{
	static const struct runner_ops ops = { .name = "local", .run = run_to_end };
	static struct runner steady = { &ops };

	return (struct storage){ &h->root, &steady, h->storage.events };
}

struct bootlist_ctx host_bootlist(const struct host *h)
{
	return (struct bootlist_ctx){ &h->root, h->storage.run, &h->running, h->clones,
				      h->n_others };
}

static int wake(const struct host *h, const struct layout *clone, struct err *err)
{
	const struct storage_backend *b = storage_backend_for(clone);

	if (!b)
		return err_set(err, ERR_OPERATOR,
			       "the clone's kind of volumes is not known");
	if (files_mkdirs(ALT_INST, 0755, err) < 0 ||
	    b->activate(&h->storage, clone, err) < 0)
		return -1;
	return storage_mount(&h->storage, clone, ALT_INST, err);
}

const struct layout *host_wake(struct host *h, const struct strv *disks, struct err *err)
{
	const struct layout *clone = host_clone(h, disks, err);

	if (!clone || host_check_foreign(h, clone, err) < 0 || wake(h, clone, err) < 0 ||
	    host_refresh(h, err) < 0)
		return NULL;
	return host_clone(h, disks, err);
}

static int make_sleep(const struct storage *s, const struct layout *clone,
		      struct err *err)
{
	const struct storage_backend *b = storage_backend_for(clone);

	if (!b)
		return err_set(err, ERR_OPERATOR,
			       "the clone's kind of volumes is not known");
	if (storage_umount(s, ALT_INST, err) < 0)
		return -1;
	return b->deactivate(s, clone, err);
}

int host_sleep(const struct host *h, const struct layout *clone, struct err *err)
{
	return make_sleep(&h->storage, clone, err);
}

int host_put_away(const struct host *h, const struct layout *clone, struct err *err)
{
	const struct storage s = host_cleanup_storage(h);

	return make_sleep(&s, clone, err);
}

bool host_is_awake(void)
{
	return mount_is_mountpoint(ALT_INST);
}
