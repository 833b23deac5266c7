/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UEFI: the files of the clone's own ESP. shim and the signed GRUB where the clone has both, else an image made by its
 * grub-mkimage. They lie in our own directory, in the removable path (a machine whose variables are lost, or another machine), and
 * in the directory that the signed GRUB has built in, where it looks for its configuration.
 */
#include <ctype.h>

#include "boot/install-internal.h"

#define SHIM_DIR      "/usr/lib/shim"
#define REMOVABLE_DIR "BOOT"

struct esp_file {
	char *name; /* in each directory */
	struct str data;
};
struct esp {
	const struct boot_install *b;
	const char *mount; /* of the ESP, in the clone */
	const struct install_platform *platform;
	bool is_signed;
	struct strv dirs; /* below EFI; the removable path's is the last */
	struct str stub;  /* grub.cfg */
	struct esp_file files[3];
	size_t n_files;
};

static void esp_done(struct esp *e)
{
	strv_done(&e->dirs);
	str_done(&e->stub);
	for (size_t i = 0; i < e->n_files; i++) {
		free(e->files[i].name);
		str_done(&e->files[i].data);
	}
}

const char *install_esp_mount(const struct layout *l)
{
	static const char *const names[] = { "/boot/efi", "/efi", "/boot" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct layout_fs *fs = layout_find_fs(l, names[i]);

		if (fs && streq0(fs->type, "vfat"))
			return names[i];
	}
	return NULL;
}

/* 1: not there. */
static int add_file(struct esp *e, const char *name, const char *path, struct err *err)
{
	struct esp_file *f = &e->files[e->n_files];
	int rc = root_read_opt(e->b->alt, path, 0, &f->data, err);

	if (rc == 0) {
		f->name = xstrdup(name);
		e->n_files++;
	}
	return rc;
}

static void drop_files(struct esp *e)
{
	while (e->n_files > 0) {
		struct esp_file *f = &e->files[--e->n_files];

		free(TAKE_PTR(f->name));
		str_done(&f->data);
	}
}

/* Both or none: shim starts nothing that is not signed, and a signed GRUB without shim is started by no firmware. */
static int add_signed(struct esp *e, struct err *err)
{
	const struct install_platform *p = e->platform;
	_cleanup_free_ char *shim = xasprintf(SHIM_DIR "/%s.signed", p->shim);
	_cleanup_free_ char *mok = xasprintf(SHIM_DIR "/%s.signed", p->mok);
	_cleanup_free_ char *grub = xasprintf(GRUB_LIB_DIR "/%s-signed/%s.signed",
					      p->name, p->grub);
	int rc = add_file(e, p->grub, grub, err);

	if (rc == 0)
		rc = add_file(e, p->shim, shim, err);
	if (rc == 0 && add_file(e, p->mok, mok, err) < 0)
		rc = -1;
	if (rc == 1)
		drop_files(e);
	e->is_signed = rc == 0;
	return rc < 0 ? -1 : 0;
}

static int add_image(struct esp *e, struct err *err)
{
	struct esp_file *f = &e->files[e->n_files];

	f->name = xstrdup(e->platform->grub);
	e->n_files++;
	return install_make_core(e->b, e->platform, &f->data, err);
}

static void add_dir(struct esp *e, const char *name)
{
	for (size_t i = 0; i < e->dirs.n; i++)
		if (strcasecmp(e->dirs.v[i], name) == 0)
			return;
	strv_add(&e->dirs, name);
}

/* "debian" of "/EFI/debian", the prefix that a signed image has built in and nothing can change. */
static void add_built_in_dir(struct esp *e, const struct str *image)
{
	static const char prefix[] = "/EFI/";
	const size_t n = sizeof(prefix) - 1;
	const char *p = image->p, *end = image->p + image->len;

	while (p && (size_t)(end - p) > n &&
	       (p = memmem(p, (size_t)(end - p), prefix, n)) != NULL) {
		_cleanup_str_ struct str name = STR_INIT;

		for (p += n; p < end && (isalnum((unsigned char)*p) || *p == '-'); p++)
			str_addc(&name, *p);
		if (p < end && *p == '\0' && name.len > 0 &&
		    strcasecmp(name.p, REMOVABLE_DIR) != 0)
			add_dir(e, name.p);
	}
}

