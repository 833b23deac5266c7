/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GRUB's language: finding the other disk and starting it. */
#include "boot/bootlist-chain.h"

#include <fcntl.h>

#include "boot/device.h"
#include "boot/install-disk.h"

void chain_disk_done(struct chain_disk *d)
{
	free(d->name);
	free(d->fs_uuid);
	free(d->part_uuid);
	*d = (struct chain_disk)CHAIN_DISK_INIT;
}

static const struct boot_device *boot_device(const struct boot_devices *ds)
{
	const struct boot_device *d = boot_devices_find(ds, "/boot");

	return d ? d : boot_devices_find(ds, "/");
}

static int read_table(struct chain_disk *d, struct err *err)
{
	_cleanup_install_disk_ struct install_disk table = INSTALL_DISK_INIT;
	_cleanup_close_ int fd = open(d->name, O_RDONLY | O_CLOEXEC);
	const struct install_part *part;

	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot open %s", d->name);
	if (install_disk_read(&table, fd, d->name, err) < 0)
		return -1;
	if (table.n_parts == 0)
		return err_set(err, ERR_OPERATOR,
			       "%s: has no partition by which GRUB could find it",
			       d->name);
	part = &table.parts[table.n_parts - 1];
	d->part_uuid = xstrdup(part->uuid);
	snprintf(d->part, sizeof(d->part), "%s%u",
		 streq(table.label, "dos") ? "msdos" : table.label, part->number);
	return install_env_find(&d->env, &table, fd, d->name, err);
}

int chain_disk_find(struct chain_disk *d, const struct layout *l, struct err *err)
{
	_cleanup_boot_devices_ struct boot_devices ds = BOOT_DEVICES_INIT;
	const struct boot_device *boot;

	chain_disk_done(d);
	boot_devices_from_layout(&ds, l);
	boot = boot_device(&ds);
	/* A volume can lie on several disks: none of them has the file system by itself. */
	if (boot && *boot->abstraction == '\0' && *boot->uuid) {
		d->name = boot_device_disk(boot->device, l);
		d->fs_uuid = xstrdup(boot->uuid);
	}
	if (d->name == NULL) {
		free(d->fs_uuid);
		d->fs_uuid = xstrdup("");
		d->name = xstrdup(l->boot_disk && *l->boot_disk ? l->boot_disk
				  : l->n_disks			? l->disks[0].name
								: "");
	}
	return read_table(d, err);
}

char *chain_entry_id(const struct layout *clone)
{
	_cleanup_boot_devices_ struct boot_devices ds = BOOT_DEVICES_INIT;
	const struct boot_device *boot;

	boot_devices_from_layout(&ds, clone);
	boot = boot_device(&ds);
	return xasprintf("nimadm-%.8s", boot && *boot->uuid ? boot->uuid : "altinst");
}

/* Sets $VAR to the disk ("hd1"), or to nothing. */
static void write_find(struct str *out, const struct chain_disk *d, const char *var)
{
	str_addf(out, "set %s=\n", var);
	if (*d->fs_uuid) {
		str_addf(out,
			 "if search --no-floppy --fs-uuid --set=nimadm_part %s; then\n"
			 "\tregexp --set=1:%s '^([^,]+),' \"$nimadm_part\"\n"
			 "fi\n",
			 d->fs_uuid, var);
		return;
	}
	str_addf(out,
		 "for nimadm_n in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do\n"
		 "\tif probe --set=nimadm_uuid --part-uuid (hd$nimadm_n,%s); then\n"
		 "\t\tif [ \"$nimadm_uuid\" = \"%s\" ]; then\n"
		 "\t\t\tset %s=hd$nimadm_n\n"
		 "\t\t\tbreak\n"
		 "\t\tfi\n"
		 "\tfi\n"
		 "done\n",
		 d->part, d->part_uuid, var);
}

/* A title stands between quotes that nothing can escape. */
static void write_title(struct str *out, const char *title, const char *id)
{
	str_add(out, "menuentry '");
	for (; *title; title++)
		if (*title != '\'' && *title != '\n')
			str_addc(out, *title);
	str_addf(out, "' --id %s {\n", id);
}

static void write_entry(struct str *out, const struct chain_disk *d, const char *id,
			const char *title)
{
	write_title(out, title, id);
	write_find(out, d, "nimadm_disk");
	str_add(out, "set root=\"$nimadm_disk\"\nchainloader +1\n}\n");
}

