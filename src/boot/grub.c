/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GRUB: the distribution's own grub-mkconfig, with answers from the layout in place of the master's devices. */
#include "boot/boot-internal.h"
#include "boot/device.h"
#include "boot/grub-scripts.h"
#include "sys/files.h"

#define MKCONFIG "/usr/sbin/grub-mkconfig"
#define CONFIG	 "/boot/grub/grub.cfg"
#define FRESH	 "/boot/grub/grub.cfg.nimadm"

static bool grub_probe(const struct root *root, const struct layout *layout)
{
	const char *method = layout->boot_method;

	if (method && *method)
		return starts_with(method, "grub");
	return root_exists(root, MKCONFIG) && root_exists(root, "/boot/grub");
}

static int put(const char *dir, const char *name, const char *text, mode_t mode,
	       struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);

	return files_write_atomic(path, text, strlen(text), mode, err);
}

static bool is_name(const char *s)
{
	return *s && *s != '.' && !strchr(s, '/');
}

/* 10_linux takes root=UUID= only where /dev/disk/by-uuid has it, and /dev/mapper/... only where that exists. */
static int put_devices(const struct boot_ctx *c, const struct boot_devices *ds,
		       struct err *err)
{
	_cleanup_free_ char *uuids = xasprintf("%s/disk/by-uuid", c->run_dir);
	_cleanup_free_ char *mapper = xasprintf("%s/mapper", c->run_dir);

	if (files_mkdirs(uuids, 0755, err) < 0 || files_mkdirs(mapper, 0755, err) < 0)
		return -1;
	for (size_t i = 0; i < ds->n; i++) {
		const struct boot_device *d = &ds->v[i];
		const char *name = starts_with(d->device, "/dev/mapper/")
					   ? d->device + strlen("/dev/mapper/")
					   : "";

		if (is_name(d->uuid) && put(uuids, d->uuid, "", 0644, err) < 0)
			return -1;
		if (is_name(name) && put(mapper, name, "", 0644, err) < 0)
			return -1;
	}
	return 0;
}

static int put_mkconfig(const struct boot_ctx *c, const char *dir, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_str_ struct str copy = STR_INIT;

	if (root_read(c->root, MKCONFIG, 1 << 20, &text, err) < 0)
		return err_remedy(err,
				  "image.data says that the image boots with GRUB: "
				  "correct BOOT_METHOD with -i, or add grub with -b");
	if (grub_mkconfig_rewrite(str_c(&text), &copy, err) < 0)
		return -1;
	return put(dir, "grub-mkconfig", str_c(&copy), 0755, err);
}

static int grub_prepare(const struct boot_ctx *c, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/grub", c->run_dir);
	_cleanup_boot_devices_ struct boot_devices ds = BOOT_DEVICES_INIT;
	_cleanup_str_ struct str answers = STR_INIT;

	boot_devices_from_layout(&ds, c->layout);
	if (boot_devices_find(&ds, "/") == NULL)
		return err_set(
			err, ERR_OPERATOR,
			"image.data: has no file system for /: GRUB cannot be told "
			"where to find it");
	boot_devices_write(&ds, &answers);
	if (initramfs_prepare(c, err) < 0 || files_mkdirs(dir, 0755, err) < 0)
		return -1;
	for (const struct grub_script *s = grub_scripts; s->name; s++)
		if (put(dir, s->name, s->text, 0755, err) < 0)
			return -1;
	if (put(dir, "answers", str_c(&answers), 0644, err) < 0 ||
	    put_mkconfig(c, dir, err) < 0)
		return -1;
	return put_devices(c, &ds, err);
}

/* "LANG=de_DE.UTF-8" of the client: menu titles are translated, and GRUB_DEFAULT may name one. */
static char *client_lang(const struct root *root)
{
	_cleanup_str_ struct str text = STR_INIT;
	char *cursor, *line;

	if (root_read_opt(root, "/etc/default/locale", 1 << 16, &text, NULL) != 0)
		return xstrdup("LANG=");
	for (cursor = text.p; cursor && (line = next_line(&cursor));) {
		_cleanup_str_ struct str lang = STR_INIT;

		line = strip(line);
		if (!starts_with(line, "LANG="))
			continue;
		for (; *line; line++)
			if (!strchr("\"'", *line))
				str_addc(&lang, *line);
		return str_take(&lang);
	}
	return xstrdup("LANG=");
}

/* grub-mkconfig itself writes into the file it has been told, which a crash would leave short. */
int grub_write_config(const struct boot_ctx *c, struct err *err)
{
	const char *const argv[] = { BOOT_RUN_DIR "/grub/grub-mkconfig", "-o", FRESH,
				     NULL };
	_cleanup_free_ char *lang = client_lang(c->root);
	const char *const env[] = { "PATH=" BOOT_RUN_DIR "/grub:" BOOT_PATH,
				    "LC_ALL=", lang, NULL };
	_cleanup_str_ struct str text = STR_INIT;

	if (root_mkdirs(c->root, "/boot/grub", 0755, err) < 0 ||
	    root_unlink(c->root, FRESH, err) < 0 ||
	    root_unlink(c->root, FRESH ".new", err) < 0)
		return -1;
	events_step(c->events, "Writing " CONFIG);
	if (boot_chroot(c, argv, env, err) < 0)
		return -1;
	if (root_read(c->root, FRESH, 1 << 24, &text, err) < 0 ||
	    root_write(c->root, CONFIG, text.p, text.len, 0600, err) < 0)
		return -1;
	return root_unlink(c->root, FRESH, err);
}

static int grub_build(const struct boot_ctx *c, struct err *err)
{
	_cleanup_strv_ struct strv kernels = STRV_INIT;

	if (boot_kernels(c->root, &kernels, err) < 0 || boot_remove_stale(c, err) < 0 ||
	    initramfs_build(c, &kernels, err) < 0)
		return -1;
	return grub_write_config(c, err);
}

static int grub_verify(const struct boot_ctx *c, struct findings *fs, struct err *err)
{
	_cleanup_strv_ struct strv kernels = STRV_INIT;
	_cleanup_str_ struct str config = STR_INIT;
	_cleanup_str_ struct str fstab = STR_INIT;
	size_t before = fs->n;

	if (boot_kernels(c->root, &kernels, err) < 0 ||
	    root_read_opt(c->root, CONFIG, 1 << 24, &config, err) < 0 ||
	    root_read_opt(c->root, "/etc/fstab", 1 << 20, &fstab, err) < 0)
		return -1;
	if (kernels.n == 0)
		findings_add(fs, "boot.kernel", FINDING_INHIBIT, "No kernel",
			     "/boot has no kernel whose modules are installed",
			     "add a kernel package with a bundle (-b)");
	if (initramfs_verify(c, &kernels, fs, err) < 0)
		return -1;
	grubcfg_verify(str_c(&config), c->layout, &kernels, fs);
	fstab_verify(str_c(&fstab), c->layout, fs);
	return boot_verdict(fs, before, err);
}

const struct boot_backend boot_grub = {
	.name = "grub",
	.probe = grub_probe,
	.prepare = grub_prepare,
	.build = grub_build,
	.verify = grub_verify,
};
