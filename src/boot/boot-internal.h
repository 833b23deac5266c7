/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the boot backends share. */
#pragma once

#include "boot/boot.h"

/* Where run_dir and the alternate root are seen from a command that is chrooted into the alternate root. */
#define BOOT_RUN_DIR "/run/nimadm"
#define BOOT_ROOT    "/alt_inst"
#define BOOT_PATH    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Initial memory file systems of kernels that are no longer there. */
int boot_remove_stale(const struct boot_ctx *c, struct err *err) _must_check_;

/* Stand-ins that keep the run from looking at the master's hardware; into run_dir. */
int initramfs_prepare(const struct boot_ctx *c, struct err *err) _must_check_;
/* One for each kernel. Idempotent. */
int initramfs_build(const struct boot_ctx *c, const struct strv *kernels, struct err *err)
	_must_check_;
/* Adds what is wrong to `fs`; -1: could not look. */
int initramfs_verify(const struct boot_ctx *c, const struct strv *kernels,
		     struct findings *fs, struct err *err) _must_check_;

/* Findings about a grub.cfg's and an fstab's names of kernels and devices. */
void grubcfg_verify(const char *text, const struct layout *l, const struct strv *kernels,
		    struct findings *fs);
void fstab_verify(const char *text, const struct layout *l, struct findings *fs);

/* The words before a command that shall run inside the alternate root. */
void boot_enter(const struct boot_ctx *c, struct strv *argv);
/* Runs argv inside the alternate root. `env`: as in proc_spec. Lines go to the events. */
int boot_chroot(const struct boot_ctx *c, const char *const *argv, const char *const *env,
		struct err *err) _must_check_;

/* Fails when `fs` has got an INHIBIT since it had `before` findings. */
int boot_verdict(const struct findings *fs, size_t before, struct err *err) _must_check_;

/* grub.cfg alone, after boot_grub.prepare. */
int grub_write_config(const struct boot_ctx *c, struct err *err) _must_check_;

extern const struct boot_backend boot_grub;
extern const struct boot_backend boot_none;