/* Where grub-install has written over the first block the second one is left, for what stays. */
static void write_load(struct str *out, const struct chain_disk *d)
{
	const uint64_t last = *d->env.uuid ? d->env.spare : d->env.sector;

	str_add(out, "set " CHAIN_TURN "=\n"
		     "set " CHAIN_STAY "=\n");
	if (*d->env.uuid)
		str_addf(out,
			 "if search --no-floppy --fs-uuid --set=nimadm_env %s; then\n"
			 "\tload_env -f ($nimadm_env)" INSTALL_ENV_FILE " " CHAIN_TURN
			 " " CHAIN_STAY "\n",
			 d->env.uuid);
	if (last)
		str_addf(out,
			 "%s [ -n \"$nimadm_disk\" ]; then\n"
			 "\tload_env -f ($nimadm_disk)%llu+2 " CHAIN_STAY "\n",
			 *d->env.uuid ? "elif" : "if", (unsigned long long)last);
	if (*d->env.uuid || last)
		str_add(out, "fi\n");
}

/* The state is taken back before anything is started by it: whatever happens then, the next boot is the usual one. Where it could not be
 * taken back it is never set. */
static void write_take(struct str *out, const char *next)
{
	str_addf(out,
		 "\tset " CHAIN_TURN "=%s\n"
		 "\tsave_env -f ($nimadm_env)" INSTALL_ENV_FILE " " CHAIN_TURN "\n",
		 next);
}

void chain_write_list(struct str *out, const struct chain_disk *clone, const char *id,
		      const char *title)
{
	write_entry(out, clone, id, title);
	write_find(out, clone, "nimadm_disk");
	write_load(out, clone);
	str_add(out, "set nimadm_now=\"$" CHAIN_TURN "\"\n"
		     "if [ -n \"$nimadm_now\" ]; then\n");
	write_take(out, "");
	str_addf(
		out,
		"fi\n"
		"if [ \"$nimadm_now\" = clone ]; then\n"
		"\tset default=%s\n"
		"\tset boot_once=true\n"
		"elif [ \"$boot_once\" = true ]; then\n"
		"\tset nimadm_now=\"$nimadm_disk\"\n"
		"elif [ \"$saved_entry\" = %s -a -n \"$nimadm_disk\" -a -z \"$nimadm_now\" "
		"-a \"$" CHAIN_STAY "\" != other ]; then\n"
		"\tset default=%s\n"
		"\tset nimadm_now=yes\n"
		"else\n"
		"\tset nimadm_now=\n"
		"fi\n"
		"if [ \"$default\" = %s -a -z \"$nimadm_now\" ]; then\n"
		"\tset default=\"$" CHAIN_SAVED "\"\n"
		"\tif [ -z \"$default\" ]; then\n"
		"\t\tset default=0\n"
		"\tfi\n"
		"fi\n",
		id, id, id, id);
}

void chain_write_old(struct str *out, const struct chain_disk *old,
		     const struct chain_disk *self, const char *title)
{
	write_entry(out, old, CHAIN_OLD, title);
	if (self->env.sector == 0)
		return;
	write_find(out, old, "nimadm_other");
	write_find(out, self, "nimadm_disk");
	write_load(out, self);
	str_add(out,
		"if [ \"$" CHAIN_TURN "\" = other -a -n \"$nimadm_other\" ]; then\n");
	write_take(out, "pass");
	str_add(out, "\tset default=" CHAIN_OLD "\n"
		     "\tset boot_once=true\n"
		     "elif [ -n \"$" CHAIN_TURN "\" ]; then\n");
	write_take(out, "");
	str_add(out, "elif [ \"$" CHAIN_STAY "\" = other -a -n \"$nimadm_other\" -a "
		     "\"$boot_once\" != true ]; then\n"
		     "\tset default=" CHAIN_OLD "\n"
		     "fi\n");
}

void chain_write_old_efi(struct str *out, const char *esp_uuid, const char *loader,
			 const char *title)
{
	write_title(out, title, CHAIN_OLD);
	str_addf(out,
		 "search --no-floppy --fs-uuid --set=root %s\n"
		 "chainloader /%s\n"
		 "}\n",
		 esp_uuid, loader);
}

static char *mark(const char *which, const char *name)
{
	return xasprintf("### %s nimadm %s ###", which, name);
}

void chain_put_block(struct str *out, const char *text, const char *name,
		     const char *block)
{
	_cleanup_free_ char *begin = mark("BEGIN", name);
	_cleanup_free_ char *end = mark("END", name);
	_cleanup_free_ char *copy = xstrdup(text);
	char *cursor = copy, *line;
	bool inside = false;

	while ((line = next_line(&cursor)) != NULL) {
		if (streq(line, begin))
			inside = true;
		if (!inside)
			str_addf(out, "%s\n", line);
		if (streq(line, end))
			inside = false;
	}
	if (block)
		str_addf(out, "%s\n%s%s\n", begin, block, end);
}

bool chain_has_block(const char *text, const char *name)
{
	_cleanup_free_ char *begin = mark("BEGIN", name);

	return strstr(text, begin) != NULL;
}
