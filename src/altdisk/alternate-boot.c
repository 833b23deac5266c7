/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 3's boot files, and the removal of a clone. */
#include "altdisk/alternate.h"
#include "boot/install.h"
#include "sys/files.h"
#include "sys/runner-chroot.h"

#define BOOT_DIR RUN_DIR "/boot"

static void add_device(struct strv *devices, const char *path)
{
	struct stat st;

	if (starts_with(path, "/dev/") && stat(path, &st) == 0 && S_ISBLK(st.st_mode) &&
	    !strv_has(devices, path))
		strv_add(devices, path);
}

void alternate_devices(const struct layout *l, struct strv *devices)
{
	for (size_t i = 0; i < l->n_disks; i++)
		add_device(devices, l->disks[i].name);
	for (size_t i = 0; i < l->n_fs; i++)
		add_device(devices, l->fs[i].device);
	for (size_t i = 0; i < l->n_lvs; i++) {
		_cleanup_strv_ struct strv parts = STRV_INIT;

		strv_split(&parts, l->lvs[i].disks, " ");
		for (size_t d = 0; d < parts.n; d++)
			add_device(devices, parts.v[d]);
		if (*l->lvs[i].vg == '\0')
			add_device(devices, l->lvs[i].name);
	}
}

/* Says what was found; -1 where something forbids the boot. */
static int judge(const struct alt_boot *b, const struct findings *fs, struct err *err)
{
	const struct finding *worst = NULL;

	for (size_t i = 0; i < fs->n; i++) {
		events_finding(b->events, &fs->v[i]);
		if (fs->v[i].severity == FINDING_INHIBIT && !worst)
			worst = &fs->v[i];
	}
	if (!worst || b->no_check)
		return 0;
	err_set(err, ERR_OPERATOR, "the clone would not boot: %s: %s", worst->title,
		worst->evidence);
	return err_remedy(err, "%s; or -g boots it at your own risk", worst->remedy);
}

static int install(const struct alt_boot *b, const struct boot_install *in,
		   struct err *err)
{
	struct findings fs = FINDINGS_INIT;
	struct err bad = { 0 };
	int rc = boot_sbat_check(in->alt, &b->host->root, &fs, err);

	if (rc == 0)
		rc = judge(b, &fs, err);
	if (rc == 0)
		rc = boot_install_config(in, err);
	if (rc == 0)
		rc = boot_install_write(in, err);
	if (rc == 0) {
		findings_done(&fs);
		fs = (struct findings)FINDINGS_INIT;
		events_step(b->events, "Reading the boot chain back");
		rc = boot_install_verify(in, &fs, &bad);
		int verdict = judge(b, &fs, err);
		if (rc < 0 && verdict == 0 && !b->no_check)
			*err = bad;
		rc = b->no_check ? 0 : rc < 0 ? rc : verdict;
	}
	findings_done(&fs);
	return rc;
}

int alternate_make_bootable(const struct alt_boot *b, struct err *err)
{
	_cleanup_root_ struct root alt = ROOT_INIT;
	_cleanup_runner_ struct runner *run = NULL;
	_cleanup_strv_ struct strv devices = STRV_INIT, binds = STRV_INIT;
	const struct chroot_view view = { .devices = &devices, .binds = &binds };

	alternate_devices(b->clone, &devices);
	strv_add(&binds, BOOT_DIR ":/run/nimadm");
	if (files_rmtree(BOOT_DIR, NULL, err) < 0 ||
	    files_mkdirs(BOOT_DIR, 0700, err) < 0 || root_open(&alt, ALT_INST, err) < 0 ||
	    runner_chroot(&run, ALT_INST, &view, err) < 0)
		return -1;
	struct boot_install in = {
		.alt = &alt,
		.run = run,
		.run_dir = BOOT_DIR,
		.target = b->clone,
		.running = &b->host->running,
		.old = &b->host->root,
		.events = b->events,
	};
	return install(b, &in, err);
}

/* A boot list that cannot be changed must not keep the clone from being removed. */
static void forget_boot(struct host *h, const struct layout *clone)
{
	_cleanup_bootlist_ struct bootlist list = BOOTLIST_INIT;
	struct bootlist_ctx c = host_bootlist(h);
	struct err err = { 0 };

	if (bootlist_read(&c, &list, &err) < 0)
		return; /* there is none */
	for (size_t i = 0; i < clone->n_disks; i++)
		if (bootlist_forget(&c, clone->disks[i].name, &err) < 0)
			events_warning(h->storage.events, "%s", err.msg);
}

int alternate_remove(struct host *h, const struct layout *clone, struct err *err)
{
	const struct storage_backend *b = storage_backend_for(clone);

	if (!b)
		return err_set(err, ERR_OPERATOR,
			       "the clone's kind of volumes is not known");
	if (host_check_foreign(h, clone, err) < 0)
		return -1;
	forget_boot(h, clone);
	if (storage_umount(&h->storage, ALT_INST, err) < 0 ||
	    b->deactivate(&h->storage, clone, err) < 0)
		return -1;
	for (size_t i = 0; i < clone->n_disks; i++)
		events_step(h->storage.events, "Wiping %s", clone->disks[i].name);
	return b->destroy(&h->storage, clone, err);
}
