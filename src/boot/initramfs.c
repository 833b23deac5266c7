/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One initial memory file system for each kernel, for the client's hardware and not for the master's. */
#include "boot/boot-internal.h"
#include "boot/device.h"
#include "boot/resume.h"
#include "sys/files.h"

#define WRAPPER_DIR BOOT_RUN_DIR "/initramfs"

/* In argument vectors: */
#define VERSION "@VERSION@"
#define INITRD	"@INITRD@"

static const struct generator {
	const char *program; /* in the alternate root */
	const char *build[8], *list[4];
	bool has_rules; /* reads the wrapper's configuration */
} generators[] = {
	{
		/* -c also where there is one: -u does nothing when the administrator has turned updates off */
		"/usr/sbin/update-initramfs",
		{ "update-initramfs", "-c", "-k", VERSION },
		{ "lsinitramfs", INITRD },
		true,
	},
	{
		"/usr/bin/dracut",
		{ "dracut", "--force", "--no-hostonly", INITRD, VERSION },
		{ "lsinitrd", INITRD },
		false,
	},
};

/*
 * Stands before the real one in PATH and gives it the same configuration with one more file; the image's own stays as it
 * is. That file puts right what would be asked of the machine that builds, which is the master: the modules it needs, and
 * the type of the root file system, whose checker goes into the image.
 */
static const char wrapper[] =
#include "boot/mkinitramfs.inc"
	;

static const struct generator *find_generator(const struct root *root)
{
	for (size_t i = 0; i < ARRAY_SIZE(generators); i++)
		if (root_exists(root, generators[i].program))
			return &generators[i];
	return NULL;
}

static void fill_argv(struct strv *out, const char *const *pattern, const char *version)
{
	for (; *pattern; pattern++) {
		if (streq(*pattern, VERSION))
			strv_add(out, version);
		else if (streq(*pattern, INITRD))
			strv_addf(out, "/boot/initrd.img-%s", version);
		else
			strv_add(out, *pattern);
	}
}

/* "RESUME=auto" would look at the swap spaces in use, which are those of the machine that builds. */
static void add_resume(struct str *out, const struct layout *l)
{
	for (size_t i = 0; i < l->n_fs; i++) {
		const struct layout_fs *fs = &l->fs[i];

		if (!streq0(fs->type, "swap") || fs->uuid == NULL || *fs->uuid == '\0' ||
		    strspn(fs->uuid, "0123456789abcdefABCDEF-") != strlen(fs->uuid))
			continue;
		str_addf(out, "[ \"${RESUME:-auto}\" != auto ] || RESUME=UUID=%s\n",
			 fs->uuid);
		return;
	}
}

/* Types of the file systems that are mounted before the image is left: "ext4,xfs". */
static void add_types(struct str *out, const struct layout *l)
{
	static const char *const early[] = { "/", "/usr" };

	for (size_t e = 0; e < ARRAY_SIZE(early); e++)
		for (size_t i = 0; i < l->n_fs; i++) {
			const char *type = l->fs[i].type;

			if (!streq0(l->fs[i].mount_point, early[e]) || type == NULL ||
			    strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789") !=
				    strlen(type))
				continue;
			if (out->len)
				str_addc(out, ',');
			str_add(out, type);
		}
}

int initramfs_prepare(const struct boot_ctx *c, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/initramfs", c->run_dir);
	_cleanup_free_ char *program = xasprintf("%s/mkinitramfs", dir);
	_cleanup_free_ char *path = xasprintf("%s/conf", dir);
	_cleanup_str_ struct str types = STR_INIT;
	_cleanup_str_ struct str conf = STR_INIT;

	add_types(&types, c->layout);
	str_add(&conf, "[ \"${MODULES:-}\" != dep ] || MODULES=most\n");
	if (types.len)
		str_addf(&conf, "[ \"${FSTYPE:-auto}\" != auto ] || FSTYPE=%s\n",
			 str_c(&types));
	if (!resume_rules(c->root, &conf))
		add_resume(&conf, c->layout);
	if (files_mkdirs(dir, 0755, err) < 0 ||
	    files_write_atomic(program, wrapper, sizeof(wrapper) - 1, 0755, err) < 0)
		return -1;
	return files_write_atomic(path, conf.p, conf.len, 0644, err);
}

int initramfs_build(const struct boot_ctx *c, const struct strv *kernels, struct err *err)
{
	static const char *const env[] = { "PATH=" WRAPPER_DIR ":" BOOT_PATH, NULL };
	const struct generator *g = find_generator(c->root);

	if (kernels->n == 0)
		return 0;
	if (g == NULL) {
		err_set(err, ERR_OPERATOR,
			"the image has kernels but no program that builds an initramfs");
		return err_remedy(err, "add initramfs-tools with a bundle (-b)");
	}
	for (size_t i = 0; i < kernels->n; i++) {
		_cleanup_strv_ struct strv argv = STRV_INIT;

		fill_argv(&argv, g->build, kernels->v[i]);
		events_step(c->events, "Building the initramfs of kernel %s",
			    kernels->v[i]);
		if (boot_chroot(c, strv_argv(&argv), env, err) < 0)
			return -1;
	}
	return g->has_rules ? resume_record(c->root, kernels, err) : 0;
}

