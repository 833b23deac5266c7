/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pre-flight: release, architecture, file systems, space, boot. */
#include "inventory/preflight-internal.h"

/* A kernel with its initramfs built for any hardware: seen 45 MB. */
#define KERNEL_BOOT_BYTES (64ull << 20)
/* dpkg needs room for the new files of a package beside its old ones. */
#define SLACK_BYTES (100ull << 20)

void preflight_distribution(const struct preflight_ctx *c,
			    const struct preflight_check *self, struct findings *fs)
{
	const char *pretty = c->inv->pretty ? c->inv->pretty : "an unknown system";

	if (c->inv->release) {
		preflight_pass(self, fs, pretty);
		return;
	}
	_cleanup_free_ char *seen =
		xasprintf("%s (ID=%s, VERSION_ID=%s)", pretty,
			  c->inv->distribution ? c->inv->distribution : "?",
			  c->inv->version_id ? c->inv->version_id : "?");
	preflight_add(
		self, fs, FINDING_INHIBIT, seen,
		"this version migrates Debian 10 and later; nimadm(8) lists the releases");
}

void preflight_distance(const struct preflight_ctx *c, const struct preflight_check *self,
			struct findings *fs)
{
	const struct release *from = c->inv->release;

	if (!from) {
		preflight_add(self, fs, FINDING_INHIBIT, "the image's release is unknown",
			      NULL);
		return;
	}
	const struct release *next = release_next(from);
	_cleanup_free_ char *seen = xasprintf("image: %s %s (%s), target: %s %s (%s)",
					      from->distribution, from->version,
					      from->codename, c->target->distribution,
					      c->target->version, c->target->codename);
	if (next == c->target || (from == c->target && c->update_allowed)) {
		preflight_pass(self, fs, seen);
		return;
	}
	_cleanup_free_ char *remedy = NULL;
	if (from == c->target)
		remedy = xstrdup(
			"the image is at the target release already; -U brings it to the "
			"lpp_source's level within the release");
	else if (from->major > c->target->major)
		remedy = xstrdup(
			"the image is newer than the target; choose a lpp_source of a later "
			"release");
	else
		remedy = xasprintf(
			"releases can not be skipped: migrate to %s (%s) first, with a "
			"lpp_source and a spot of that release",
			next ? next->version : "the next release",
			next ? next->codename : "?");
	preflight_add(self, fs, FINDING_INHIBIT, seen, remedy);
}

void preflight_arch(const struct preflight_ctx *c, const struct preflight_check *self,
		    struct findings *fs)
{
	if (streq(c->inv->arch, "amd64")) {
		preflight_pass(self, fs, c->inv->arch);
		return;
	}
	_cleanup_free_ char *seen = xasprintf("architecture '%s'",
					      *c->inv->arch ? c->inv->arch : "unknown");
	preflight_add(
		self, fs, FINDING_INHIBIT, seen,
		"the master's tools run amd64 code only; migrate this system in place");
}

void preflight_foreign_arch(const struct preflight_ctx *c,
			    const struct preflight_check *self, struct findings *fs)
{
	if (!c->inv->foreign_archs.n) {
		preflight_pass(self, fs, NULL);
		return;
	}
	_cleanup_free_ char *list = preflight_join(&c->inv->foreign_archs, 10);
	preflight_add(
		self, fs, FINDING_WARN, list,
		"packages of foreign architectures are solved only as far as the lpp_source "
		"has them; dpkg --remove-architecture ARCH if none is in use");
}

void preflight_merged_usr(const struct preflight_ctx *c,
			  const struct preflight_check *self, struct findings *fs)
{
	if (c->inv->merged_usr) {
		preflight_pass(self, fs, NULL);
		return;
	}
	if (c->inv->release && !c->inv->release->merged_usr) {
		preflight_add(self, fs, FINDING_INFO,
			      "/bin, /sbin and /lib are directories",
			      "phase 5 merges them into /usr before it changes packages");
		return;
	}
	preflight_add(self, fs, FINDING_INHIBIT,
		      "/bin is a directory, but this release supports a merged /usr only",
		      "install usrmerge on the system, then make the image anew");
}

void preflight_kernels(const struct preflight_ctx *c, const struct preflight_check *self,
		       struct findings *fs)
{
	if (c->inv->kernels.n) {
		_cleanup_free_ char *list = preflight_join(&c->inv->kernels, 10);
		preflight_pass(self, fs, list);
		return;
	}
	preflight_add(
		self, fs, FINDING_INFO, "the image has no kernel",
		"fine for containers; a machine needs one: add linux-image-amd64 with a bundle "
		"(-b)");
}

void preflight_boot(const struct preflight_ctx *c, const struct preflight_check *self,
		    struct findings *fs)
{
	static const struct {
		const char *package, *method;
	} loaders[] = {
		{ "grub-pc", "GRUB for BIOS" },
		{ "grub-efi-amd64", "GRUB for UEFI" },
		{ "grub-cloud-amd64", "GRUB for BIOS and UEFI" },
	};