/* What was copied with the source's ESP and leads to the source's file systems: a directory with a GRUB of ours or its. */
static int add_copied_dirs(struct esp *e, struct err *err)
{
	_cleanup_free_ char *efi = xasprintf("%s/EFI", e->mount);
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (root_list(e->b->alt, efi, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *grub = xasprintf("%s/%s/%s", efi, names.v[i],
						      e->platform->grub);

		if (strcasecmp(names.v[i], REMOVABLE_DIR) != 0 &&
		    root_exists(e->b->alt, grub))
			add_dir(e, names.v[i]);
	}
	return 0;
}

static int esp_plan(struct esp *e, const struct boot_install *b, struct err *err)
{
	e->b = b;
	e->mount = install_esp_mount(b->target);
	e->platform = install_efi_platform(b->alt);
	if (e->mount == NULL)
		return err_set(err, ERR_OPERATOR,
			       "the clone has no EFI system partition: no UEFI firmware "
			       "can start it");
	if (e->platform == NULL) {
		err_set(err, ERR_OPERATOR,
			"%s: there is no GRUB for UEFI in " GRUB_LIB_DIR, b->alt->path);
		return err_remedy(err, "install grub-efi-amd64-bin in the system that is "
				       "cloned");
	}
	if (install_early_config(b, &e->stub, err) < 0 || add_signed(e, err) < 0)
		return -1;
	str_add(&e->stub, "configfile $prefix/grub.cfg\n");
	if (!e->is_signed && add_image(e, err) < 0)
		return -1;
	add_dir(e, BOOT_EFI_ID);
	if (e->is_signed)
		add_built_in_dir(e, &e->files[0].data);
	if (add_copied_dirs(e, err) < 0)
		return -1;
	strv_add(&e->dirs, REMOVABLE_DIR);
	return 0;
}

/*
 * What the firmware starts has the same name in our own directory as in the removable path, be it shim or GRUB: a boot entry can be
 * made while nobody sees the ESP.
 */
static const char *name_in(const struct esp *e, const char *dir, const char *name)
{
	const char *first = e->is_signed ? e->platform->shim : e->platform->grub;
	bool own = streq(dir, REMOVABLE_DIR) || streq(dir, BOOT_EFI_ID);

	return own && streq(name, first) ? e->platform->removable : name;
}

typedef int visit_fn(const struct esp *e, const char *path, const struct str *data,
		     void *arg, struct err *err);

/* Every file that must be there, with its contents. What starts a directory's GRUB comes last. */
static int for_each_file(const struct esp *e, visit_fn *visit, void *arg, struct err *err)
{
	for (size_t d = 0; d < e->dirs.n; d++) {
		const char *dir = e->dirs.v[d];
		_cleanup_free_ char *stub = xasprintf("%s/EFI/%s/grub.cfg", e->mount,
						      dir);

		if (visit(e, stub, &e->stub, arg, err) < 0)
			return -1;
		for (size_t i = 0; i < e->n_files; i++) {
			const struct esp_file *f = &e->files[i];
			_cleanup_free_ char *path = xasprintf(
				"%s/EFI/%s/%s", e->mount, dir, name_in(e, dir, f->name));

			if (visit(e, path, &f->data, arg, err) < 0)
				return -1;
		}
	}
	return 0;
}

static bool has_contents(const struct root *root, const char *path,
			 const struct str *data)
{
	_cleanup_str_ struct str seen = STR_INIT;

	return root_read_opt(root, path, 0, &seen, NULL) == 0 && seen.len == data->len &&
	       memcmp(str_c(&seen), str_c(data), data->len) == 0;
}

static int write_file(const struct esp *e, const char *path, const struct str *data,
		      void *arg, struct err *err)
{
	if (has_contents(e->b->alt, path, data))
		return 0;
	return root_write(e->b->alt, path, data->p, data->len, 0755, err);
}

int install_esp_write(const struct boot_install *b, struct err *err)
{
	_cleanup_(esp_done) struct esp e = { .b = b };
	_cleanup_free_ char *fallback = NULL;

	if (esp_plan(&e, b, err) < 0 || install_copy_modules(b, e.platform, err) < 0)
		return -1;
	events_step(b->events, "Writing GRUB to %s/EFI", e.mount);
	for (size_t i = 0; i < e.dirs.n; i++) {
		_cleanup_free_ char *dir = xasprintf("%s/EFI/%s", e.mount, e.dirs.v[i]);

		if (root_mkdirs(b->alt, dir, 0755, err) < 0)
			return -1;
	}
	/* shim's fallback program would add boot entries of its own whenever the removable path is started. */
	fallback = xasprintf("%s/EFI/" REMOVABLE_DIR "/fb%s", e.mount,
			     e.platform->mok + strlen("mm"));
	if (root_unlink(b->alt, fallback, err) < 0)
		return -1;
	return for_each_file(&e, write_file, NULL, err);
}

static int check_file(const struct esp *e, const char *path, const struct str *data,
		      void *arg, struct err *err)
{
	struct findings *fs = arg;
	_cleanup_free_ char *evidence = xasprintf("%s: is not what the clone's GRUB is "
						  "started by",
						  path);

	if (!has_contents(e->b->alt, path, data))
		findings_add(fs, "boot.esp", FINDING_INHIBIT, "EFI system partition",
			     evidence, "write it again: alt_rootvg_op -W, then -S");
	return 0;
}

int install_esp_verify(const struct boot_install *b, struct findings *fs, struct err *err)
{
	_cleanup_(esp_done) struct esp e = { .b = b };
	_cleanup_free_ char *modules = NULL;
	_cleanup_free_ char *list = NULL;
	_cleanup_free_ char *evidence = NULL;
	size_t before = fs->n;

	if (esp_plan(&e, b, err) < 0 || for_each_file(&e, check_file, fs, err) < 0)
		return -1;
	modules = install_check_modules(b, e.platform);
	if (*modules)
		findings_add(fs, "boot.modules", FINDING_INHIBIT, "GRUB's modules",
			     modules, "write them again: alt_rootvg_op -W, then -S");
	if (fs->n > before)
		return 0;
	list = strv_join(&e.dirs, ", ");
	evidence = xasprintf("%s/EFI: %s in %s", e.mount,
			     e.is_signed ? "shim and the signed GRUB" : "GRUB", list);
	findings_add(fs, "boot.esp", FINDING_PASS, "EFI system partition", evidence, "");
	return 0;
}

/* What a firmware has started most probably: a distribution's directory before the removable path, shim before GRUB. */
char *install_esp_loader(const struct root *root, const struct layout *l)
{
	const char *mount = install_esp_mount(l);
	const struct install_platform *p = install_efi_platform(root);
	_cleanup_free_ char *efi = mount ? xasprintf("%s/EFI", mount) : NULL;
	_cleanup_strv_ struct strv dirs = STRV_INIT;

	if (mount == NULL || p == NULL || root_list(root, efi, &dirs, NULL) < 0)
		return NULL;
	const char *const names[] = { p->shim, p->grub, p->removable };
	for (size_t n = 0; n < ARRAY_SIZE(names); n++)
		for (size_t i = 0; i < dirs.n; i++) {
			_cleanup_free_ char *path = xasprintf("%s/%s/%s", efi, dirs.v[i],
							      names[n]);

			if (root_exists(root, path))
				return xasprintf("EFI/%s/%s", dirs.v[i], names[n]);
		}
	return NULL;
}
