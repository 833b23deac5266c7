/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The merge methods, in the order they run in. A new one is one file and one line here. */
#include "merge/methods.h"

static const struct merge_method *const table[] = {
	&method_apt_sources,
	&method_fstab,
	&method_crypttab,
	&method_mdadm,
	&method_resume,
	&method_lvm_devices,
	&method_grub_device,
	&method_net_names,
	&method_sysctl,
	&method_initramfs,
	/* after the packages */
	&method_conffiles,
	&method_successors,
	&method_users,
	&method_services,
	&method_locale,
	&method_machine_identity,
	&method_apt_sources_check,
	&method_advice,
};

const struct merge_method *const *merge_table(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(table);
	return table;
}
