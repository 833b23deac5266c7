/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layout of a root by its files alone. */
#include "inventory/layout-read.h"

#include "inventory/layout-parts.h"

#include <sys/utsname.h>
#include <time.h>

#include "model/os-release.h"
#include "sys/files.h"

#define MAPPER "/dev/mapper/"
#define SMALL  ((size_t)1 << 20)

static int read_os(struct layout *l, const struct root *root, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	int rc = root_read_opt(root, "etc/os-release", SMALL, &text, err);

	if (rc > 0)
		rc = root_read_opt(root, "usr/lib/os-release", SMALL, &text, err);
	if (rc < 0)
		return -1;
	if (rc > 0) {
		err_set(err, ERR_OPERATOR,
			"%s: no etc/os-release: not the root of a system", root->path);
		return err_remedy(err, "name the directory that holds etc and usr");
	}
	_cleanup_free_ char *id = os_release_get(str_c(&text), "ID");
	_cleanup_free_ char *version = os_release_get(str_c(&text), "VERSION_ID");
	_cleanup_free_ char *codename = os_release_get(str_c(&text), "VERSION_CODENAME");
	_cleanup_free_ char *level = xasprintf("%s %s %s", *id ? id : "linux",
					       *version ? version : "-",
					       *codename ? codename : "-");
	xreplace(&l->os_level, level);
	return 0;
}

/* The architecture of the dpkg package itself is the system's. */
static int read_arch(struct layout *l, const struct root *root, struct err *err)
{
	_cleanup_str_ struct str status = STR_INIT;
	struct utsname u;

	if (root_read_opt(root, "var/lib/dpkg/status", 0, &status, err) < 0)
		return -1;
	const char *p = strstr(str_c(&status), "\nPackage: dpkg\n");
	if (!p && starts_with(str_c(&status), "Package: dpkg\n"))
		p = str_c(&status);
	const char *end = p ? strstr(p, "\n\n") : NULL;
	const char *arch = p ? strstr(p, "\nArchitecture: ") : NULL;
	if (arch && (!end || arch < end)) {
		arch += strlen("\nArchitecture: ");
		_cleanup_free_ char *name = xstrndup(arch, strcspn(arch, "\n"));
		xreplace(&l->arch, name);
		return 0;
	}
	xreplace(&l->arch, uname(&u) == 0 ? u.machine : "unknown");
	return 0;
}

static int read_host_name(struct layout *l, const struct root *root, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (root_read_opt(root, "etc/hostname", SMALL, &text, err) < 0)
		return -1;
	_cleanup_free_ char *name = xstrndup(str_c(&text),
					     strcspn(str_c(&text), " \t\n#"));
	xreplace(&l->host, name);
	return 0;
}

static void read_boot(struct layout *l, const struct root *root)
{
	static const struct {
		const char *file, *method;
	} loaders[] = {
		{ "var/lib/dpkg/info/grub-pc.list", "grub-pc" },
		{ "var/lib/dpkg/info/grub-efi-amd64.list", "grub-efi" },
		{ "var/lib/dpkg/info/grub-efi-arm64.list", "grub-efi" },
		{ "boot/grub/i386-pc", "grub-pc" },
		{ "boot/grub/x86_64-efi", "grub-efi" },
	};

	xreplace(&l->boot_method, "none");
	xreplace(&l->boot_disk, "");
	for (size_t i = 0; i < ARRAY_SIZE(loaders); i++)
		if (root_exists(root, loaders[i].file)) {
			xreplace(&l->boot_method, loaders[i].method);
			return;
		}
}

static void set_date(struct layout *l)
{
	char buf[64];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(buf, sizeof(buf), "%a %b %e %H:%M:%S UTC %Y", &tm);
	xreplace(&l->date, buf);
}

