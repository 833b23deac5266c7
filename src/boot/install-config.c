/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clone's own configuration: grub.cfg, what its menu says of the old system, the initramfs where it must change. */
#include "boot/bootlist-chain.h"
#include "boot/bootlist-env.h"
#include "boot/install-internal.h"
#include "boot/resume.h"

static const struct layout_fs *find_swap(const struct layout *l)
{
	for (size_t i = 0; i < l->n_fs; i++)
		if (streq0(l->fs[i].type, "swap"))
			return &l->fs[i];
	return NULL;
}

static bool same_root_type(const struct boot_install *b)
{
	const struct layout_fs *x = layout_find_fs(b->target, "/");
	const struct layout_fs *y = layout_find_fs(b->running, "/");

	return x && y && streq0(x->type, y->type);
}

/*
 * An initramfs finds its root by what grub.cfg tells it. What it holds of the machine besides: where to resume from, LVM's
 * list of devices, encrypted volumes, the checker of the root's type; and its drivers, where the copied one has those of
 * the running hardware alone, are still those of this machine.
 */
static const char *why_initramfs(const struct boot_install *b, const struct strv *kernels)
{
	if (b->running == NULL)
		return "it was made for another machine";
	if (root_exists(b->alt, BOOT_STALE_NOTE))
		return "packages were installed";
	if (!resume_is_built(b->alt, kernels) &&
	    (find_swap(b->running) || find_swap(b->target)))
		return "it names the swap space to resume from";
	if (root_exists(b->alt, "/etc/lvm/devices/system.devices"))
		return "it holds LVM's list of devices";
	if (root_exists(b->alt, "/etc/crypttab"))
		return "it holds the list of encrypted volumes";
	if (!same_root_type(b))
		return "the type of the root file system has changed";
	return NULL;
}

static int update_initramfs(const struct boot_install *b, const struct boot_ctx *c,
			    struct err *err)
{
	_cleanup_strv_ struct strv kernels = STRV_INIT;

	if (boot_kernels(b->alt, &kernels, err) < 0)
		return -1;
	const char *why = why_initramfs(b, &kernels);
	if (why == NULL)
		return resume_forget(b->alt, err);
	events_step(b->events, "The initramfs of %zu kernels is built anew: %s",
		    kernels.n, why);
	if (initramfs_build(c, &kernels, err) < 0)
		return -1;
	return resume_forget(b->alt, err);
}

/* What the source's next boot should have been is none of the clone's business. */
static int reset_environment(const struct boot_install *b, struct err *err)
{
	char block[ENV_BLOCK_SIZE];

	env_block_init(block);
	return root_write(b->alt, GRUB_DIR "/grubenv", block, sizeof(block), 0644, err);
}

static char *old_title(const struct boot_install *b)
{
	return xasprintf(
		"Old system (%s) on %s",
		b->running->os_level && *b->running->os_level ? b->running->os_level
							      : "before the clone",
		b->running->boot_disk && *b->running->boot_disk ? b->running->boot_disk
		: b->running->n_disks ? b->running->disks[0].name
				      : "its disk");
}

/* Empty where there is no way back by the menu. */
static int write_old_entry(const struct boot_install *b, struct str *out, struct err *err)
{
	_cleanup_chain_disk_ struct chain_disk old = CHAIN_DISK_INIT;
	_cleanup_chain_disk_ struct chain_disk self = CHAIN_DISK_INIT;
	_cleanup_free_ char *title = b->running ? old_title(b) : NULL;
	struct err why = { 0 };

	if (b->running == NULL)
		return 0;
	if (streq0(b->running->boot_method, "grub-efi")) {
		const char *mount = install_esp_mount(b->running);
		const struct layout_fs *esp = mount ? layout_find_fs(b->running, mount)
						    : NULL;
		_cleanup_free_ char *loader =
			b->old ? install_esp_loader(b->old, b->running) : NULL;

		if (esp && esp->uuid && *esp->uuid && loader)
			chain_write_old_efi(out, esp->uuid, loader, title);
		return 0;
	}
	if (chain_disk_find(&self, b->target, err) < 0)
		return -1;
	/* The clone starts without it, and the other disk can still be chosen in the BIOS. */
	if (chain_disk_find(&old, b->running, &why) < 0) {
		events_warning(b->events,
			       "The clone's menu has no entry for the old system: %s",
			       why.msg);
		return 0;
	}
	chain_write_old(out, &old, &self, title);
	return 0;
}

/* After the disk's own: the entry's text says where the environment block lies. */
int install_write_custom(const struct boot_install *b, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_str_ struct str entry = STR_INIT;
	_cleanup_str_ struct str without = STR_INIT;
	_cleanup_str_ struct str out = STR_INIT;

	if (root_read_opt(b->alt, CHAIN_FILE, 1 << 20, &text, err) < 0 ||
	    write_old_entry(b, &entry, err) < 0)
		return -1;
	/* The source's own list leads to the clone. */
	chain_put_block(&without, str_c(&text), CHAIN_BLOCK_LIST, NULL);
	chain_put_block(&out, str_c(&without), CHAIN_BLOCK_OLD,
			entry.len ? str_c(&entry) : NULL);
	if (out.len == 0)
		return root_unlink(b->alt, CHAIN_FILE, err);
	return root_write(b->alt, CHAIN_FILE, out.p, out.len, 0644, err);
}

int boot_install_config(const struct boot_install *b, struct err *err)
{
	const struct boot_ctx c = install_ctx(b);

	ERR_CONTEXT(err, "writing the clone's boot configuration");
	if (boot_grub.prepare(&c, err) < 0 || update_initramfs(b, &c, err) < 0 ||
	    root_mkdirs(b->alt, GRUB_DIR, 0755, err) < 0 || reset_environment(b, err) < 0)
		return -1;
	return grub_write_config(&c, err);
}
