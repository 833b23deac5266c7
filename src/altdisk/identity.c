/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clone's configuration names the clone's devices. */
#include "altdisk/identity.h"

#include <ctype.h>

#include "boot/boot.h"

#define SMALL		((size_t)4 << 20)
#define RESUME_CONF	"etc/initramfs-tools/conf.d/resume"
#define DEVICES_FILE	"etc/lvm/devices/system.devices"
#define NOT_IN_CLONE	"# not in this clone: "
#define FSTAB_DEVICE	0
#define FSTAB_MOUNT	1
#define FSTAB_TYPE	2
#define FSTAB_OPTIONS	3
#define FSTAB_MIN_WORDS 3
#define FSTAB_WORDS	4

/* Files that may name devices; a directory stands for the files in it. */
static const char *const named_in[] = {
	"etc/crypttab",
	"etc/default/grub",
	"etc/default/grub.d",
	"etc/dracut.conf",
	"etc/dracut.conf.d",
	"etc/initramfs-tools/conf.d",
	"etc/initramfs-tools/initramfs.conf",
	"etc/kernel/cmdline",
	"etc/uswsusp.conf",
};

struct word {
	size_t at, len;
};

/* The n-th file system of this mount point: swaps share theirs. */
static const struct layout_fs *nth_fs(const struct layout *l, const char *mount_point,
				      size_t n)
{
	for (size_t i = 0; i < l->n_fs; i++)
		if (streq(l->fs[i].mount_point, mount_point) && n-- == 0)
			return &l->fs[i];
	return NULL;
}

/* What the clone has in place of the i-th file system of the running system. */
static const struct layout_fs *counterpart(const struct layout *running, size_t i,
					   const struct layout *target)
{
	size_t n = 0;

	for (size_t j = 0; j < i; j++)
		n += streq(running->fs[j].mount_point, running->fs[i].mount_point);
	return nth_fs(target, running->fs[i].mount_point, n);
}

static char *new_name(const struct layout_fs *fs)
{
	return *fs->uuid ? xasprintf("UUID=%s", fs->uuid) : xstrdup(fs->device);
}

static size_t split_words(const char *line, size_t len, struct word *words, size_t max)
{
	size_t n = 0, i = 0;

	while (n < max) {
		while (i < len && isblank((unsigned char)line[i]))
			i++;
		if (i == len)
			break;
		words[n].at = i;
		while (i < len && !isblank((unsigned char)line[i]))
			i++;
		words[n].len = i - words[n].at;
		n++;
	}
	return n;
}

static bool word_is(const char *line, const struct word *w, const char *text)
{
	return strlen(text) == w->len && memcmp(line + w->at, text, w->len) == 0;
}

/* fstab writes a blank in a mount point as \040. */
static void escape_mount(const char *path, struct str *out)
{
	for (; *path; path++)
		if (strchr(" \t\n\\", *path))
			str_addf(out, "\\%03o", (unsigned char)*path);
		else
			str_addc(out, *path);
}

/* The running file system that a line of fstab is about; n_fs: none. */
static size_t fs_of_line(const struct layout *l, const char *line,
			 const struct word *words)
{
	bool swap = word_is(line, &words[FSTAB_TYPE], "swap");

	for (size_t i = 0; i < l->n_fs; i++) {
		_cleanup_str_ struct str escaped = STR_INIT;
		const struct layout_fs *fs = &l->fs[i];

		if (swap != streq(fs->type, "swap"))
			continue;
		escape_mount(swap ? fs->device : fs->mount_point, &escaped);
		if (word_is(line, &words[swap ? FSTAB_DEVICE : FSTAB_MOUNT],
			    str_c(&escaped)))
			return i;
	}
	return l->n_fs;
}

/* The number of a subvolume is another in the clone, and its default may be. */
static void put_options(const char *line, const struct word *w,
			const struct layout_fs *fs, struct str *out)
{
	_cleanup_free_ char *old = xstrndup(line + w->at, w->len);
	_cleanup_strv_ struct strv words = STRV_INIT, new = STRV_INIT, kept = STRV_INIT;
	bool named = false;

	strv_split(&words, old, ",");
	strv_split(&new, fs->options, ",");
	for (size_t i = 0; i < words.n; i++) {
		named |= starts_with(words.v[i], "subvol=");
		if (!starts_with(words.v[i], "subvolid="))
			strv_add(&kept, words.v[i]);
	}
	for (size_t i = 0; i < new.n && !named; i++)
		if (starts_with(new.v[i], "subvol="))
			strv_add(&kept, new.v[i]);
	_cleanup_free_ char *text = strv_join(&kept, ",");
	str_add(out, text);
}

static void put_line(const char *line, size_t len, const struct word *words, size_t n,
		     const struct layout_fs *fs, struct str *out)
{
	_cleanup_free_ char *name = new_name(fs);
	size_t end = words[FSTAB_DEVICE].at + words[FSTAB_DEVICE].len;

	str_addn(out, line, words[FSTAB_DEVICE].at);
	str_add(out, name);
	if (n > FSTAB_OPTIONS && streq(fs->type, "btrfs")) {
		str_addn(out, line + end, words[FSTAB_OPTIONS].at - end);
		put_options(line, &words[FSTAB_OPTIONS], fs, out);
		end = words[FSTAB_OPTIONS].at + words[FSTAB_OPTIONS].len;
	}
	str_addn(out, line + end, len - end);
}

