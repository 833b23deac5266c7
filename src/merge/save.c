/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saves the old configuration: as plain files in the migrated system, so that its administrator finds the old version of
 * anything in /etc, and as an archive on the master.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>

#include "merge/method.h"
#include "model/dpkg.h"
#include "sys/files.h"
#include "sys/signal.h"

#define STATUS	   "/var/lib/dpkg/status"
#define SELECTIONS MERGE_SAVE_DIR "/selections"
#define FILE_MAX   (64U << 20) /* of /etc: more is no configuration */

/* The package state's small files; /etc is walked. */
static const char *const state_files[] = {
	STATUS,
	"/var/lib/dpkg/diversions",
	"/var/lib/dpkg/statoverride",
	"/var/lib/dpkg/arch",
	"/var/lib/apt/extended_states",
	"/var/lib/ucf/hashfile",
	"/var/lib/ucf/registry",
};

struct save {
	const struct merge_ctx *c;
	struct archive *tar; /* NULL: none wanted */
};

static int tar_broken(const struct save *s, struct err *err)
{
	return err_set(err, ERR_OPERATOR,
		       "writing the archive of saved configuration: %s",
		       archive_error_string(s->tar));
}

static int tar_data(const struct save *s, int fd, const char *path, uint64_t size,
		    struct err *err)
{
	char buf[65536];
	for (uint64_t left = size; left > 0;) {
		ssize_t n = read(fd, buf, MIN(left, (uint64_t)sizeof(buf)));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, ERR_OPERATOR, "reading %s: it became shorter",
				       path);
		if (archive_write_data(s->tar, buf, (size_t)n) != n)
			return tar_broken(s, err);
		left -= (uint64_t)n;
	}
	return 0;
}

static struct archive_entry *tar_entry(const char *path, const struct stat *st)
{
	struct archive_entry *e = archive_entry_new();
	archive_entry_copy_stat(e, st);
	archive_entry_set_nlink(e, 1);
	archive_entry_copy_pathname(e, path + (*path == '/'));
	archive_entry_set_size(e, S_ISREG(st->st_mode) ? st->st_size : 0);
	return e;
}

static void entry_free_p(struct archive_entry **e)
{
	if (*e)
		archive_entry_free(*e);
}

static int tar_add(const struct save *s, const char *path, const struct stat *st,
		   struct err *err)
{
	if (!s->tar)
		return 0;
	_cleanup_(entry_free_p) struct archive_entry *e = tar_entry(path, st);
	_cleanup_free_ char *target = S_ISLNK(st->st_mode)
					      ? root_readlink(s->c->old_root, path)
					      : NULL;
	if (S_ISLNK(st->st_mode)) {
		if (!target)
			return 0;
		archive_entry_copy_symlink(e, target);
	}
	_cleanup_close_ int fd = -1;
	struct stat now = *st;
	if (S_ISREG(st->st_mode)) {
		fd = root_openat(s->c->old_root, path, O_RDONLY | O_NOFOLLOW, 0);
		if (fd < 0 || fstat(fd, &now) < 0)
			return err_set_errno(err, ERR_OPERATOR, "open %s", path);
		archive_entry_set_size(e, now.st_size);
	}
	if (archive_write_header(s->tar, e) != ARCHIVE_OK)
		return tar_broken(s, err);
	return fd < 0 ? 0 : tar_data(s, fd, path, (uint64_t)now.st_size, err);
}

/* A directory of the copy: as the original, so that a 0700 one stays closed. */
static int copy_dir(const struct save *s, const char *path, const struct stat *st,
		    struct err *err)
{
	_cleanup_free_ char *to = xasprintf(MERGE_SAVE_DIR "%s", path);
	if (root_mkdirs(s->c->root, to, 0700, err) < 0)
		return -1;
	_cleanup_close_ int fd = root_openat(s->c->root, to, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0 || fchown(fd, st->st_uid, st->st_gid) < 0 ||
	    fchmod(fd, st->st_mode & 07777) < 0)
		return err_set_errno(err, ERR_OPERATOR, "making %s", to);
	return 0;
}

