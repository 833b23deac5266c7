/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UEFI: BootOrder and BootNext, through efibootmgr. Entries whose loader lies in our own directory of an ESP are ours to make and
 * remove; of all others only the place in the order changes.
 */
#include "boot/bootlist-efi.h"

#include <ctype.h>
#include <fcntl.h>

#include "base/parse.h"
#include "boot/bootlist-internal.h"
#include "boot/device.h"
#include "boot/install-disk.h"
#include "boot/install-internal.h"

#define OUR_DIR "\\EFI\\" BOOT_EFI_ID "\\"

void efi_list_done(struct efi_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].label);
		free(l->v[i].part_uuid);
		free(l->v[i].loader);
	}
	free(l->v);
	strv_done(&l->order);
	*l = (struct efi_list)EFI_LIST_INIT;
}

static bool parse_hex32(const char *s, uint32_t *ret)
{
	char *end;
	unsigned long value;

	if (strspn(s, "0123456789abcdefABCDEF") != strlen(s) || strlen(s) > 8 || !*s)
		return false;
	value = strtoul(s, &end, 16);
	*ret = (uint32_t)value;
	return *end == '\0';
}

static bool is_number(const char *s)
{
	return strspn(s, "0123456789ABCDEFabcdef") >= 4;
}

static void take_number(char out[5], const char *s)
{
	if (!is_number(s))
		return;
	for (int i = 0; i < 4; i++)
		out[i] = (char)toupper((unsigned char)s[i]);
	out[4] = '\0';
}

/* Words of "1,GPT,2C9F...", "1,MBR,0x1a2b3c4d": as install_disk_read names the partition. */
static char *part_uuid(const struct strv *words)
{
	const char *id = words->v[2];
	uint64_t number;
	uint32_t signature;

	if (streq(words->v[1], "MBR") && starts_with(id, "0x") &&
	    parse_digits(words->v[0], strlen(words->v[0]), 10, &number) &&
	    parse_hex32(id + 2, &signature))
		return xasprintf("%08x-%02x", signature, (unsigned)number);
	char *copy = xstrdup(id);

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

/* "HD(1,GPT,2c9f...,0x800,0x20000)/File(\EFI\debian\shimx64.efi)": also without "File(...)" around the path. */
static void take_path(struct efi_entry *e, const char *path)
{
	const char *hd = strstr(path, "HD("), *file = strstr(path, "\\EFI\\");
	_cleanup_strv_ struct strv words = STRV_INIT;

	if (hd) {
		strv_split(&words, hd + strlen("HD("), ",)");
		if (words.n > 2) {
			free(e->part_uuid);
			e->part_uuid = part_uuid(&words);
		}
	}
	if (file == NULL)
		file = strstr(path, "\\efi\\");
	if (file) {
		free(e->loader);
		e->loader = xstrndup(file, strcspn(file, ") \t"));
	}
}

/* "Boot0003* debian\tHD(...)": a label may hold blanks, the path follows a tab. */
static void take_entry(struct efi_list *l, const char *line)
{
	const char *rest = line + strlen("Boot0003");
	struct efi_entry *e;
	size_t n;

	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	e = &l->v[l->n++];
	*e = (struct efi_entry){ .active = *rest == '*',
				 .part_uuid = xstrdup(""),
				 .loader = xstrdup("") };
	take_number(e->number, line + strlen("Boot"));
	rest += *rest == '*';
	rest += strspn(rest, " ");
	n = strcspn(rest, "\t");
	e->label = xstrndup(rest, n);
	strip(e->label);
	take_path(e, rest + n);
}

void efi_list_parse(struct efi_list *l, const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *cursor = copy, *line;

	while ((line = next_line(&cursor)) != NULL) {
		if (starts_with(line, "BootCurrent: "))
			take_number(l->current, line + strlen("BootCurrent: "));
		else if (starts_with(line, "BootNext: "))
			take_number(l->next, line + strlen("BootNext: "));
		else if (starts_with(line, "BootOrder: "))
			strv_split(&l->order, line + strlen("BootOrder: "), ", ");
		else if (starts_with(line, "Boot") && is_number(line + strlen("Boot")))
			take_entry(l, line);
	}
}

const struct efi_entry *efi_list_find(const struct efi_list *l, const char *number)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcasecmp(l->v[i].number, number) == 0)
			return &l->v[i];
	return NULL;
}

static bool is_ours(const struct efi_entry *e)
{
	return strncasecmp(e->loader, OUR_DIR, strlen(OUR_DIR)) == 0;
}

