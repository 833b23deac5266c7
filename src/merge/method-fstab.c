/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merge method fstab: what the migrated system will mount is there in image.data; nothing is changed. */
#include <jansson.h>

#include "merge/devices.h"
#include "merge/method.h"
#include "merge/methods.h"
#include "model/json.h"

#define NAME "fstab"

static const struct method_text unknown_device = {
	.id = "merge.fstab.unknown",
	.severity = FINDING_WARN,
	.title = "fstab names a device that image.data does not know",
	.remedy = "the boot waits for it and then stops in emergency mode: correct "
		  "/etc/fstab, or give the entry the option nofail",
};
static const struct method_text kernel_name = {
	.id = "merge.fstab.kernel_name",
	.severity = FINDING_WARN,
	.title = "fstab names a disk by the kernel's name",
	.remedy =
		"a new kernel may number disks in another order: use UUID= (blkid shows it)",
};
static const struct method_text gone_type = {
	.id = "merge.fstab.type",
	.severity = FINDING_WARN,
	.title = "fstab names a file system that the target's kernel cannot mount",
	.remedy = "move the data to another file system before the reboot",
};

/* File systems that a release's kernel has lost: the first release without them. */
static const struct {
	const char *type;
	int major;
} gone_types[] = {
	{ "reiserfs", 14 }, /* taken out of Linux 6.13 */
	{ "aufs", 10 },
};

static bool applies(const struct merge_ctx *c)
{
	return method_exists(c, "/etc/fstab");
}

static bool is_local_device(const char *spec)
{
	return starts_with(spec, "/dev/") || starts_with(spec, "UUID=") ||
	       starts_with(spec, "LABEL=");
}

static void check_entry(const struct merge_ctx *c, const struct fstab_entry *e)
{
	const struct layout_fs *fs = layout_by_spec(c->layout, e->spec);
	json_t *row = json_pack("{s:o, s:o, s:b}", "spec", json_text(e->spec), "file",
				json_text(e->file), "known", fs != NULL);
	if (row)
		method_append(c, NAME, "entries", row);
	for (size_t i = 0; i < ARRAY_SIZE(gone_types); i++)
		if (streq(e->type, gone_types[i].type) &&
		    method_major(c->release) >= gone_types[i].major)
			method_findf(c, &gone_type, "line %d: %s on %s is %s", e->line,
				     e->spec, e->file, e->type);
	if (!is_local_device(e->spec))
		return;
	if (device_is_kernel_name(e->spec))
		method_findf(c, &kernel_name, "line %d: %s on %s", e->line, e->spec,
			     e->file);
	if (fs || !layout_knows_fs(c->layout) || fstab_has_option(e, "noauto") ||
	    fstab_has_option(e, "nofail"))
		return;
	/* /dev/sr0 and the like come and go with their medium. */
	if (starts_with(e->spec, "/dev/sr") || starts_with(e->spec, "/dev/cdrom") ||
	    starts_with(e->spec, "/dev/fd"))
		return;
	method_findf(c, &unknown_device, "line %d: %s on %s", e->line, e->spec, e->file);
}

static int run(const struct merge_ctx *c, struct err *err)
{
	_cleanup_fstab_ struct fstab t = FSTAB_INIT;
	_cleanup_free_ char *text = method_slurp(c->root, "/etc/fstab");
	fstab_parse(&t, text);
	for (size_t i = 0; i < t.n; i++)
		check_entry(c, &t.v[i]);
	return 0;
}

const struct merge_method method_fstab = {
	.name = NAME,
	.title = "File systems",
	.help = "Devices that image.data does not know, that are named by the "
		"kernel's order, or whose file system the new kernel cannot mount are "
		"told.",
	.stage = MERGE_BEFORE_PACKAGES,
	.applies = applies,
	.run = run,
};
