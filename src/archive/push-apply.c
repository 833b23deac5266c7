/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The receiver's side of a push. */
#include <errno.h>
#include <fcntl.h>

#include "archive/push.h"
#include "model/changes.h"
#include "model/entry.h"
#include "sys/files.h"
#include "sys/rmtree.h"

#define MANIFEST_MAX ((uint64_t)8 << 30)

struct applier {
	struct stream_in in;
	struct dirs dirs, targets;
	struct digest digest;
	struct member m;
	const struct manifest_entry *e;
	int fd; /* of the file being written */
	struct push_result *ret;
};

static void applier_done(struct applier *a)
{
	stream_in_done(&a->in);
	dirs_done(&a->dirs);
	dirs_done(&a->targets);
	digest_done(&a->digest);
	member_done(&a->m);
	close_p(&a->fd);
}

/* Whatever has the name goes; what is not there, or not reachable any more, is gone already. */
static int remove_at(int dir, const char *name, const char *path, struct err *err)
{
	_cleanup_close_ int fd = openat(dir, name,
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		flags_clear(fd);
	return rmtree_at(dir, name, NULL, path, err);
}

static int apply_gone(struct applier *a, struct err *err)
{
	const char *path = str_c(&a->e->path), *name;
	int dir = dirs_parent(&a->dirs, path, &name);

	a->ret->removed++;
	if (dir < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : entry_failed(path, "cannot be removed", err);
	if (a->e->type == 'd') {
		/* The kept descriptor may be of what goes. */
		int rc = remove_at(dir, name, path, err);
		dirs_done(&a->dirs);
		return rc;
	}
	return remove_at(dir, name, path, err);
}

static int apply_link(struct applier *a, int dir, const char *name, struct err *err)
{
	const char *target;
	int at = dirs_parent(&a->targets, str_c(&a->e->target), &target);

	a->ret->links++;
	if (remove_at(dir, name, str_c(&a->e->path), err) < 0)
		return -1;
	if (at < 0 || linkat(at, target, dir, name, 0) < 0)
		return entry_failed(str_c(&a->e->path), "cannot be linked", err);
	return 0;
}

/* The next member of the stream is the one of this entry. */
static int take_member(struct applier *a, struct err *err)
{
	int rc = stream_in_next(&a->in, &a->m, err);

	if (rc < 0)
		return -1;
	char type = a->e->type == 's' ? 'f' : a->e->type;
	char got = a->m.type == 's' ? 'f' : a->m.type;
	char digest[17];
	xattrs_digest(&a->m.xattrs, digest);
	if (rc > 0 || type != got || !streq(str_c(&a->m.path), str_c(&a->e->path)) ||
	    !streq(digest, a->e->xattrs) ||
	    (type == 'l' && !streq(str_c(&a->m.target), str_c(&a->e->target))))
		return err_set(err, ERR_OPERATOR,
			       "the stream does not fit its manifest at /%s",
			       str_c(&a->e->path));
	return 0;
}

static int write_data(void *arg, uint64_t off, const void *p, size_t n, struct err *err)
{
	struct applier *a = arg;

	if (off + n > a->e->size)
		return err_set(err, ERR_OPERATOR, "/%s is longer than its manifest says",
			       str_c(&a->e->path));
	if (files_pwrite_all(a->fd, p, n, off) < 0) {
		entry_failed(str_c(&a->e->path), "cannot be written", err);
		return errno == ENOSPC ? err_remedy(err, "make its file system larger")
				       : -1;
	}
	digest_feed(&a->digest, off, p, n);
	a->ret->bytes += n;
	return 0;
}

static int apply_file(struct applier *a, int dir, const char *name, struct err *err)
{
	const char *path = str_c(&a->e->path);
	char sha256[SHA256_HEX_LEN];

	close_p(&a->fd);
	a->fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       0600);
	if (a->fd < 0)
		return entry_failed(path, "cannot be made", err);
	digest_begin(&a->digest, a->e->type, a->e->size);
	if (stream_in_data(&a->in, &a->m, write_data, a, err) < 0)
		return -1;
	digest_end(&a->digest, sha256);
	if (!streq(sha256, a->e->sha256))
		return err_set(err, ERR_OPERATOR, "/%s arrived damaged", path);
	if (ftruncate(a->fd, (off_t)a->e->size) < 0)
		return entry_failed(path, "cannot be written", err);
	a->ret->files++;
	return entry_set(a->fd, a->e, &a->m.xattrs, err);
}

static int apply_dir(int dir, const char *name, const struct applier *a, struct err *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		return 0;
	if (remove_at(dir, name, str_c(&a->e->path), err) < 0)
		return -1;
	return mkdirat(dir, name, 0700) < 0
		       ? entry_failed(str_c(&a->e->path), "cannot be made", err)
		       : 0;
}

static int apply_new(struct applier *a, int dir, const char *name, struct err *err)
{
	if (a->e->type == 'h')
		return apply_link(a, dir, name, err);
	if (take_member(a, err) < 0)
		return -1;
	if (a->e->type == 'd')
		return apply_dir(dir, name, a, err);
	if (remove_at(dir, name, str_c(&a->e->path), err) < 0)
		return -1;
	if (strchr("fs", a->e->type))
		return apply_file(a, dir, name, err);
	a->ret->files++;
	return entry_make(dir, name, a->e, &a->m.xattrs, err);
}

static int apply_attributes(struct applier *a, int dir, const char *name, struct err *err)
{
	a->ret->attributes++;
	if (!strchr("fsd", a->e->type))
		return entry_set_at(dir, name, a->e, &a->m.xattrs, err);
	_cleanup_close_ int fd = openat(dir, name,
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return entry_failed(str_c(&a->e->path), "cannot be opened", err);
	flags_clear(fd);
	return entry_set(fd, a->e, &a->m.xattrs, err);
}

static int apply_one(struct applier *a, enum change_kind kind, struct err *err)
{
	const char *path = str_c(&a->e->path), *name;

	if (kind == CHANGE_NONE)
		return 0;
	if (kind == CHANGE_GONE)
		return apply_gone(a, err);
	int dir = dirs_parent(&a->dirs, path, &name);
	if (dir < 0)
		return entry_failed(path, "its directory cannot be reached", err);
	if (kind == CHANGE_NEW && !streq(path, ".")) {
		if (apply_new(a, dir, name, err) < 0)
			return -1;
		return a->e->type == 'd' ? apply_attributes(a, dir, name, err) : 0;
	}
	if (take_member(a, err) < 0)
		return -1;
	return apply_attributes(a, dir, name, err);
}

static int finish(struct applier *a, const struct manifest_map *m, struct err *err)
{
	_cleanup_manifest_walk_ struct manifest_walk w = { 0 };
	int rc;

	if (manifest_walk_begin(&w, m, err) < 0)
		return -1;
	while ((rc = manifest_walk_next(&w, err)) == 0)
		if (entry_finish(&a->dirs, &w.e, NULL, err) < 0)
			return -1;
	return MIN(rc, 0);
}

static int sync_one(const struct root *tree, const char *path, struct err *err)
{
	_cleanup_close_ int fd = root_openat(tree, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0 || syncfs(fd) < 0)
		return err_set_errno(err, ERR_OPERATOR, "%s%s cannot be synced",
				     tree->path, path);
	return 0;
}

static int sync_all(const struct root *tree, const struct strv *mounts, struct err *err)
{
	for (size_t i = 0; mounts && i < mounts->n; i++)
		if (sync_one(tree, mounts->v[i], err) < 0)
			return -1;
	return sync_one(tree, "/", err);
}

static int to_text(void *arg, uint64_t off, const void *p, size_t n, struct err *err)
{
	struct str *text = arg;

	if (text->len + n >= SHA256_HEX_LEN)
		return err_set(err, ERR_OPERATOR, "the stream has no digest of its base");
	str_addn(text, p, n);
	return 0;
}

static int check_base(struct applier *a, const struct manifest_map *old, struct err *err)
{
	_cleanup_str_ struct str got = STR_INIT;
	uint8_t digest[SHA256_LEN];
	char want[SHA256_HEX_LEN];
	int rc = stream_in_next(&a->in, &a->m, err);

	if (rc < 0)
		return -1;
	if (rc > 0 || a->m.type != 'f' || !streq(str_c(&a->m.path), PUSH_BASE))
		return err_set(err, ERR_OPERATOR, "the stream has no changes");
	if (stream_in_data(&a->in, &a->m, to_text, &got, err) < 0)
		return -1;
	sha256_buf(old->text, old->len, digest);
	sha256_hex(digest, want);
	if (streq(str_c(&got), want))
		return 0;
	err_set(err, ERR_OPERATOR,
		"the changes are of another tree than the one whose manifest is here");
	return err_remedy(err, "take the job back and start it anew: nimadm -C, nimadm");
}

static int receive_manifest(struct applier *a, const char *path, struct err *err)
{
	_cleanup_files_pending_ struct files_pending p = FILES_PENDING_INIT;

	if (files_pending_open(&p, path, 0600, err) < 0 ||
	    stream_in_text(&a->in, PUSH_MANIFEST, p.fd, err) < 0)
		return -1;
	return files_pending_publish(&p, err);
}

static int apply_all(struct applier *a, const struct manifest_map *from,
		     const struct manifest_map *to, struct err *err)
{
	_cleanup_changes_ struct changes c = { 0 };
	enum change_kind kind;
	int rc;

	if (changes_begin(&c, from, to, err) < 0)
		return -1;
	/* Contents, and what surrounds them on the way. */
	a->in.limit = a->in.raw_bytes + c.new.head.bytes +
		      c.new.head.members *((uint64_t)128 << 10);
	while ((rc = changes_next(&c, &kind, &a->e, err)) == 0)
		if (apply_one(a, kind, err) < 0)
			return -1;
	if (rc < 0)
		return -1;
	rc = stream_in_next(&a->in, &a->m, err);
	if (rc == 0)
		return err_set(err, ERR_OPERATOR,
			       "the stream has more than its manifest");
	return rc < 0 ? -1 : finish(a, to, err);
}

int push_apply(const struct root *tree, const struct strv *mounts, const char *old,
	       const char *new_one, int in, struct push_result *ret, struct err *err)
{
	_cleanup_manifest_map_ struct manifest_map from = { 0 }, to = { 0 };
	_cleanup_(applier_done) struct applier a = {
		.dirs = DIRS_INIT(tree->fd, false),
		.targets = DIRS_INIT(tree->fd, false),
		.fd = -1,
		.ret = ret,
	};

	*ret = (struct push_result){ 0 };
	digest_init(&a.digest);
	if (manifest_map_open(&from, old, err) < 0 ||
	    stream_in_begin(&a.in, in, MANIFEST_MAX, err) < 0 ||
	    check_base(&a, &from, err) < 0 || receive_manifest(&a, new_one, err) < 0 ||
	    manifest_map_open(&to, new_one, err) < 0 ||
	    apply_all(&a, &from, &to, err) < 0)
		return -1;
	ret->raw_bytes = a.in.raw_bytes;
	return sync_all(tree, mounts, err);
}