static void fstab_line(const char *line, size_t len, const struct layout *running,
		       const struct layout *target, struct str *out)
{
	struct word words[FSTAB_WORDS];
	size_t n = split_words(line, len, words, FSTAB_WORDS);
	size_t i = n < FSTAB_MIN_WORDS || line[words[0].at] == '#'
			   ? running->n_fs
			   : fs_of_line(running, line, words);
	const struct layout_fs *fs = i < running->n_fs ? counterpart(running, i, target)
						       : NULL;

	if (fs) {
		put_line(line, len, words, n, fs, out);
		return;
	}
	if (i < running->n_fs && streq(running->fs[i].type, "swap"))
		str_add(out, NOT_IN_CLONE);
	str_addn(out, line, len);
}

void identity_fstab(const char *text, const struct layout *running,
		    const struct layout *target, struct str *out)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		fstab_line(text, len, running, target, out);
		text += len;
		if (*text == '\n')
			str_addc(out, *text++);
	}
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("_-./:", c));
}

/* Replaces `old` where it stands as a word of its own. */
static bool replace(struct str *text, const char *old, const char *with)
{
	_cleanup_str_ struct str out = STR_INIT;
	const char *from = str_c(text), *p = from;
	size_t n = strlen(old);
	bool found = false;

	if (n == 0)
		return false;
	for (const char *hit; (hit = strstr(p, old)) != NULL; p = hit + n) {
		bool whole = (hit == from || !is_name_char(hit[-1])) &&
			     !is_name_char(hit[n]);

		str_addn(&out, p, (size_t)(hit - p));
		str_add(&out, whole ? with : old);
		found |= whole;
	}
	if (!found)
		return false;
	str_add(&out, p);
	str_done(text);
	text->len = out.len;
	text->cap = out.cap;
	text->p = TAKE_PTR(out.p);
	return true;
}

static bool is_volume(const struct layout_lv *lv, const struct layout_fs *fs,
		      const char *mapper, const char *plain)
{
	return *lv->vg != '\0' &&
	       (streq(fs->device, mapper) || streq(fs->device, plain) ||
		(*lv->mount_point != '\0' && streq(fs->mount_point, lv->mount_point)));
}

/* Both names of the volume that fstab's device is, if it is one. */
static bool replace_volume(struct str *text, const struct layout *running,
			   const struct layout_fs *fs, const char *with)
{
	bool found = false;

	for (size_t i = 0; i < running->n_lvs; i++) {
		const struct layout_lv *lv = &running->lvs[i];
		_cleanup_free_ char *mapper = layout_mapper(lv->vg, lv->name);
		_cleanup_free_ char *plain = xasprintf("/dev/%s/%s", lv->vg, lv->name);

		if (!is_volume(lv, fs, mapper, plain))
			continue;
		found |= replace(text, mapper, with);
		found |= replace(text, plain, with);
	}
	return found;
}

static bool replace_fs(struct str *text, const struct layout *running, size_t i,
		       const struct layout_fs *to)
{
	const struct layout_fs *fs = &running->fs[i];
	_cleanup_free_ char *label = xasprintf("LABEL=%s", fs->label);
	_cleanup_free_ char *name = new_name(to);
	bool found = false;

	if (*fs->uuid && *to->uuid)
		found |= replace(text, fs->uuid, to->uuid);
	if (*fs->label)
		found |= replace(text, label, name);
	if (!starts_with(fs->device, "UUID="))
		found |= replace(text, fs->device, name);
	return replace_volume(text, running, fs, name) || found;
}

bool identity_text(const char *text, const struct layout *running,
		   const struct layout *target, struct str *out)
{
	bool found = false;

	str_add(out, text);
	for (size_t i = 0; i < running->n_fs; i++) {
		const struct layout_fs *to = counterpart(running, i, target);

		if (to)
			found |= replace_fs(out, running, i, to);
	}
	return found;
}

static int apply_file(const struct root *alt, const char *path,
		      const struct layout *running, const struct layout *target,
		      struct events *events, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT, out = STR_INIT;
	int rc = root_read_opt(alt, path, SMALL, &text, err);

	if (rc != 0 || text.len == 0)
		return rc < 0 ? -1 : 0;
	if (!identity_text(str_c(&text), running, target, &out))
		return 0;
	events_step(events, "Naming the clone's devices in /%s", path);
	return root_write(alt, path, out.p, out.len, 0644, err);
}