static bool efi_probe(const struct bootlist_ctx *c)
{
	return root_exists(c->root, "/sys/firmware/efi");
}

static int efibootmgr(const struct bootlist_ctx *c, const struct strv *words,
		      struct str *out, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;

	strv_add(&argv, "efibootmgr");
	strv_add_strv(&argv, words);

	const struct proc_spec spec = { .argv = strv_argv(&argv),
					.out = out,
					.timeout_s = 60 };
	if (runner_check(c->run, &spec, err) == 0)
		return 0;
	return err_remedy(err, "install efibootmgr, or choose the disk in the firmware's "
			       "own menu");
}

static int read_list(const struct bootlist_ctx *c, struct efi_list *l, struct err *err)
{
	_cleanup_str_ struct str out = STR_INIT;
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_add(&words, "-v");
	efi_list_done(l);
	if (efibootmgr(c, &words, &out, err) < 0)
		return -1;
	efi_list_parse(l, str_c(&out));
	return 0;
}

/* Partitions of a disk; a disk that is gone has none. */
static bool disk_has_part(const char *disk, const char *part_uuid)
{
	_cleanup_install_disk_ struct install_disk table = INSTALL_DISK_INIT;
	_cleanup_close_ int fd = open(disk, O_RDONLY | O_CLOEXEC);

	if (*part_uuid == '\0' || fd < 0 || install_disk_read(&table, fd, disk, NULL) < 0)
		return false;
	for (size_t i = 0; i < table.n_parts; i++)
		if (streq(table.parts[i].uuid, part_uuid))
			return true;
	return false;
}

/* The disk that an entry starts, of those we know; NULL: none. */
static const char *disk_of(const struct bootlist_ctx *c, const struct efi_entry *e)
{
	for (size_t i = 0; i < c->running->n_disks; i++)
		if (disk_has_part(c->running->disks[i].name, e->part_uuid))
			return c->running->disks[i].name;
	for (size_t k = 0; k < c->n_clones; k++)
		for (size_t i = 0; i < c->clones[k].n_disks; i++)
			if (disk_has_part(c->clones[k].disks[i].name, e->part_uuid))
				return c->clones[k].disks[i].name;
	return NULL;
}

/* An entry that starts this disk: one that has been in the order, the current one first, ours before the distribution's copy of it. */
static const struct efi_entry *entry_of(const struct efi_list *l, const char *disk)
{
	const struct efi_entry *best = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct efi_entry *e = &l->v[i];

		if (!e->active || !disk_has_part(disk, e->part_uuid))
			continue;
		if (streq(e->number, l->current))
			return e;
		if (best == NULL || (is_ours(e) && !is_ours(best)))
			best = e;
	}
	return best;
}

/* The clone's ESP: its disk and the number of its partition. */
static int find_esp(const struct layout *clone, char **ret_disk, unsigned *ret_number,
		    struct err *err)
{
	_cleanup_boot_devices_ struct boot_devices ds = BOOT_DEVICES_INIT;
	const char *mount = install_esp_mount(clone);
	const struct boot_device *d;

	boot_devices_from_layout(&ds, clone);
	d = mount ? boot_devices_find(&ds, mount) : NULL;
	*ret_disk = d ? boot_device_disk(d->device, clone) : NULL;
	*ret_number = d ? boot_device_number(d->device) : 0;
	if (*ret_disk && *ret_number)
		return 0;
	return err_set(err, ERR_OPERATOR,
		       "the clone has no EFI system partition that an entry could name");
}

static const struct {
	const char *arch, *loader;
} loaders[] = {
	{ "amd64", OUR_DIR "BOOTX64.EFI" },
	{ "arm64", OUR_DIR "BOOTAA64.EFI" },
	{ "i386", OUR_DIR "BOOTIA32.EFI" },
};

/* What install-esp.c has written there. */
static const char *loader_of(const struct layout *clone)
{
	for (size_t i = 0; i < ARRAY_SIZE(loaders); i++)
		if (streq0(loaders[i].arch, clone->arch))
			return loaders[i].loader;
	return loaders[0].loader;
}

static int make_entry(const struct bootlist_ctx *c, const struct layout *clone,
		      struct err *err)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	_cleanup_str_ struct str out = STR_INIT;
	_cleanup_free_ char *disk = NULL;
	unsigned number;

	if (find_esp(clone, &disk, &number, err) < 0)
		return -1;
	/* Without a place in the order: that is set by itself, once everything is there. */
	strv_add_all(&words, "--create-only", "--disk", disk, "--part", NULL);
	strv_addf(&words, "%u", number);
	strv_add_all(&words, "--label", bootlist_label(clone), "--loader",
		     loader_of(clone), NULL);
	return efibootmgr(c, &words, &out, err);
}

