/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a grub.cfg and an fstab name, held against the layout. */
#include "boot/boot-internal.h"
#include "boot/device.h"

struct check {
	const struct layout *layout;
	struct boot_devices devices;
	const char *file; /* for evidence */
	int line;
	bool custom;	     /* inside of a part that the administrator wrote */
	struct strv images;  /* kernels that a grub.cfg starts */
	struct strv unknown; /* reported already */
	struct findings *fs;
};

static bool has_uuid(const struct layout *l, const char *uuid)
{
	for (size_t i = 0; i < l->n_fs; i++)
		if (streq0(l->fs[i].uuid, uuid))
			return true;
	return false;
}

static bool has_label(const struct layout *l, const char *label)
{
	for (size_t i = 0; i < l->n_fs; i++)
		if (streq0(l->fs[i].label, label))
			return true;
	return false;
}

static bool has_device(const struct check *c, const char *device)
{
	for (size_t i = 0; i < c->devices.n; i++)
		if (streq(c->devices.v[i].device, device))
			return true;
	for (size_t i = 0; i < c->layout->n_fs; i++)
		if (streq0(c->layout->fs[i].device, device))
			return true;
	return false;
}

static void unknown(struct check *c, const char *what)
{
	_cleanup_free_ char *evidence = xasprintf("%s: line %d: %s is not in image.data",
						  c->file, c->line, what);

	if (strv_has(&c->unknown, what))
		return;
	strv_add(&c->unknown, what);
	findings_add(c->fs, "boot.device", c->custom ? FINDING_WARN : FINDING_INHIBIT,
		     "A device that the layout does not have", evidence,
		     "correct image.data (-i) or the file that names the device");
}

/* "UUID=...", "LABEL=...", "/dev/..."; PARTUUID= and others cannot be held against anything. */
static void check_spec(struct check *c, const char *spec)
{
	bool known = true;

	if (starts_with(spec, "UUID="))
		known = has_uuid(c->layout, spec + strlen("UUID="));
	else if (starts_with(spec, "LABEL="))
		known = has_label(c->layout, spec + strlen("LABEL="));
	else if (starts_with(spec, "/dev/disk/by-uuid/"))
		known = has_uuid(c->layout, spec + strlen("/dev/disk/by-uuid/"));
	else if (starts_with(spec, "/dev/"))
		known = has_device(c, spec);
	if (!known)
		unknown(c, spec);
}

static void check_linux(struct check *c, const struct strv *words)
{
	const char *base;

	if (words->n < 2)
		return;
	base = strrchr(words->v[1], '/');
	strv_add(&c->images, base ? base + 1 : words->v[1]);
	for (size_t i = 2; i < words->n; i++)
		if (starts_with(words->v[i], "root="))
			check_spec(c, words->v[i] + strlen("root="));
}

static void check_search(struct check *c, const struct strv *words)
{
	_cleanup_free_ char *spec = NULL;

	if (!strv_has(words, "--fs-uuid") && !strv_has(words, "-u"))
		return;
	spec = xasprintf("UUID=%s", words->v[words->n - 1]);
	check_spec(c, spec);
}

static const struct {
	const char *command;
	void (*check)(struct check *c, const struct strv *words);
} commands[] = {
	{ "linux", check_linux },
	{ "linux16", check_linux },
	{ "linuxefi", check_linux },
	{ "search", check_search },
};

static void check_grub_line(struct check *c, const char *line)
{
	_cleanup_strv_ struct strv words = STRV_INIT;

	/* "### BEGIN /etc/grub.d/40_custom ###" */
	if (starts_with(line, "### BEGIN "))
		c->custom = strstr(line, "custom") != NULL;
	strv_split(&words, line, " \t");
	for (size_t i = 0; words.n > 0 && i < ARRAY_SIZE(commands); i++)
		if (streq(words.v[0], commands[i].command))
			commands[i].check(c, &words);
}

static void for_each_line(struct check *c, const char *text,
			  void (*f)(struct check *c, const char *line))
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *cursor = copy, *line;

	boot_devices_from_layout(&c->devices, c->layout);
	while ((line = next_line(&cursor)) != NULL) {
		c->line++;
		f(c, line);
	}
}

static void check_done(struct check *c)
{
	boot_devices_done(&c->devices);
	strv_done(&c->images);
	strv_done(&c->unknown);
}

void grubcfg_verify(const char *text, const struct layout *l, const struct strv *kernels,
		    struct findings *fs)
{
	_cleanup_(check_done) struct check c = { .layout = l,
						 .file = "/boot/grub/grub.cfg",
						 .fs = fs };
	size_t before = fs->n;

	for_each_line(&c, text, check_grub_line);
	for (size_t i = 0; i < kernels->n; i++) {
		_cleanup_free_ char *image = xasprintf("vmlinuz-%s", kernels->v[i]);
		_cleanup_free_ char *evidence = xasprintf("%s: does not start %s", c.file,
							  image);

		if (!strv_has(&c.images, image))
			findings_add(fs, "boot.grub.kernel", FINDING_INHIBIT,
				     "A kernel that GRUB does not know", evidence,
				     "look at the output of grub-mkconfig in the log");
	}
	if (fs->n == before)
		findings_add(fs, "boot.grub", FINDING_PASS, "GRUB configuration",
			     "names every kernel, and no device but the layout's", "");
}

static const struct layout_fs *find_fs(const struct layout *l, const char *mount_point)
{
	for (size_t i = 0; i < l->n_fs; i++)
		if (streq0(l->fs[i].mount_point, mount_point))
			return &l->fs[i];
	return NULL;
}

/* Data disks that the image does not have are the client's; what the layout has must be what fstab means. */
static void check_fstab_line(struct check *c, const char *line)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	const char *mount_point;

	strv_split(&words, line, " \t");
	if (words.n < 3 || words.v[0][0] == '#')
		return;
	mount_point = streq(words.v[2], "swap") ? "swap" : words.v[1];
	c->custom = find_fs(c->layout, mount_point) == NULL;
	check_spec(c, words.v[0]);
}

void fstab_verify(const char *text, const struct layout *l, struct findings *fs)
{
	_cleanup_(check_done) struct check c = { .layout = l,
						 .file = "/etc/fstab",
						 .fs = fs };
	size_t before = fs->n;

	for_each_line(&c, text, check_fstab_line);
	if (fs->n == before)
		findings_add(fs, "boot.fstab", FINDING_PASS, "fstab",
			     "names no device but the layout's", "");
}
