/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merge method lvm_devices: a devices file that lists other disks than the layout hides the volume group at boot. */
#include "merge/method.h"
#include "merge/methods.h"

#define NAME "lvm_devices"
#define PATH "/etc/lvm/devices/system.devices"

static bool applies(const struct merge_ctx *c)
{
	return method_exists(c, PATH);
}

static bool lists_disk(const char *text, const struct layout_disk *d)
{
	return (d->serial && *d->serial && strstr(text, d->serial)) ||
	       (d->name && *d->name && strstr(text, d->name));
}

static int run(const struct merge_ctx *c, struct err *err)
{
	static const struct method_text missing = {
		.id = "merge.lvm_devices",
		.severity = FINDING_WARN,
		.title = "LVM's devices file lists none of the image's disks",
		.remedy =
			"LVM ignores disks that it does not list: run 'vgimportdevices -a' on the "
			"client, or take " PATH " away",
	};
	const struct layout *l = c->layout;
	if (!l || !l->vg_name || *l->vg_name == '\0' || l->n_disks == 0)
		return 0;
	_cleanup_free_ char *text = method_slurp(c->root, PATH);
	for (size_t i = 0; i < l->n_disks; i++)
		if (lists_disk(text, &l->disks[i]))
			return 0;
	method_findf(c, &missing, "volume group %s on %s", l->vg_name, l->disks[0].name);
	return 0;
}

const struct merge_method method_lvm_devices = {
	.name = NAME,
	.title = "LVM devices",
	.help = "A devices file of LVM that lists none of the image's disks is told.",
	.stage = MERGE_BEFORE_PACKAGES,
	.applies = applies,
	.run = run,
};