	if (inventory_installed(c->inv, "systemd-boot")) {
		preflight_add(
			self, fs, FINDING_WARN, "systemd-boot is installed",
			"this version configures GRUB only; the boot entries must be made by "
			"hand");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(loaders); i++) {
		if (inventory_installed(c->inv, loaders[i].package)) {
			preflight_pass(self, fs, loaders[i].method);
			return;
		}
	}
	preflight_add(self, fs, FINDING_INFO, "no boot loader that we know is installed",
		      "fine for containers and for guests booted by their host");
}

/* The mount point among the layout's that holds `path`. */
static const struct layout_fs *fs_of(const struct layout *l, const char *path)
{
	const struct layout_fs *best = NULL;

	for (size_t i = 0; i < l->n_fs; i++) {
		const char *mp = l->fs[i].mount_point;
		size_t n = strlen(mp);
		if (*mp != '/')
			continue;
		bool below = streq(mp, "/") || (strncmp(path, mp, n) == 0 &&
						(path[n] == '/' || path[n] == '\0'));
		if (below && (!best || n > strlen(best->mount_point)))
			best = &l->fs[i];
	}
	return best;
}

void preflight_layout(const struct preflight_ctx *c, const struct preflight_check *self,
		      struct findings *fs)
{
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_strv_ struct strv missing = STRV_INIT;

	if (!c->layout || root_read_opt(c->root, "etc/fstab", 0, &text, NULL) != 0) {
		preflight_pass(self, fs, "no fstab");
		return;
	}
	char *cursor = text.p;
	for (char *line; (line = next_line(&cursor)) != NULL;) {
		const char *device = next_field(&line);
		const char *mount_point = device && *device != '#' ? next_field(&line)
								   : NULL;
		const char *type = mount_point ? next_field(&line) : NULL;
		if (!type || *mount_point != '/' || streq(type, "tmpfs") ||
		    streq(type, "proc") || starts_with(type, "nfs") ||
		    streq(type, "cifs"))
			continue;
		const char *options = next_field(&line);
		if (options && (strstr(options, "noauto") || strstr(options, "bind")))
			continue;
		if (!layout_find_fs(c->layout, mount_point))
			strv_addf(&missing, "%s (%s)", mount_point, device);
	}
	if (!missing.n) {
		preflight_pass(self, fs, NULL);
		return;
	}
	_cleanup_free_ char *list = preflight_join(&missing, 10);
	preflight_add(
		self, fs, FINDING_WARN, list,
		"in fstab but not in image.data: not part of the image; the restored system "
		"must find these file systems by itself");
}

/* What the plan adds to each file system, by where packages put their files. */
static uint64_t forecast(const struct preflight_ctx *c, const struct layout_fs *fs)
{
	const char *names[] = { "/usr", "/var", "/boot" };
	uint64_t add[] = { c->plan->unpacked_delta, 50ull << 20, 0 };
	uint64_t sum = 0;

	for (size_t i = 0; i < c->plan->n; i++) {
		const struct pkg_item *item = &c->plan->v[i];
		if (item->action == PKG_INSTALL &&
		    starts_with(item->name, "linux-image-6"))
			add[2] += KERNEL_BOOT_BYTES;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (fs_of(c->layout, names[i]) == fs)
			sum += add[i];
	}
	return sum;
}

void preflight_space(const struct preflight_ctx *c, const struct preflight_check *self,
		     struct findings *fs)
{
	_cleanup_str_ struct str seen = STR_INIT;
	bool short_of = false;
	char a[32], b[32], d[32];

	if (!c->layout || !c->plan) {
		preflight_pass(self, fs, "no layout or no plan");
		return;
	}
	for (size_t i = 0; i < c->layout->n_fs; i++) {
		const struct layout_fs *f = &c->layout->fs[i];
		if (*f->mount_point != '/' || !f->size || streq(f->type, "vfat"))
			continue;
		uint64_t add = forecast(c, f);
		bool tight = f->used + add + (add ? SLACK_BYTES : 0) > f->size;
		short_of |= tight;
		str_addf(&seen, "%s%s: %s used, %s more needed, %s in all%s",
			 seen.len ? "\n" : "", f->mount_point,
			 fmt_bytes(a, sizeof(a), f->used), fmt_bytes(b, sizeof(b), add),
			 fmt_bytes(d, sizeof(d), f->size), tight ? ": too small" : "");
	}
	if (!short_of) {
		preflight_pass(self, fs, str_c(&seen));
		return;
	}
	preflight_add(
		self, fs, FINDING_WARN, str_c(&seen),
		"the new ones are made larger, in image.data and on alternate disks, which must "
		"have that room");
}

void preflight_cache(const struct preflight_ctx *c, const struct preflight_check *self,
		     struct findings *fs)
{
	char have[32], need[32];

	if (!c->cache_needed) {
		preflight_pass(self, fs, "nothing is kept in the cache");
		return;
	}
	fmt_bytes(have, sizeof(have), c->cache_free);
	fmt_bytes(need, sizeof(need), c->cache_needed);
	_cleanup_free_ char *seen = xasprintf("%s needed, %s free", need, have);
	if (c->cache_free >= c->cache_needed)
		preflight_pass(self, fs, seen);
	else
		preflight_add(self, fs, FINDING_INHIBIT, seen,
			      "free space there, or give another directory with -j DIR");
}
