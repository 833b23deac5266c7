/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a clone's firmware needs, written and verified: BIOS, UEFI or both. */
#include "boot/install-internal.h"

static const struct {
	const char *name;
	bool (*wanted)(const struct boot_install *b);
	int (*write)(const struct boot_install *b, struct err *err);
	int (*verify)(const struct boot_install *b, struct findings *fs, struct err *err);
} firmwares[] = {
	{ "BIOS", install_wants_bios, install_bios_write, install_bios_verify },
	{ "UEFI", install_wants_efi, install_esp_write, install_esp_verify },
};

int boot_install_write(const struct boot_install *b, struct err *err)
{
	size_t n = 0;

	ERR_CONTEXT(err, "making the clone's disks bootable");
	for (size_t i = 0; i < ARRAY_SIZE(firmwares); i++) {
		if (!firmwares[i].wanted(b))
			continue;
		n++;
		if (firmwares[i].write(b, err) < 0)
			return -1;
	}
	if (n > 0)
		return install_write_custom(b, err);
	err_set(err, ERR_OPERATOR, "boot method \"%s\" is not supported",
		b->target->boot_method ? b->target->boot_method : "");
	return err_remedy(err, "make the clone bootable by hand, or use a system that "
			       "boots with GRUB");
}

int boot_install_verify(const struct boot_install *b, struct findings *fs,
			struct err *err)
{
	const struct boot_ctx c = install_ctx(b);
	size_t before = fs->n;

	ERR_CONTEXT(err, "verifying the clone's boot chain");
	for (size_t i = 0; i < ARRAY_SIZE(firmwares); i++)
		if (firmwares[i].wanted(b) && firmwares[i].verify(b, fs, err) < 0)
			return -1;
	if (boot_grub.verify(&c, fs, err) < 0)
		return -1;
	return boot_verdict(fs, before, err);
}