/* 0 and *ret_number; makes an entry for a clone that has none. */
static int number_of(const struct bootlist_ctx *c, struct efi_list *l, const char *disk,
		     char ret_number[5], struct err *err)
{
	const struct efi_entry *e = entry_of(l, disk);
	const struct layout *clone = bootlist_find_clone(c, disk);

	if (e == NULL && clone) {
		if (make_entry(c, clone, err) < 0 || read_list(c, l, err) < 0)
			return -1;
		e = entry_of(l, disk);
	}
	if (e == NULL) {
		err_set(err, ERR_OPERATOR, "%s: the firmware has no entry that starts it",
			disk);
		return err_remedy(err, "grub-install on the running system makes one");
	}
	memcpy(ret_number, e->number, sizeof(e->number));
	return 0;
}

static int efi_set(const struct bootlist_ctx *c, const struct strv *disks,
		   struct err *err)
{
	_cleanup_efi_list_ struct efi_list l = EFI_LIST_INIT;
	_cleanup_strv_ struct strv order = STRV_INIT;
	_cleanup_strv_ struct strv words = STRV_INIT;
	_cleanup_str_ struct str out = STR_INIT;
	_cleanup_free_ char *list = NULL;

	if (read_list(c, &l, err) < 0)
		return -1;
	for (size_t i = 0; i < disks->n; i++) {
		char number[5];

		if (number_of(c, &l, disks->v[i], number, err) < 0)
			return -1;
		if (!strv_has(&order, number))
			strv_add(&order, number);
	}
	for (size_t i = 0; i < l.order.n; i++)
		if (!strv_has(&order, l.order.v[i]))
			strv_add(&order, l.order.v[i]);
	list = strv_join(&order, ",");
	strv_add_all(&words, "--bootorder", list, NULL);
	return efibootmgr(c, &words, &out, err);
}

static int efi_set_once(const struct bootlist_ctx *c, const char *disk, struct err *err)
{
	_cleanup_efi_list_ struct efi_list l = EFI_LIST_INIT;
	_cleanup_strv_ struct strv words = STRV_INIT;
	_cleanup_str_ struct str out = STR_INIT;
	char number[5];

	if (read_list(c, &l, err) < 0 || number_of(c, &l, disk, number, err) < 0)
		return -1;
	strv_add_all(&words, "--bootnext", number, NULL);
	return efibootmgr(c, &words, &out, err);
}

static int efi_read(const struct bootlist_ctx *c, struct bootlist *ret, struct err *err)
{
	_cleanup_efi_list_ struct efi_list l = EFI_LIST_INIT;
	const struct efi_entry *next;

	if (read_list(c, &l, err) < 0)
		return -1;
	for (size_t i = 0; i < l.order.n; i++) {
		const struct efi_entry *e = efi_list_find(&l, l.order.v[i]);
		const char *disk = e ? disk_of(c, e) : NULL;
		_cleanup_free_ char *id = e ? xasprintf("Boot%s", e->number) : NULL;

		if (disk)
			bootlist_add(ret, disk, e->label, id, is_ours(e));
	}
	next = *l.next ? efi_list_find(&l, l.next) : NULL;
	ret->once = next ? xstrdup(disk_of(c, next)) : NULL;
	ret->mechanism = xstrdup("EFI BootOrder");
	return 0;
}

/* By the partition while the disk is there, by itself where no disk has that partition any more. */
static bool is_entry_of(const struct bootlist_ctx *c, const struct efi_entry *e,
			const char *disk)
{
	return is_ours(e) && (disk_has_part(disk, e->part_uuid) || disk_of(c, e) == NULL);
}

static int efi_forget(const struct bootlist_ctx *c, const char *disk, struct err *err)
{
	_cleanup_efi_list_ struct efi_list l = EFI_LIST_INIT;

	if (read_list(c, &l, err) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		_cleanup_strv_ struct strv words = STRV_INIT;
		_cleanup_str_ struct str out = STR_INIT;

		if (!is_entry_of(c, &l.v[i], disk))
			continue;
		strv_add_all(&words, "--bootnum", l.v[i].number, "--delete-bootnum",
			     NULL);
		if (efibootmgr(c, &words, &out, err) < 0)
			return -1;
	}
	return 0;
}

const struct bootlist_method bootlist_efi = {
	.name = "EFI",
	.probe = efi_probe,
	.read = efi_read,
	.set = efi_set,
	.set_once = efi_set_once,
	.forget = efi_forget,
};
