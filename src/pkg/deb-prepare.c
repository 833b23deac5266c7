/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debian packages: what is held while packages change, and given back afterwards.
 *
 * Services are not started (policy-rc.d), the programs that build an initramfs or write a boot loader are diverted to
 * stand-ins (phase 8 does that work once), and grub-pc is told to install nowhere. All of it can be seen in the root
 * itself, so that both directions can be repeated after a crash at any point: a file of ours is known by its mark,
 * the client's own lies beside under a name of ours.
 */
#include <errno.h>

#include "pkg/deb.h"
#include "sys/files.h"

#define MARK	     "# held by nimadm\n"
#define SUFFIX	     ".nimadm"
#define POLICY	     "usr/sbin/policy-rc.d"
#define POLICY_SAVED POLICY SUFFIX
#define ANSWERS_FILE "debconf.saved"

static const char policy_text[] = "#!/bin/sh\n" MARK "exit 101\n";
static const char stand_in_text[] = "#!/bin/sh\n" MARK "exit 0\n";

/* Directories of usr-merged paths are what packages ship them under. */
static const struct {
	const char *path;
	bool only_present; /* scripts ask whether it is there: no stand-in where it is not */
} diverted[] = {
	{ "/usr/sbin/update-initramfs", false },
	{ "/usr/sbin/update-grub", false },
	{ "/usr/sbin/grub-install", false },
	{ "/usr/bin/dracut", true },
};

struct answer {
	const char *package, *question, *type, *value;
};
static const struct answer answers[] = {
	{ "grub-pc", "grub-pc/install_devices", "multiselect", "" },
	{ "grub-pc", "grub-pc/install_devices_empty", "boolean", "true" },
};

/* 1: a file with our mark, 0: another file or none. */
static int is_ours(const struct root *root, const char *path, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	struct stat st;

	if (root_lstat(root, path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > 256)
		return 0;
	if (root_read(root, path, 256, &text, err) < 0)
		return -1;
	return strstr(str_c(&text), MARK) != NULL;
}

static bool there(const struct root *root, const char *path)
{
	struct stat st;

	return root_lstat(root, path, &st) == 0;
}

static int hold_services(const struct root *root, struct err *err)
{
	int ours = is_ours(root, POLICY, err);

	if (ours != 0)
		return ours < 0 ? -1 : 0;
	if (there(root, POLICY) && root_rename(root, POLICY, POLICY_SAVED, err) < 0)
		return -1;
	return root_write(root, POLICY, policy_text, strlen(policy_text), 0755, err);
}

static int release_services(const struct root *root, struct err *err)
{
	int ours = is_ours(root, POLICY, err);

	if (ours < 0 || (ours > 0 && root_unlink(root, POLICY, err) < 0))
		return -1;
	if (!there(root, POLICY_SAVED))
		return 0;
	return root_rename(root, POLICY_SAVED, POLICY, err);
}

static int divert_command(const struct pkg_ctx *c, const char *path, const char *verb,
			  struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_str_ struct str out = STR_INIT;

	deb_dpkg_argv(c, "dpkg-divert", &argv);
	strv_add_all(&argv, "--local", "--rename", "--divert", NULL);
	strv_addf(&argv, "%s" SUFFIX, path);
	strv_add_all(&argv, verb, path, NULL);
	return deb_capture(c, &argv, NULL, &out, err);
}

/* The diversion is recorded before the stand-in is written; --add of one that is there changes nothing. */
static int hold_program(const struct pkg_ctx *c, const char *path, struct err *err)
{
	int ours = is_ours(c->root, path, err);

	if (ours < 0)
		return -1;
	if (ours > 0)
		return 0;
	if (divert_command(c, path, "--add", err) < 0)
		return -1;
	return root_write(c->root, path, stand_in_text, strlen(stand_in_text), 0755, err);
}

static int release_program(const struct pkg_ctx *c, const char *path, struct err *err)
{
	int ours = is_ours(c->root, path, err);

	if (ours < 0 || (ours > 0 && root_unlink(c->root, path, err) < 0))
		return -1;
	return divert_command(c, path, "--remove", err);
}

static bool is_installed(const struct root *root, const char *package)
{
	_cleanup_free_ char *list = xasprintf("var/lib/dpkg/info/%s.list", package);

	return root_exists(root, list);
}

static int set_answers(const struct pkg_ctx *c, const char *selections, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_str_ struct str out = STR_INIT;

	strv_add_all(&argv, "chroot", DEB_ROOT, "debconf-set-selections", NULL);
	return deb_capture(c, &argv, selections, &out, err);
}

/* Values as they are now, in the form of debconf-set-selections. Questions that nobody registered are left out. */
static int get_answers(const struct pkg_ctx *c, struct str *ret, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_str_ struct str ask = STR_INIT, out = STR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		str_addf(&ask, "GET %s\n", answers[i].question);
	strv_add_all(&argv, "chroot", DEB_ROOT, "debconf-communicate", "nimadm", NULL);
	if (deb_capture(c, &argv, str_c(&ask), &out, err) < 0)
		return -1;
	_cleanup_free_ char *text = str_take(&out);
	char *cursor = text;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		const char *line = next_line(&cursor);
		/* "0 value", or "10 question doesn't exist" */
		if (line && starts_with(line, "0"))
			str_addf(ret, "%s %s %s %s\n", answers[i].package,
				 answers[i].question, answers[i].type,
				 line[1] ? line + 2 : "");
	}
	return 0;
}

static int hold_answers(const struct pkg_ctx *c, struct err *err)
{
	_cleanup_free_ char *saved = xasprintf("%s/" ANSWERS_FILE, c->work_dir);
	_cleanup_str_ struct str old = STR_INIT, new = STR_INIT;

	if (files_exists(saved) || !is_installed(c->root, "grub-pc"))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		str_addf(&new, "%s %s %s %s\n", answers[i].package, answers[i].question,
			 answers[i].type, answers[i].value);
	if (get_answers(c, &old, err) < 0 ||
	    files_write_atomic(saved, str_c(&old), old.len, 0600, err) < 0)
		return -1;
	return set_answers(c, str_c(&new), err);
}

static int release_answers(const struct pkg_ctx *c, struct err *err)
{
	_cleanup_free_ char *saved = xasprintf("%s/" ANSWERS_FILE, c->work_dir);
	_cleanup_str_ struct str old = STR_INIT;

	if (!files_exists(saved))
		return 0;
	if (files_read(saved, 0, &old, err) < 0)
		return -1;
	if (old.len > 0 && set_answers(c, str_c(&old), err) < 0)
		return -1;
	if (unlink(saved) < 0)
		return err_set_errno(err, ERR_OPERATOR, "remove %s", saved);
	return 0;
}

int deb_prepare(const struct pkg_ctx *c, struct err *err)
{
	ERR_CONTEXT(err, "holding services and boot programs");

	if (hold_services(c->root, err) < 0 || hold_answers(c, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(diverted); i++)
		if ((!diverted[i].only_present || there(c->root, diverted[i].path)) &&
		    hold_program(c, diverted[i].path, err) < 0)
			return -1;
	return 0;
}

int deb_finish(const struct pkg_ctx *c, struct err *err)
{
	ERR_CONTEXT(err, "giving back services and boot programs");

	for (size_t i = 0; i < ARRAY_SIZE(diverted); i++)
		if (release_program(c, diverted[i].path, err) < 0)
			return -1;
	if (release_answers(c, err) < 0)
		return -1;
	return release_services(c->root, err);
}
