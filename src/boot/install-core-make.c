/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Core images out of the clone's own GRUB, and the modules that go with them. */
#include "boot/install-internal.h"

const struct install_platform install_bios = {
	.name = "i386-pc",
	.package = "grub-pc-bin",
	.modules = "biosdisk",
};

/* The first one that the root has; of an amd64 system with both, the 64-bit one. */
static const struct install_platform efi_platforms[] = {
	{ "x86_64-efi", "grub-efi-amd64-bin", "", "shimx64.efi", "mmx64.efi",
	  "grubx64.efi", "BOOTX64.EFI" },
	{ "arm64-efi", "grub-efi-arm64-bin", "", "shimaa64.efi", "mmaa64.efi",
	  "grubaa64.efi", "BOOTAA64.EFI" },
	{ "i386-efi", "grub-efi-ia32-bin", "", "shimia32.efi", "mmia32.efi",
	  "grubia32.efi", "BOOTIA32.EFI" },
};

static bool has_platform(const struct root *root, const struct install_platform *p)
{
	_cleanup_free_ char *path = xasprintf(GRUB_LIB_DIR "/%s/moddep.lst", p->name);

	return root_exists(root, path);
}

const struct install_platform *install_efi_platform(const struct root *root)
{
	for (size_t i = 0; i < ARRAY_SIZE(efi_platforms); i++)
		if (has_platform(root, &efi_platforms[i]))
			return &efi_platforms[i];
	return NULL;
}

bool install_wants_bios(const struct boot_install *b)
{
	if (streq0(b->target->boot_method, "grub-pc"))
		return true;
	/* A cloud image can have both. */
	return streq0(b->target->boot_method, "grub-efi") &&
	       has_platform(b->alt, &install_bios) &&
	       root_exists(b->alt, GRUB_DIR "/i386-pc/core.img") &&
	       install_bios_has_room(b);
}

bool install_wants_efi(const struct boot_install *b)
{
	if (streq0(b->target->boot_method, "grub-efi"))
		return true;
	return streq0(b->target->boot_method, "grub-pc") &&
	       install_esp_mount(b->target) && install_efi_platform(b->alt);
}

struct boot_ctx install_ctx(const struct boot_install *b)
{
	return (struct boot_ctx){ .root = b->alt,
				  .run = b->run,
				  .run_dir = b->run_dir,
				  .layout = b->target,
				  .events = b->events,
				  .inside = true };
}

/* The file system that holds /boot/grub, and the directory's name in it. */
static int find_boot(const struct boot_devices *ds, const struct boot_device **ret,
		     char **ret_dir, struct err *err)
{
	const struct boot_device *d = boot_devices_find(ds, "/boot");
	bool separate = d != NULL;

	if (!separate)
		d = boot_devices_find(ds, "/");
	if (d == NULL || *d->uuid == '\0')
		return err_set(err, ERR_INTERNAL,
			       "the clone's layout has no file system with an identifier "
			       "for " GRUB_DIR);
	*ret = d;
	*ret_dir = xasprintf("%s%s/grub", d->subvol, separate ? "" : "/boot");
	return 0;
}

char *install_boot_uuid(const struct layout *l)
{
	_cleanup_boot_devices_ struct boot_devices ds = BOOT_DEVICES_INIT;
	const struct boot_device *d;

	boot_devices_from_layout(&ds, l);
	d = boot_devices_find(&ds, "/boot");
	if (d == NULL)
		d = boot_devices_find(&ds, "/");
	return xstrdup(d ? d->uuid : "");
}

/* The form grub-install writes: the rescue parser, before any module of /boot is there, knows no more. */
int install_early_config(const struct boot_install *b, struct str *out, struct err *err)
{
	_cleanup_boot_devices_ struct boot_devices ds = BOOT_DEVICES_INIT;
	const struct boot_device *d;
	_cleanup_free_ char *dir = NULL;

	boot_devices_from_layout(&ds, b->target);
	if (find_boot(&ds, &d, &dir, err) < 0)
		return -1;
	str_addf(out, "search.fs_uuid %s root\nset prefix=($root)'%s'\n", d->uuid, dir);
	return 0;
}

static void add_modules(struct strv *argv, const struct boot_device *d,
			const struct install_platform *p)
{
	strv_add_all(argv, "part_gpt", "part_msdos", "search_fs_uuid", d->fs, NULL);
	/* Volumes of every type, as a clone can be moved to another one. */
	if (streq(d->abstraction, "lvm"))
		strv_add(argv, "lvm");
	strv_split(argv, p->modules, " ");
}

#define IMAGE GRUB_DIR "/nimadm-core.img"

/*
 * The early configuration goes in as standard input; the image cannot come out as standard output, which grub-mkimage
 * would sync. The prefix is that configuration's, whatever the disk's number.
 */
