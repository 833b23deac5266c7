/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images without a boot loader of their own: containers, and machines whose loader lies outside. */
#include "boot/boot-internal.h"

static bool none_probe(const struct root *root, const struct layout *layout)
{
	return true;
}

static int none_build(const struct boot_ctx *c, struct err *err)
{
	_cleanup_strv_ struct strv kernels = STRV_INIT;

	if (boot_kernels(c->root, &kernels, err) < 0 || boot_remove_stale(c, err) < 0)
		return -1;
	return initramfs_build(c, &kernels, err);
}

static int none_verify(const struct boot_ctx *c, struct findings *fs, struct err *err)
{
	_cleanup_strv_ struct strv kernels = STRV_INIT;
	size_t before = fs->n;

	if (boot_kernels(c->root, &kernels, err) < 0 ||
	    initramfs_verify(c, &kernels, fs, err) < 0)
		return -1;
	return boot_verdict(fs, before, err);
}

const struct boot_backend boot_none = {
	.name = "none",
	.probe = none_probe,
	.prepare = initramfs_prepare,
	.build = none_build,
	.verify = none_verify,
};
