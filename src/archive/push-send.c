/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sender's side: what was asked for, or what has changed. */
#include <errno.h>
#include <fcntl.h>

#include "archive/push.h"
#include "base/map.h"
#include "model/changes.h"

/* What a sender works with. */
struct sender {
	struct stream_out out;
	struct source source;
	struct dirs dirs;
	struct push_result *ret;
};

static void sender_done(struct sender *s)
{
	stream_out_done(&s->out);
	source_done(&s->source);
	dirs_done(&s->dirs);
}

static int sender_begin(struct sender *s, const struct root *tree, int out,
			struct push_result *ret, struct err *err)
{
	*ret = (struct push_result){ 0 };
	*s = (struct sender){ .ret = ret, .dirs = DIRS_INIT(tree->fd, false) };
	source_init(&s->source);
	return stream_out_begin(&s->out, out, err);
}

static int sender_end(struct sender *s, struct err *err)
{
	if (stream_out_end(&s->out, err) < 0)
		return -1;
	s->ret->raw_bytes = s->out.raw_bytes;
	s->ret->packed_bytes = s->out.packed_bytes;
	return 0;
}

static int changed(const char *path, struct err *err)
{
	return err_set(err, ERR_TRANSIENT,
		       "/%s is not what it was when the manifest was written", path);
}

static char type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 'f';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	default:
		return 'p';
	}
}

static int open_path(struct sender *s, const char *path, struct err *err)
{
	struct walk_record r = { .path = path };
	const char *name;
	struct stat st;
	int dir = dirs_parent(&s->dirs, path, &name);

	if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return changed(path, err);
	r.type = type_of(st.st_mode);
	r.size = (uint64_t)st.st_size;
	int rc = source_open(&s->source, &s->dirs, &r, UINT64_MAX, err);
	return rc > 0 ? changed(path, err) : rc;
}

static int send_content(struct sender *s, struct err *err)
{
	_cleanup_str_ struct str line = STR_INIT;

	if (stream_out_source(&s->out, &s->source, err) < 0)
		return -1;
	s->ret->files++;
	for (size_t i = 0; i < s->source.m.n_map; i++)
		s->ret->bytes += s->source.m.map[i].len;
	const char *note = source_close(&s->source, &line);
	return note ? changed(str_c(&s->source.m.path), err) : 0;
}

static int send_attributes(struct sender *s, struct err *err)
{
	s->ret->attributes++;
	return stream_out_attributes(&s->out, &s->source.m, err);
}

static int prove(struct sender *s, const struct str *nonce, struct str *out,
		 struct err *err)
{
	struct source *src = &s->source;
	char hex[SHA256_HEX_LEN];

	if (src->fd < 0 ||
	    digest_file(&src->digest, src->fd, src->m.type, src->m.size, nonce, hex) < 0)
		return changed(str_c(&src->m.path), err);
	str_addf(out, "%s\n", hex);
	return 0;
}

static int answer(struct sender *s, const struct want *w, struct str *proofs,
		  struct err *err)
{
	if (open_path(s, w->path.p, err) < 0)
		return -1;
	switch (w->kind) {
	case WANT_DATA:
	case WANT_SECRET:
		return strchr("fs", s->source.m.type) ? send_content(s, err)
						      : changed(w->path.p, err);
	case WANT_ATTRS:
		return send_attributes(s, err);
	default:
		return prove(s, &w->nonce, proofs, err);
	}
}

int push_wanted(const struct root *tree, const char *want, size_t len, int out,
		struct push_result *ret, struct err *err)
{
	_cleanup_(sender_done) struct sender s;
	_cleanup_want_ struct want w = { 0 };
	_cleanup_str_ struct str proofs = STR_INIT;
	int rc;

	if (sender_begin(&s, tree, out, ret, err) < 0 ||
	    want_begin(&w, want, len, err) < 0)
		return -1;
	while ((rc = want_next(&w, err)) == 0)
		if (answer(&s, &w, &proofs, err) < 0)
			return -1;
	if (rc < 0 ||
	    stream_out_text(&s.out, WANT_PROOFS, str_c(&proofs), proofs.len, err) < 0)
		return -1;
	return sender_end(&s, err);
}

