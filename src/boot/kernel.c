/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernels of an alternate root. */
#include <errno.h>

#include "boot/boot-internal.h"
#include "model/version.h"

#define KERNEL "vmlinuz-"
#define INITRD "initrd.img-"

static int by_version(const void *a, const void *b)
{
	return version_compare(*(char *const *)a, *(char *const *)b);
}

static bool has_modules(const struct root *root, const char *version)
{
	_cleanup_free_ char *path = xasprintf("/lib/modules/%s", version);
	struct stat st;

	return root_stat(root, path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Versions become arguments and file names. */
static bool is_version(const char *s)
{
	return *s && *s != '-' && *s != '.' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			 "._+~-") == strlen(s);
}

int boot_kernels(const struct root *root, struct strv *ret, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (root_list(root, "/boot", &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		const char *version = names.v[i] + strlen(KERNEL);

		if (starts_with(names.v[i], KERNEL) && is_version(version) &&
		    has_modules(root, version))
			strv_add(ret, version);
	}
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_version);
	return 0;
}

/* Copies that update-initramfs and dkms keep beside: they go with the version they were made of. */
static char *base_version(const char *version)
{
	static const char *const suffixes[] = { ".dpkg-bak", ".bak", ".old-dkms", ".old",
						".new" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (ends_with(version, suffixes[i]))
			return xstrndup(version, strlen(version) - strlen(suffixes[i]));
	return xstrdup(version);
}

int boot_remove_stale(const struct boot_ctx *c, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (root_list(c->root, "/boot", &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *version = NULL;
		_cleanup_free_ char *kernel = NULL;
		_cleanup_free_ char *initrd = NULL;

		if (!starts_with(names.v[i], INITRD) ||
		    !is_version(names.v[i] + strlen(INITRD)))
			continue;
		version = base_version(names.v[i] + strlen(INITRD));
		kernel = xasprintf("/boot/" KERNEL "%s", version);
		if (root_exists(c->root, kernel) || has_modules(c->root, version))
			continue;
		initrd = xasprintf("/boot/%s", names.v[i]);
		events_step(c->events, "Removing %s: its kernel is no longer installed",
			    initrd);
		if (root_unlink(c->root, initrd, err) < 0)
			return -1;
	}
	return 0;
}
