/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The package systems we know: one line each. */
#include "pkg/deb.h"

static bool deb_probe(const struct root *root)
{
	return root_exists(root, "var/lib/dpkg/status");
}

static const struct pkg_backend deb_backend = {
	.name = "deb",
	.probe = deb_probe,
	.plan = deb_plan,
	.prepare = deb_prepare,
	.apply_bos = deb_apply_bos,
	.apply_rest = deb_apply_rest,
	.finish = deb_finish,
	.merge_usr = deb_merge_usr,
	.verify = deb_verify,
};

static const struct pkg_backend *const backends[] = {
	&deb_backend,
};

const struct pkg_backend *pkg_backend_for(const struct root *root)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (backends[i]->probe(root))
			return backends[i];
	return NULL;
}
