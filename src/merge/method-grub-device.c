/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merge method grub_device: what GRUB's package will do with which disk at its next update on the client.
 *
 * The answers themselves are kept (the package backend preseeds "install nowhere" for the time of the migration and
 * takes that back); here a human learns about a disk that is not the image's.
 */
#include "merge/devices.h"
#include "merge/method.h"
#include "merge/methods.h"
#include "model/debconf.h"

#define NAME "grub_device"
#define MAP  "/boot/grub/device.map"

static const struct method_text by_kernel_name = {
	.id = "merge.grub_device.cmdline",
	.severity = FINDING_WARN,
	.title = "The kernel command line names a disk by the kernel's name",
	.remedy = "a new kernel may number disks in another order: use UUID= in "
		  "/etc/default/grub",
};
static const struct method_text not_in_image = {
	.id = "merge.grub_device.disk",
	.severity = FINDING_WARN,
	.title =
		"GRUB's package will install on a disk that image.data does not describe",
	.remedy = "on the client: dpkg-reconfigure grub-pc, and choose its boot disk",
};
static const struct method_text stale_map = {
	.id = "merge.grub_device.map",
	.severity = FINDING_INFO,
	.title =
		"GRUB's device map was set aside: it names a disk that the image does not have",
	.remedy =
		"GRUB finds disks by itself; write the map anew only where it is needed",
};

static bool applies(const struct merge_ctx *c)
{
	return method_exists(c, "/etc/default/grub") || method_exists(c, MAP);
}

static void check_cmdline(const struct merge_ctx *c)
{
	_cleanup_free_ char *text = method_slurp(c->root, "/etc/default/grub");
	char *cursor = text;
	for (char *line; (line = method_next_line(&cursor)) != NULL;) {
		if (!starts_with(line, "GRUB_CMDLINE_LINUX"))
			continue;
		for (const char *p = line; (p = strstr(p, "=/dev/")) != NULL;) {
			p++;
			_cleanup_free_ char *dev = xstrndup(p, strcspn(p, " \t\"'"));
			if (device_is_kernel_name(dev))
				method_findf(c, &by_kernel_name, "/etc/default/grub: %s",
					     line);
		}
	}
}

static char *debconf_value(const struct merge_ctx *c, const char *question)
{
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };

	if (root_read_opt(c->old_root, DEBCONF_DATABASE, 0, &text, &err) != 0)
		return xstrdup("");
	return debconf_get(&text, question);
}

static bool disk_known(const struct layout *l, const char *device)
{
	for (size_t i = 0; i < l->n_disks; i++) {
		const struct layout_disk *d = &l->disks[i];
		if (streq(d->name, device) ||
		    (d->serial && *d->serial && strstr(device, d->serial)))
			return true;
	}
	return false;
}

static void check_install_devices(const struct merge_ctx *c)
{
	_cleanup_free_ char *value = debconf_value(c, "grub-pc/install_devices");
	_cleanup_strv_ struct strv devices = STRV_INIT;
	strv_split(&devices, value, ", ");
	for (size_t i = 0; i < devices.n; i++) {
		method_changed(c, NAME, devices.v[i],
			       "GRUB's package installs there at its next update");
		if (c->layout && c->layout->n_disks > 0 &&
		    !disk_known(c->layout, devices.v[i]))
			method_findf(c, &not_in_image, "%s", devices.v[i]);
	}
}

static int set_map_aside(const struct merge_ctx *c, struct err *err)
{
	_cleanup_free_ char *text = method_slurp(c->root, MAP);
	if (!c->layout || c->layout->n_disks == 0)
		return 0;
	bool stale = false;
	char *cursor = text;
	for (char *line; (line = method_next_line(&cursor)) != NULL;) {
		const char *dev = strchr(line, '/');
		stale = stale || (dev && !disk_known(c->layout, dev));
	}
	if (!stale)
		return 0;
	if (method_save(c, MAP, err) < 0 || root_unlink(c->root, MAP, err) < 0)
		return -1;
	method_changed(c, NAME, MAP, "set aside");
	method_findf(c, &stale_map, "%s", MAP);
	return 0;
}

static int run(const struct merge_ctx *c, struct err *err)
{
	check_cmdline(c);
	check_install_devices(c);
	return set_map_aside(c, err);
}

const struct merge_method method_grub_device = {
	.name = NAME,
	.title = "Boot loader's devices",
	.help = "Disks that GRUB's package would install on are compared with the "
		"image's; a device map that names another disk is set aside.",
	.stage = MERGE_BEFORE_PACKAGES,
	.applies = applies,
	.run = run,
};
