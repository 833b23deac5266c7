/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making an alternate root bootable: one initramfs per kernel and a boot loader configuration that names what the layout
 * says. Backends are const objects in boot/table.c. Writing boot sectors is the client program's business.
 */
#pragma once

#include "model/event.h"
#include "model/layout.h"
#include "sys/root.h"
#include "sys/runner.h"

struct boot_ctx {
	const struct root *root;
	/* sandbox around `root`; /alt_inst/run/nimadm is `run_dir`, read only */
	struct runner *run;
	/* a directory of the job's, bound at /run/nimadm of the alternate root (helpers, answers) */
	const char *run_dir;
	const struct layout *layout;
	struct events *events;
	bool inside; /* `run` runs in `root` itself (runner_chroot on the client), not beside it */
};

struct boot_backend {
	const char *name; /* "grub" */
	bool (*probe)(const struct root *root, const struct layout *layout);
	/* Fills run_dir before the sandbox starts. */
	int (*prepare)(const struct boot_ctx *c, struct err *err);
	int (*build)(const struct boot_ctx *c, struct err *err); /* idempotent */
	/* Every kernel has a readable initramfs newer than its modules; the configuration names every kernel, and no UUID or
	 * device that the layout does not have; fstab likewise. */
	int (*verify)(const struct boot_ctx *c, struct findings *fs, struct err *err);
};
const struct boot_backend *boot_backend_for(const struct root *root,
					    const struct layout *layout);

/*
 * In a clone that does not boot by itself yet, for what builds its initramfs: a line each with what RESUME may be
 * now ("auto": where nothing is said) and what it is to be in the clone ("none": nothing).
 */
#define BOOT_RESUME_NOTE "/etc/nimadm/altinst.resume"

/* In a clone: its packages have changed, so that its initramfs are to be built anew. */
#define BOOT_STALE_NOTE "/etc/nimadm/altinst.stale"

/* Versions of the kernels in /boot that have modules, oldest first. */
int boot_kernels(const struct root *root, struct strv *ret, struct err *err) _must_check_;
