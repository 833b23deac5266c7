/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running machine as the commands see it: its root's layout, its disks, the clones that their tags tell of, and the lock
 * that lets one of us at a time change something.
 */
#pragma once

#include "altdisk/app.h"
#include "boot/bootlist.h"
#include "storage/storage.h"

#define ALT_INST     "/alt_inst"
#define RUN_DIR	     "/run/nimadm"
#define VG_NAME	     "altinst_rootvg"
#define PACKAGES_DIR RUN_DIR "/packages"

struct host {
	struct root root;
	struct layout running;
	struct storage storage;
	struct disks disks;
	struct layout *clones;	   /* behind them the old system, where there is one */
	size_t n_clones, n_others; /* without and with it */
	int lock;
};
#define HOST_INIT                                                                        \
	{                                                                                \
		.root = ROOT_INIT, .lock = -1                                            \
	}
#define _cleanup_host_ _cleanup_(host_done)
void host_done(struct host *h);
/* Reads everything; changes nothing. With `change`: needs root, and takes the lock (ERR_LOCKED: whose it is). */
int host_open(struct host *h, struct app *app, bool change, struct err *err) _must_check_;
/* Reads the disks and clones again, after something was changed. */
int host_refresh(struct host *h, struct err *err) _must_check_;

/* The one clone; with `disks`, the one that lies on them. ERR_NOTFOUND: there is none. ERR_OPERATOR: which one is meant? */
const struct layout *host_clone(const struct host *h, const struct strv *disks,
				struct err *err) _must_check_;
/* 0: nothing of the clone belongs to the running root. */
int host_check_foreign(const struct host *h, const struct layout *clone, struct err *err)
	_must_check_;
/* The names that the running kernel has for the given ones: by-id names and serial numbers become /dev/sdb. */
int host_resolve_disks(const struct host *h, const struct strv *names, struct strv *ret,
		       struct err *err) _must_check_;
/* The clone's boot disk by a name that lasts, below /dev/disk/by-id; "" where udev has none for it. */
const char *host_lasting_name(const struct host *h, const struct layout *clone);
/* As h->storage, but its commands run to their end although we were told to stop: for taking back what was done. */
struct storage host_cleanup_storage(const struct host *h);
struct bootlist_ctx host_bootlist(const struct host *h);

/* Wakes the clone on these disks up: its file systems below /alt_inst. Idempotent. Returns what is known of it now: its
 * identifiers cannot be read while it sleeps. NULL and *err. */
const struct layout *host_wake(struct host *h, const struct strv *disks, struct err *err)
	_must_check_;
int host_sleep(const struct host *h, const struct layout *clone, struct err *err)
	_must_check_;
/* The same after a failure: it is done also when we were told to stop. */
int host_put_away(const struct host *h, const struct layout *clone, struct err *err)
	_must_check_;
bool host_is_awake(void);