static int run_mkimage(const struct boot_install *b, const struct install_platform *p,
		       struct err *err)
{
	_cleanup_boot_devices_ struct boot_devices ds = BOOT_DEVICES_INIT;
	_cleanup_str_ struct str early = STR_INIT;
	_cleanup_strv_ struct strv argv = STRV_INIT;
	const struct boot_device *d;
	_cleanup_free_ char *dir = NULL;

	boot_devices_from_layout(&ds, b->target);
	if (find_boot(&ds, &d, &dir, err) < 0 || install_early_config(b, &early, err) < 0)
		return -1;
	strv_add_all(&argv, "grub-mkimage", "-O", p->name, "-c", "/dev/stdin", "-p", dir,
		     "-o", IMAGE, NULL);
	add_modules(&argv, d, p);

	const struct proc_spec spec = { .argv = strv_argv(&argv),
					.input = str_c(&early),
					.input_len = early.len,
					.timeout_s = 300 };
	if (runner_check(b->run, &spec, err) == 0)
		return 0;
	err_prefix(err, "making GRUB's %s core image", p->name);
	return err_remedy(err, "install %s in the system that is cloned", p->package);
}

int install_make_core(const struct boot_install *b, const struct install_platform *p,
		      struct str *out, struct err *err)
{
	int rc;

	if (root_mkdirs(b->alt, GRUB_DIR, 0755, err) < 0 ||
	    root_unlink(b->alt, IMAGE, err) < 0)
		return -1;
	rc = run_mkimage(b, p, err);
	if (rc == 0)
		rc = root_read(b->alt, IMAGE, 1 << 24, out, err);
	return root_unlink(b->alt, IMAGE, rc < 0 ? NULL : err) < 0 ? -1 : rc;
}

static bool is_module_file(const char *name)
{
	return ends_with(name, ".mod") || ends_with(name, ".lst");
}

static bool same_file(const struct root *root, const char *a, const char *b)
{
	_cleanup_str_ struct str x = STR_INIT;
	_cleanup_str_ struct str y = STR_INIT;

	return root_read_opt(root, a, 0, &x, NULL) == 0 &&
	       root_read_opt(root, b, 0, &y, NULL) == 0 && x.len == y.len &&
	       memcmp(str_c(&x), str_c(&y), x.len) == 0;
}

/* Modules of another build that the package no longer has would be loaded into a core that does not fit them. */
static int remove_strangers(const struct boot_install *b, const char *dir,
			    const struct strv *wanted, struct err *err)
{
	_cleanup_strv_ struct strv present = STRV_INIT;

	if (root_list(b->alt, dir, &present, err) < 0)
		return -1;
	for (size_t i = 0; i < present.n; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, present.v[i]);

		if (is_module_file(present.v[i]) && !strv_has(wanted, present.v[i]) &&
		    root_unlink(b->alt, path, err) < 0)
			return -1;
	}
	return 0;
}

int install_copy_modules(const struct boot_install *b, const struct install_platform *p,
			 struct err *err)
{
	_cleanup_free_ char *from = xasprintf(GRUB_LIB_DIR "/%s", p->name);
	_cleanup_free_ char *to = xasprintf(GRUB_DIR "/%s", p->name);
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (root_list(b->alt, from, &names, err) < 0)
		return -1;
	if (!has_platform(b->alt, p)) {
		err_set(err, ERR_OPERATOR, "%s: there is no GRUB for %s in %s",
			b->alt->path, p->name, from);
		return err_remedy(err, "install %s in the system that is cloned",
				  p->package);
	}
	if (root_mkdirs(b->alt, to, 0755, err) < 0 ||
	    remove_strangers(b, to, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *src = xasprintf("%s/%s", from, names.v[i]);
		_cleanup_free_ char *dst = xasprintf("%s/%s", to, names.v[i]);

		if (is_module_file(names.v[i]) && !same_file(b->alt, src, dst) &&
		    root_copy(b->alt, src, b->alt, dst, err) < 0)
			return -1;
	}
	return 0;
}

char *install_check_modules(const struct boot_install *b,
			    const struct install_platform *p)
{
	_cleanup_free_ char *from = xasprintf(GRUB_LIB_DIR "/%s", p->name);
	_cleanup_free_ char *to = xasprintf(GRUB_DIR "/%s", p->name);
	_cleanup_strv_ struct strv names = STRV_INIT;
	size_t seen = 0;

	if (root_list(b->alt, from, &names, NULL) < 0)
		return xasprintf("%s cannot be read", from);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *src = xasprintf("%s/%s", from, names.v[i]);
		_cleanup_free_ char *dst = xasprintf("%s/%s", to, names.v[i]);

		if (!is_module_file(names.v[i]))
			continue;
		seen++;
		if (!same_file(b->alt, src, dst))
			return xasprintf("%s is not %s", dst, src);
	}
	return seen > 0 ? xstrdup("") : xasprintf("%s holds no modules", from);
}