static int save_one(const struct save *s, const char *path, const struct stat *st,
		    struct err *err)
{
	if (tar_add(s, path, st, err) < 0)
		return -1;
	if (S_ISDIR(st->st_mode))
		return copy_dir(s, path, st, err);
	_cleanup_free_ char *to = xasprintf(MERGE_SAVE_DIR "%s", path);
	/* There from an earlier run: a method may have saved it, and the old root does not change. */
	if (method_exists(s->c, to))
		return 0;
	return root_copy(s->c->old_root, path, s->c->root, to, err);
}

static bool wanted(const struct stat *st)
{
	return S_ISDIR(st->st_mode) || S_ISLNK(st->st_mode) ||
	       (S_ISREG(st->st_mode) && st->st_size <= (off_t)FILE_MAX);
}

static int save_tree(const struct save *s, const char *dir, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	if (cancel_check(err) < 0 || root_list(s->c->old_root, dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, names.v[i]);
		struct stat st;
		if (root_lstat(s->c->old_root, path, &st) < 0 || !wanted(&st))
			continue;
		if (save_one(s, path, &st, err) < 0 ||
		    (S_ISDIR(st.st_mode) && save_tree(s, path, err) < 0))
			return -1;
	}
	return 0;
}

static int save_state(const struct save *s, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(state_files); i++) {
		struct stat st;
		if (root_lstat(s->c->old_root, state_files[i], &st) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		_cleanup_free_ char *dir = xasprintf(MERGE_SAVE_DIR "%s", state_files[i]);
		*strrchr(dir, '/') = '\0';
		if (root_mkdirs(s->c->root, dir, 0755, err) < 0 ||
		    save_one(s, state_files[i], &st, err) < 0)
			return -1;
	}
	return 0;
}

/* As dpkg --get-selections prints it: what dpkg --set-selections takes. */
static int save_selections(const struct merge_ctx *c, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT, out = STR_INIT;
	_cleanup_dpkg_status_ struct dpkg_status st = DPKG_STATUS_INIT;
	int rc = root_read_opt(c->old_root, STATUS, 0, &text, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (dpkg_status_parse(&st, STATUS, str_c(&text), text.len, err) < 0)
		return -1;
	for (size_t i = 0; i < st.n; i++)
		if (!streq(st.v[i].state, "not-installed"))
			str_addf(&out, "%s:%s\t%s\n", st.v[i].name, st.v[i].arch,
				 st.v[i].want);
	return root_write(c->root, SELECTIONS, str_c(&out), out.len, 0644, err);
}

static int save_all(const struct save *s, struct err *err)
{
	struct stat st;
	/* Keys and password hashes are in it. */
	if (root_mkdirs(s->c->root, MERGE_SAVE_DIR, 0700, err) < 0)
		return -1;
	if (root_lstat(s->c->old_root, "/etc", &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(err, ERR_OPERATOR, "%s has no directory /etc",
			       s->c->old_root->path);
	if (save_one(s, "/etc", &st, err) < 0 || save_tree(s, "/etc", err) < 0 ||
	    save_state(s, err) < 0)
		return -1;
	return save_selections(s->c, err);
}

static int save_with_tar(struct save *s, const char *beside, struct err *err)
{
	_cleanup_files_pending_ struct files_pending out = FILES_PENDING_INIT;
	if (files_pending_open(&out, beside, 0600, err) < 0)
		return -1;
	s->tar = archive_write_new();
	/* Not pax: names are bytes, and that format wants them to be text of the present locale. */
	archive_write_set_format_gnutar(s->tar);
	archive_write_add_filter_zstd(s->tar);
	int rc = archive_write_open_fd(s->tar, out.fd) == ARCHIVE_OK ? 0
								     : tar_broken(s, err);
	if (rc == 0)
		rc = save_all(s, err);
	if (rc == 0 && archive_write_close(s->tar) != ARCHIVE_OK)
		rc = tar_broken(s, err);
	archive_write_free(s->tar);
	s->tar = NULL;
	return rc == 0 ? files_pending_publish(&out, err) : -1;
}

int merge_save_config(const struct merge_ctx *c, const char *beside, struct err *err)
{
	ERR_CONTEXT(err, "saving the configuration");
	struct save s = { .c = c };
	return beside ? save_with_tar(&s, beside, err) : save_all(&s, err);
}
