/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes out of a tree, and back where they are missing. */
#include "archive/attributes.h"

#include <errno.h>
#include <fcntl.h>

#include "archive/push.h"
#include "model/entry.h"
#include "sys/files.h"

#define CAPABILITY "security.capability"
#define FILE_MAX   ((uint64_t)4 << 30)

int attributes_save(const struct root *tree, const char *manifest, const char *file,
		    struct err *err)
{
	_cleanup_files_pending_ struct files_pending p = FILES_PENDING_INIT;
	struct push_result res;

	if (files_pending_open(&p, file, 0600, err) < 0 ||
	    push_attributes(tree, manifest, p.fd, &res, err) < 0)
		return -1;
	return files_pending_publish(&p, err);
}

/* --- what is in the file, against the tree --- */

/* One path of the file as it is in the tree now. */
struct found {
	const struct member *m;
	int fd; /* -1: it cannot be opened */
	struct stat st;
	struct xattrs_of of;
};

typedef int (*found_fn)(void *arg, const struct found *f, struct err *err);

static bool is_gone(int errnum)
{
	return errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP;
}

static bool is_same_type(const struct member *m, mode_t mode)
{
	return (mode & S_IFMT) == entry_mode(m->type);
}

static int visit(struct dirs *dirs, const struct member *m, found_fn fn, void *arg,
		 struct err *err)
{
	const char *path = str_c(&m->path), *name = ".";
	int dir = streq(path, ".") ? dirs->top : dirs_parent(dirs, path, &name);
	struct found f = { .m = m, .fd = -1 };

	if (dir < 0 || fstatat(dir, name, &f.st, AT_SYMLINK_NOFOLLOW) < 0)
		return is_gone(errno) ? 0 : entry_failed(path, "cannot be reached", err);
	if (!is_same_type(m, f.st.st_mode))
		return 0;
	bool opens = S_ISREG(f.st.st_mode) || S_ISDIR(f.st.st_mode);
	_cleanup_close_ int fd =
		opens ? openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
		      : -1;
	if (opens && fd < 0)
		return entry_failed(path, "cannot be opened", err);
	f.fd = fd;
	f.of = (struct xattrs_of){ .fd = fd, .dir_fd = dir, .name = name };
	return fn(arg, &f, err);
}

static int visit_all(const struct root *tree, const char *file, found_fn fn, void *arg,
		     struct err *err)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC);
	_cleanup_stream_in_ struct stream_in in = { 0 };
	_cleanup_member_ struct member m = { 0 };
	_cleanup_dirs_ struct dirs dirs = DIRS_INIT(tree->fd, false);
	int rc;

	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot open %s", file);
	if (stream_in_begin(&in, fd, FILE_MAX, err) < 0)
		return -1;
	while ((rc = stream_in_next(&in, &m, err)) == 0)
		if (visit(&dirs, &m, fn, arg, err) < 0)
			return -1;
	return MIN(rc, 0);
}

static int unlock(void *arg, const struct found *f, struct err *err)
{
	char have[16];

	if (f->fd < 0 || !*f->m->flags)
		return 0;
	flags_clear(f->fd);
	if (flags_read(f->fd, have) && (strchr(have, 'i') || strchr(have, 'a')))
		return err_set(err, ERR_OPERATOR,
			       "/%s: its inode flags cannot be taken away",
			       str_c(&f->m->path));
	return 0;
}

int attributes_unlock(const struct root *tree, const char *file, struct err *err)
{
	return visit_all(tree, file, unlock, NULL, err);
}

/* --- putting back --- */

/* Those that the path lacks, and what to call them. The user's own went over NFS: who took them away meant it. */
static int find_lacking(const struct found *f, struct xattrs *ret, struct str *words)
{
	static const struct {
		const char *name, *word;
	} known[] = {
		{ CAPABILITY, "capability" },
		{ "system.posix_acl_access", "ACL" },
		{ "system.posix_acl_default", "default ACL" },
	};
	_cleanup_(xattrs_done) struct xattrs now = { 0 };
	const char *name;
	const void *value;
	size_t len;

	if (xattrs_read(&now, &f->of) < 0)
		return -1;
	for (size_t pos = 0; xattrs_next(&f->m->xattrs, &pos, &name, &value, &len);) {
		const char *word = name;

		if (starts_with(name, "user.") || xattrs_has(&now, name))
			continue;
		xattrs_add(ret, name, value, len);
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			if (streq(name, known[i].name))
				word = known[i].word;
		str_addf(words, "%s%s", words->len ? ", " : "", word);
	}
	return 0;
}

/* The bit came in place of the capability. */
static bool fell_back(const struct found *f, const struct xattrs *lacking)
{
	return f->fd >= 0 && xattrs_has(lacking, CAPABILITY) &&
	       (f->st.st_mode & S_ISUID) && !(f->m->mode & S_ISUID);
}

static bool lacks_flags(const struct found *f)
{
	char have[16];

	if (f->fd < 0 || !flags_read(f->fd, have))
		return false;
	for (const char *p = f->m->flags; *p; p++)
		if (!strchr(have, *p))
			return true;
	return false;
}

/* Flags last: what is immutable takes nothing more. */
static int put_back(void *arg, const struct found *f, struct err *err)
{
	struct attributes_restore *r = arg;
	_cleanup_(xattrs_done) struct xattrs lacking = { 0 };
	_cleanup_str_ struct str words = STR_INIT;
	const char *path = str_c(&f->m->path), *failed = "";
	bool flags = lacks_flags(f);

	if (find_lacking(f, &lacking, &words) < 0)
		return entry_failed(path, "its attributes cannot be read", err);
	if (fell_back(f, &lacking)) {
		if (fchmod(f->fd, f->st.st_mode & 07777 & ~(mode_t)S_ISUID) < 0)
			return entry_failed(path, "its mode cannot be set", err);
		str_add(&words, " instead of setuid");
	}
	if (xattrs_apply(&lacking, &f->of, &failed) < 0)
		return entry_failed(path, failed, err);
	if (flags && flags_apply(f->fd, f->m->flags) < 0)
		return entry_failed(path, "cannot set its inode flags", err);
	if (flags)
		str_addf(&words, "%sinode flags %s", words.len ? ", " : "", f->m->flags);
	if (words.len == 0)
		return 0;
	r->paths++;
	r->note(r->arg, path, str_c(&words));
	return 0;
}

int attributes_restore(const struct root *tree, const char *file,
		       struct attributes_restore *r, struct err *err)
{
	r->paths = 0;
	return visit_all(tree, file, put_back, r, err);
}