static int apply_named(const struct root *alt, const char *path,
		       const struct layout *running, const struct layout *target,
		       struct events *events, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct stat st;

	if (root_stat(alt, path, &st) < 0)
		return 0;
	if (!S_ISDIR(st.st_mode))
		return apply_file(alt, path, running, target, events, err);
	if (root_list(alt, path, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *file = xasprintf("%s/%s", path, names.v[i]);

		if (root_stat(alt, file, &st) == 0 && S_ISREG(st.st_mode) &&
		    apply_file(alt, file, running, target, events, err) < 0)
			return -1;
	}
	return 0;
}

/* Whether one of initramfs-tools' files says RESUME=something other than "auto". */
static bool has_resume(const struct root *alt, const char *path)
{
	_cleanup_str_ struct str text = STR_INIT;
	char *cursor, *line;

	if (root_read_opt(alt, path, SMALL, &text, NULL) != 0)
		return false;
	for (cursor = text.p; cursor && (line = next_line(&cursor)) != NULL;) {
		line = strip(line);
		if (starts_with(line, "RESUME=") && !streq(line, "RESUME=auto") &&
		    !streq(line, "RESUME="))
			return true;
	}
	return false;
}

static bool resume_is_set(const struct root *alt)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (has_resume(alt, "etc/initramfs-tools/initramfs.conf"))
		return true;
	if (root_list(alt, "etc/initramfs-tools/conf.d", &names, NULL) < 0)
		return false;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = xasprintf("etc/initramfs-tools/conf.d/%s",
						      names.v[i]);
		if (has_resume(alt, path))
			return true;
	}
	return false;
}

/* Where nothing is said, initramfs-tools takes the largest swap of the running kernel, which is the old system's. */
static int set_resume(const struct root *alt, const struct layout *target,
		      struct err *err)
{
	const struct layout_fs *swap = nth_fs(target, "swap", 0);
	_cleanup_free_ char *name = swap ? new_name(swap) : xstrdup("none");
	_cleanup_free_ char *line = xasprintf("RESUME=%s\n", name);

	if (!root_exists(alt, "etc/initramfs-tools/conf.d") || resume_is_set(alt))
		return 0;
	return root_write(alt, RESUME_CONF, line, strlen(line), 0644, err);
}

/* Names of the volume that the swap space is, if it is one. */
static void add_volume_names(struct strv *names, const struct layout *l,
			     const struct layout_fs *fs)
{
	for (size_t i = 0; i < l->n_lvs; i++) {
		const struct layout_lv *lv = &l->lvs[i];
		_cleanup_free_ char *mapper = layout_mapper(lv->vg, lv->name);
		_cleanup_free_ char *plain = xasprintf("/dev/%s/%s", lv->vg, lv->name);

		if (!is_volume(lv, fs, mapper, plain))
			continue;
		strv_add(names, mapper);
		strv_add(names, plain);
	}
}

void identity_resume(const struct layout *running, const struct layout *target,
		     struct str *out)
{
	const struct layout_fs *first = nth_fs(target, "swap", 0);
	_cleanup_free_ char *unsaid = first ? new_name(first) : xstrdup("none");

	str_addf(out, "auto %s\n", unsaid);
	for (size_t i = 0; i < running->n_fs; i++) {
		const struct layout_fs *fs = &running->fs[i];
		const struct layout_fs *to = streq(fs->type, "swap")
						     ? counterpart(running, i, target)
						     : NULL;
		_cleanup_strv_ struct strv names = STRV_INIT;

		if (!to)
			continue;
		_cleanup_free_ char *with = new_name(to);
		strv_addf(&names, "UUID=%s", fs->uuid);
		strv_addf(&names, "LABEL=%s", fs->label);
		strv_add(&names, fs->device);
		add_volume_names(&names, running, fs);
		for (size_t n = 0; n < names.n; n++)
			if (!ends_with(names.v[n], "=") && !strchr(names.v[n], ' '))
				str_addf(out, "%s %s\n", names.v[n], with);
	}
}

int identity_note_resume(const struct root *alt, const struct layout *running,
			 const struct layout *target, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	identity_resume(running, target, &text);
	if (root_mkdirs(alt, "/etc/nimadm", 0755, err) < 0)
		return -1;
	return root_write(alt, BOOT_RESUME_NOTE, str_c(&text), text.len, 0644, err);
}

/* The list names the running disks: with it LVM would not look at the clone's. */
static int drop_devices_file(const struct root *alt, struct events *events,
			     struct err *err)
{
	if (!root_exists(alt, DEVICES_FILE))
		return 0;
	events_step(events,
		    "Removing /" DEVICES_FILE " in the clone: it names other disks");
	return root_unlink(alt, DEVICES_FILE, err);
}

int identity_apply(const struct root *alt, const struct layout *running,
		   const struct layout *target, struct events *events, struct err *err)
{
	_cleanup_str_ struct str fstab = STR_INIT, out = STR_INIT;
	int rc = root_read_opt(alt, "etc/fstab", SMALL, &fstab, err);

	if (rc < 0)
		return -1;
	events_step(events, "Naming the clone's devices in /etc/fstab");
	identity_fstab(str_c(&fstab), running, target, &out);
	if (rc == 0 && root_write(alt, "etc/fstab", str_c(&out), out.len, 0644, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(named_in); i++)
		if (apply_named(alt, named_in[i], running, target, events, err) < 0)
			return -1;
	if (set_resume(alt, target, err) < 0)
		return -1;
	return drop_devices_file(alt, events, err);
}
