/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods' objects, for the table. Private to src/merge. */
#pragma once

#include "merge/merge.h"

extern const struct merge_method method_apt_sources;
extern const struct merge_method method_fstab;
extern const struct merge_method method_crypttab;
extern const struct merge_method method_mdadm;
extern const struct merge_method method_resume;
extern const struct merge_method method_lvm_devices;
extern const struct merge_method method_grub_device;
extern const struct merge_method method_net_names;
extern const struct merge_method method_sysctl;
extern const struct merge_method method_initramfs;
extern const struct merge_method method_conffiles;
extern const struct merge_method method_successors;
extern const struct merge_method method_users;
extern const struct merge_method method_services;
extern const struct merge_method method_locale;
extern const struct merge_method method_machine_identity;
extern const struct merge_method method_apt_sources_check;
extern const struct merge_method method_advice;
