/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What booting reads of disks and firmware: environment blocks, efibootmgr's output, SBAT lists and PE images, custom.cfg. An
 * environment block keeps its size and what was not touched; a block of ours in custom.cfg goes as it came.
 */
#include "fuzz.h"

#include "boot/bootlist-chain.h"
#include "boot/bootlist-efi.h"
#include "boot/bootlist-env.h"
#include "boot/install-sbat.h"

const char *const fuzz_seeds[] = {
	"# GRUB Environment Block\nsaved_entry=a\\\\b\nnext_entry=\n####",
	"BootCurrent: 0003\nBootOrder: 0003,0000\nBoot0003* my debian\tHD(1,GPT,0102-03,0x800)/"
	"File(\\EFI\\debian\\shimx64.efi)\nBoot0004  x\tHD(2,MBR,0x1a2b,0x8)/\\EFI\\x.efi\n",
	"sbat,1,SBAT Version,sbat,1,https\nshim,4,UEFI shim\ngrub,5\n",
	"set a=1\n### BEGIN nimadm boot list ###\nx\n### END nimadm boot list ###\n",
	NULL,
};

static void try_env(const char *text, size_t n)
{
	char block[ENV_BLOCK_SIZE];
	struct err err = { 0 };

	memset(block, '#', sizeof(block));
	memcpy(block, text, MIN(n, sizeof(block)));
	_cleanup_free_ char *other = env_block_get(block, "saved_entry");

	if (env_block_set(block, "nimadm_turn", text, &err) < 0) {
		PROMISE(err.kind == ERR_OPERATOR);
		return;
	}
	_cleanup_free_ char *value = env_block_get(block, "nimadm_turn");
	_cleanup_free_ char *after = env_block_get(block, "saved_entry");

	PROMISE(env_block_is_valid(block));
	PROMISE(streq0(value, text));
	PROMISE(streq0(other, after));
	PROMISE(env_block_set(block, "nimadm_turn", NULL, &err) == 0);
}

static void try_efi(const char *text)
{
	_cleanup_efi_list_ struct efi_list l = EFI_LIST_INIT;

	efi_list_parse(&l, text);
	for (size_t i = 0; i < l.n; i++)
		PROMISE(l.v[i].label && l.v[i].part_uuid && l.v[i].loader &&
			strlen(l.v[i].number) == 4);
}

static void try_sbat(const char *data, size_t n, const char *text)
{
	_cleanup_free_ char *below = sbat_below(data, n, "sbat,1\nshim,4\ngrub,9\n");
	_cleanup_free_ char *other = sbat_below("shim,3\n", 7, text);
	_cleanup_free_ char *level = sbat_shim_level(data, n);
	const char *section;
	size_t len;

	/* What is below a level is named, or nothing is. */
	PROMISE(!below || *below);
	PROMISE(!other || *other);
	PROMISE(level != NULL);
	if (sbat_find_section(data, n, ".sbat", &section, &len))
		PROMISE(section >= data && len <= n &&
			(size_t)(section - data) <= n - len);
}

static void try_custom(const char *text)
{
	_cleanup_str_ struct str without = STR_INIT;
	_cleanup_str_ struct str with = STR_INIT;
	_cleanup_str_ struct str back = STR_INIT;

	chain_put_block(&without, text, CHAIN_BLOCK_LIST, NULL);
	chain_put_block(&with, str_c(&without), CHAIN_BLOCK_LIST, "line\n");
	PROMISE(chain_has_block(str_c(&with), CHAIN_BLOCK_LIST));
	chain_put_block(&back, str_c(&with), CHAIN_BLOCK_LIST, NULL);
	PROMISE(streq(str_c(&back), str_c(&without)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* As a buffer of its own size, so that a sanitizer sees what is read behind it. */
	_cleanup_free_ char *bytes = xmalloc(size ? size : 1);
	_cleanup_free_ char *text = xstrndup((const char *)data, size);

	memcpy(bytes, data, size);
	try_env(text, strlen(text));
	try_efi(text);
	try_sbat(bytes, size, text);
	try_custom(text);
	return 0;
}