/* A file system on a disk: not proc, not NFS, not a bind mount. */
static bool is_on_disk(const char *device, const char *options)
{
	static const char *const forms[] = { "/dev/", "UUID=", "LABEL=", "PARTUUID=",
					     "PARTLABEL=" };

	if (has_word(options, ",", "bind") || has_word(options, ",", "rbind"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (starts_with(device, forms[i]))
			return !starts_with(device, "/dev/sr") &&
			       !starts_with(device, "/dev/fd") &&
			       !starts_with(device, "/dev/cdrom");
	return false;
}

static void read_fstab_line(struct layout *l, char *line)
{
	char *cursor = line, *fields[4];

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		fields[i] = next_field(&cursor);
		if (!fields[i] || (i == 0 && fields[i][0] == '#'))
			return;
	}
	bool swap = streq(fields[2], "swap");
	char *device = fields[0], *mount = fields[1];
	unescape_octal(device);
	unescape_octal(mount);
	if (!is_on_disk(device, fields[3]) || (!swap && mount[0] != '/') ||
	    (!swap && layout_find_fs(l, mount)))
		return;
	struct layout_fs *fs = layout_new_fs(l);
	xreplace(&fs->mount_point, swap ? "swap" : mount);
	xreplace(&fs->device, device);
	xreplace(&fs->type, fields[2]);
	xreplace(&fs->options, fields[3]);
	if (starts_with(device, "UUID="))
		xreplace(&fs->uuid, device + strlen("UUID="));
	if (starts_with(device, "LABEL="))
		xreplace(&fs->label, device + strlen("LABEL="));
}

static int read_fstab(struct layout *l, const struct root *root, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (root_read_opt(root, "etc/fstab", SMALL, &text, err) < 0)
		return -1;
	char *cursor = text.p;
	for (char *line; cursor && (line = next_line(&cursor));)
		read_fstab_line(l, line);
	if (!layout_find_fs(l, "/")) {
		struct layout_fs *fs = layout_new_fs(l);
		xreplace(&fs->mount_point, "/");
		xreplace(&fs->type, "auto");
	}
	return 0;
}

void layout_add_lv(struct layout *l, const char *mount_point, const char *vg,
		   const char *name)
{
	for (size_t i = 0; i < l->n_lvs; i++)
		if (streq(l->lvs[i].vg, vg) && streq(l->lvs[i].name, name))
			return;
	struct layout_lv *lv = layout_new_lv(l);
	xreplace(&lv->vg, vg);
	xreplace(&lv->name, name);
	xreplace(&lv->type, "linear");
	xreplace(&lv->mount_point, mount_point[0] == '/' ? mount_point : "");
}

/* "/dev/mapper/root--vg-hd4": a single '-' parts group and volume, a double one stands for one in a name. */
void layout_add_mapped(struct layout *l, const char *mount_point, const char *device)
{
	_cleanup_str_ struct str vg = STR_INIT, lv = STR_INIT;
	struct str *at = &vg;

	if (!starts_with(device, MAPPER))
		return;
	for (const char *p = device + strlen(MAPPER); *p; p++) {
		if (*p == '-' && p[1] != '-' && at == &vg) {
			at = &lv;
			continue;
		}
		str_addc(at, *p);
		if (*p == '-' && p[1] == '-')
			p++;
	}
	if (vg.len > 0 && lv.len > 0)
		layout_add_lv(l, mount_point, vg.p, lv.p);
}

void layout_find_vg(struct layout *l)
{
	for (size_t i = 0; i < l->n_lvs; i++)
		if (streq(l->lvs[i].mount_point, "/"))
			xreplace(&l->vg_name, l->lvs[i].vg);
}

int layout_read_files(struct layout *l, const struct root *root, struct err *err)
{
	xreplace(&l->vg_name, "");
	set_date(l);
	if (read_os(l, root, err) < 0 || read_arch(l, root, err) < 0 ||
	    read_host_name(l, root, err) < 0 || read_fstab(l, root, err) < 0)
		return -1;
	read_boot(l, root);
	for (size_t i = 0; i < l->n_fs; i++)
		layout_add_mapped(l, l->fs[i].mount_point, l->fs[i].device);
	layout_find_vg(l);
	return 0;
}

int layout_read_root(struct layout *l, const struct root *root, struct err *err)
{
	_cleanup_layout_ struct layout read = LAYOUT_INIT;
	uint64_t used = 0;

	if (layout_read_files(&read, root, err) < 0 ||
	    files_disk_usage(root->path, &used, err) < 0)
		return -1;
	for (size_t i = 0; i < read.n_fs; i++)
		if (streq(read.fs[i].mount_point, "/"))
			read.fs[i].used = used;
	layout_done(l);
	*l = read;
	read = (struct layout)LAYOUT_INIT;
	return 0;
}

void layout_mounts(const struct layout *l, struct strv *ret)
{
	for (size_t i = 0; i < l->n_fs; i++)
		if (l->fs[i].mount_point[0] == '/')
			strv_add(ret, l->fs[i].mount_point);
}