/* Another name has those of the file, whose line comes first. */
static bool has_attributes(struct map *files, const struct manifest_entry *e)
{
	if (e->type == 'h')
		return map_has(files, str_c(&e->target));
	if (!*e->xattrs && !*e->flags)
		return false;
	map_set(files, str_c(&e->path), MAP_PRESENT);
	return true;
}

int push_attributes(const struct root *tree, const char *manifest, int out,
		    struct push_result *ret, struct err *err)
{
	_cleanup_(sender_done) struct sender s;
	_cleanup_manifest_map_ struct manifest_map map = { 0 };
	_cleanup_manifest_walk_ struct manifest_walk w = { 0 };
	_cleanup_map_ struct map *files = map_new(NULL);
	int rc;

	if (sender_begin(&s, tree, out, ret, err) < 0 ||
	    manifest_map_open(&map, manifest, err) < 0 ||
	    manifest_walk_begin(&w, &map, err) < 0)
		return -1;
	while ((rc = manifest_walk_next(&w, err)) == 0) {
		if (!has_attributes(files, &w.e))
			continue;
		if (open_path(&s, str_c(&w.e.path), err) < 0 ||
		    send_attributes(&s, err) < 0)
			return -1;
	}
	return rc < 0 ? -1 : sender_end(&s, err);
}

static bool has_content(enum change_kind kind, const struct manifest_entry *e)
{
	return kind == CHANGE_NEW && strchr("fs", e->type);
}

static int send_change(struct sender *s, enum change_kind kind,
		       const struct manifest_entry *e, struct err *err)
{
	const char *path = str_c(&e->path);

	if (kind == CHANGE_NONE)
		return 0;
	if (kind == CHANGE_GONE || e->type == 'h') {
		s->ret->removed += kind == CHANGE_GONE;
		s->ret->links += kind != CHANGE_GONE;
		return 0;
	}
	if (open_path(s, path, err) < 0)
		return -1;
	if (!has_content(kind, e))
		return send_attributes(s, err);
	return strchr("fs", s->source.m.type) ? send_content(s, err) : changed(path, err);
}

static int send_base(struct sender *s, const struct manifest_map *old,
		     const struct manifest_map *new_one, struct err *err)
{
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX_LEN];

	sha256_buf(old->text, old->len, digest);
	sha256_hex(digest, hex);
	if (stream_out_text(&s->out, PUSH_BASE, hex, strlen(hex), err) < 0)
		return -1;
	return stream_out_text(&s->out, PUSH_MANIFEST, new_one->text, new_one->len, err);
}

/* Of what is going to be sent. */
static int count_content(const struct manifest_map *from, const struct manifest_map *to,
			 uint64_t *ret_bytes, struct err *err)
{
	_cleanup_changes_ struct changes c = { 0 };
	const struct manifest_entry *e;
	enum change_kind kind;
	int rc;

	*ret_bytes = 0;
	if (changes_begin(&c, from, to, err) < 0)
		return -1;
	while ((rc = changes_next(&c, &kind, &e, err)) == 0)
		*ret_bytes += has_content(kind, e) ? e->size : 0;
	return MIN(rc, 0);
}

int push_changes(const struct root *tree, const char *old, const char *new_one, int out,
		 const struct progress *p, struct push_result *ret, struct err *err)
{
	_cleanup_(sender_done) struct sender s;
	_cleanup_changes_ struct changes c = { 0 };
	_cleanup_manifest_map_ struct manifest_map from = { 0 }, to = { 0 };
	const struct manifest_entry *e;
	enum change_kind kind;
	uint64_t done = 0, total;
	int rc;

	if (sender_begin(&s, tree, out, ret, err) < 0 ||
	    manifest_map_open(&from, old, err) < 0 ||
	    manifest_map_open(&to, new_one, err) < 0 ||
	    count_content(&from, &to, &total, err) < 0 ||
	    changes_begin(&c, &from, &to, err) < 0 || send_base(&s, &from, &to, err) < 0)
		return -1;
	while ((rc = changes_next(&c, &kind, &e, err)) == 0) {
		if (send_change(&s, kind, e, err) < 0)
			return -1;
		done += has_content(kind, e) ? e->size : 0;
		if (kind != CHANGE_NONE)
			progress_report(p, PROGRESS_BYTES, done, total, str_c(&e->path));
	}
	return rc < 0 ? -1 : sender_end(&s, err);
}
