/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merge method mdadm: arrays that the system mounts are defined, since the master cannot scan the client's disks. */
#include "merge/devices.h"
#include "merge/method.h"
#include "merge/methods.h"

#define NAME "mdadm"
#define PATH "/etc/mdadm/mdadm.conf"

static const struct method_text no_arrays = {
	.id = "merge.mdadm.no_arrays",
	.severity = FINDING_WARN,
	.title = "fstab names software RAID, but mdadm.conf defines no array",
	.remedy =
		"the initramfs is built on the master and cannot scan the client's disks: put "
		"the output of 'mdadm --detail --scan' into /etc/mdadm/mdadm.conf",
};

static bool applies(const struct merge_ctx *c)
{
	return method_exists(c, PATH);
}

static size_t count_arrays(const char *conf)
{
	_cleanup_free_ char *copy = xstrdup(conf);
	char *cursor = copy;
	size_t n = 0;
	for (char *line; (line = method_next_line(&cursor)) != NULL;)
		if (starts_with(line, "ARRAY"))
			n++;
	return n;
}

static int run(const struct merge_ctx *c, struct err *err)
{
	_cleanup_free_ char *conf = method_slurp(c->root, PATH);
	_cleanup_free_ char *text = method_slurp(c->root, "/etc/fstab");
	_cleanup_fstab_ struct fstab t = FSTAB_INIT;
	fstab_parse(&t, text);
	if (count_arrays(conf) > 0)
		return 0;
	for (size_t i = 0; i < t.n; i++)
		if (starts_with(t.v[i].spec, "/dev/md"))
			method_findf(c, &no_arrays, "%s on %s", t.v[i].spec, t.v[i].file);
	return 0;
}

const struct merge_method method_mdadm = {
	.name = NAME,
	.title = "Software RAID",
	.help = "Arrays that fstab names must be defined in mdadm.conf, since the "
		"master cannot scan the client's disks.",
	.stage = MERGE_BEFORE_PACKAGES,
	.applies = applies,
	.run = run,
};