/* What a listing must show. */
struct listing {
	char *modules_dir; /* "lib/modules/6.1.0-9-amd64/" */
	char *driver;	   /* "/ext4.ko" */
	size_t modules;
	bool init, index, has_driver, has_lvm;
};

static void take_name(void *arg, const char *line, bool is_err)
{
	struct listing *l = arg;
	const char *below;

	if (is_err)
		return;
	l->init |= streq(line, "init");
	l->has_lvm |= ends_with(line, "bin/lvm");
	below = strstr(line, l->modules_dir);
	if (below == NULL)
		return;
	l->index |= ends_with(line, "/modules.dep");
	l->modules += strstr(below, ".ko") != NULL;
	l->has_driver |= *l->driver && strstr(below, l->driver) != NULL;
}

static void listing_done(struct listing *l)
{
	free(l->modules_dir);
	free(l->driver);
}

static bool is_builtin(const struct root *root, const char *version, const char *driver)
{
	_cleanup_free_ char *path = xasprintf("/lib/modules/%s/modules.builtin", version);
	_cleanup_str_ struct str text = STR_INIT;

	return root_read_opt(root, path, 0, &text, NULL) == 0 &&
	       strstr(str_c(&text), driver) != NULL;
}

/* NULL: fine. */
static const char *find_fault(const struct boot_ctx *c, const char *version,
			      const struct listing *l, bool lvm)
{
	if (!l->init)
		return "it has no /init";
	if (!l->index || l->modules == 0)
		return "it holds no modules of its kernel";
	if (*l->driver && !l->has_driver && !is_builtin(c->root, version, l->driver))
		return "the driver of the root file system is missing in it";
	if (lvm && !l->has_lvm)
		return "the root file system is on LVM, and lvm is missing in it";
	return NULL;
}

/* NULL: as new as the kernel's modules. */
static const char *find_age_fault(const struct root *root, const char *version)
{
	_cleanup_free_ char *initrd = xasprintf("/boot/initrd.img-%s", version);
	_cleanup_free_ char *index = xasprintf("/lib/modules/%s/modules.dep", version);
	struct stat image, modules;

	if (root_stat(root, initrd, &image) < 0)
		return "it is missing";
	if (root_stat(root, index, &modules) == 0 && modules.st_mtime > image.st_mtime)
		return "it is older than its kernel's modules";
	return NULL;
}

static void report(struct findings *fs, const char *version, const char *fault)
{
	_cleanup_free_ char *title = xasprintf("Initramfs of kernel %s", version);
	_cleanup_free_ char *evidence = xasprintf("/boot/initrd.img-%s: %s", version,
						  fault ? fault : "complete");

	findings_add(fs, "boot.initramfs", fault ? FINDING_INHIBIT : FINDING_PASS, title,
		     evidence, fault ? "mend what the log says of it" : "");
}

static int verify_one(const struct boot_ctx *c, const char *version, struct findings *fs,
		      struct err *err)
{
	const struct generator *g = find_generator(c->root);
	_cleanup_boot_devices_ struct boot_devices ds = BOOT_DEVICES_INIT;
	_cleanup_(listing_done) struct listing l = { 0 };
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct proc_spec spec = { .on_line = take_name, .arg = &l };
	const struct layout_fs *fs_root = NULL;
	const struct boot_device *device;
	const char *fault = find_age_fault(c->root, version);
	int rc;

	if (g == NULL)
		fault = "no program can list it";
	if (fault) {
		report(fs, version, fault);
		return 0;
	}
	for (size_t i = 0; i < c->layout->n_fs; i++)
		if (streq0(c->layout->fs[i].mount_point, "/"))
			fs_root = &c->layout->fs[i];
	boot_devices_from_layout(&ds, c->layout);
	device = boot_devices_find(&ds, "/");
	l.modules_dir = xasprintf("lib/modules/%s/", version);
	l.driver = fs_root && fs_root->type && *fs_root->type
			   ? xasprintf("/%s.ko", fs_root->type)
			   : xstrdup("");
	boot_enter(c, &argv);
	fill_argv(&argv, g->list, version);
	spec.argv = strv_argv(&argv);
	rc = runner_run(c->run, &spec, NULL, err);
	if (rc < 0)
		return -1;
	report(fs, version,
	       rc > 0 ? "it cannot be read"
		      : find_fault(c, version, &l,
				   device && streq(device->abstraction, "lvm")));
	return 0;
}

int initramfs_verify(const struct boot_ctx *c, const struct strv *kernels,
		     struct findings *fs, struct err *err)
{
	for (size_t i = 0; i < kernels->n; i++)
		if (verify_one(c, kernels->v[i], fs, err) < 0)
			return -1;
	return 0;
}
