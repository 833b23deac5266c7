/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making an alternate disk, as alt_disk_copy and alt_disk_mksysb do it: phase 1 makes the volumes and fills them, phase 2
 * customises, phase 3 makes it bootable, puts it to sleep and sets the boot list. Where phase 1 fills from differs; the rest is
 * the same.
 */
#pragma once

#include "altdisk/host.h"
#include "altdisk/packages.h"
#include "altdisk/state.h"

/* Options of both commands; offsets of their tables point here. */
struct alt_options {
	struct strv disks, wipe_serials;
	const char *image_data, *exclude, *script, *first_boot, *resolv_conf, *phases;
	const char *image;	  /* alt_disk_mksysb */
	struct packages packages; /* alt_disk_copy */
	bool unmirror, no_bootlist, reboot, no_space_check, no_boot_check, no_verify,
		force;
	bool verbose, debug;
	bool preview; /* check only */
	uint64_t limit_mb;
};
void alt_options_done(struct alt_options *o);

struct alternate {
	struct app *app;
	const struct alt_options *o;
	struct host host;
	struct state state; /* .layout: the clone's, planned or real */
	struct strv targets;
	const struct layout *like; /* alt_source's */
	unsigned phases;	   /* 1 << number */
};
#define ALTERNATE_INIT(the_app, the_options)                                             \
	{                                                                                \
		.app = (the_app), .o = (the_options), .host = HOST_INIT                  \
	}
#define _cleanup_alternate_ _cleanup_(alternate_done)
void alternate_done(struct alternate *a);

/* What a command fills the new file systems, mounted below /alt_inst, with; and what they are to be like. */
struct alt_source {
	const char *title; /* of phase 1 */
	/* The layout to make the clone like; NULL: the running one. */
	const struct layout *like;
	/* Somebody else fills the file systems after phase 1; whoever asks for the other phases knows that it is done. */
	bool later;
	/* Fills a->state's digest and counts. */
	int (*fill)(struct alternate *a, void *arg, struct err *err);
	void *arg;
};
/* Checks, then the phases that were asked for. */
int alternate_run(struct alternate *a, const struct alt_source *src, struct err *err)
	_must_check_;

/* Parts, for alt_rootvg_op. The clone is awake. */
struct alt_boot {
	struct host *host;
	struct events *events;
	const struct layout *clone;
	bool no_check;
};
int alternate_make_bootable(const struct alt_boot *b, struct err *err) _must_check_;
/* The clone's disks, partitions and volumes: all that its boot loader's programs and packages' scripts may see. */
void alternate_devices(const struct layout *clone, struct strv *ret);
/* Wipes a clone: unmounts, removes its volumes and boot entries. Idempotent. */
int alternate_remove(struct host *h, const struct layout *clone, struct err *err)
	_must_check_;
