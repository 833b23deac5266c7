/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorted runs of lines on disk, and their merge. */
#include "clone/sorted.h"

#include <errno.h>
#include <fcntl.h>

#include "sys/files.h"

#define RUN_MAX	   ((size_t)1 << 20)
#define READ_AHEAD ((size_t)64 << 10)

/* Followed by the path with its NUL and the line with its NUL. */
struct record {
	uint32_t len; /* of all that follows */
	uint32_t path_len;
	uint32_t link;
};

static int io_failed(const char *what, struct err *err)
{
	err_set_errno(err, ERR_OPERATOR, "the manifest: %s", what);
	return err_remedy(err, "make room where the manifest is written");
}

int sorted_open(struct sorted *l, const char *dir, struct err *err)
{
	l->fd = files_nameless(dir, err);
	return l->fd < 0 ? -1 : 0;
}

void sorted_done(struct sorted *l)
{
	close_p(&l->fd);
	l->fd = -1;
	free(l->runs);
	l->runs = NULL;
}

int sorted_add(struct sorted *l, struct sorted_buf *b, const char *path, const char *line,
	       uint32_t link, struct err *err)
{
	struct record r = { .path_len = (uint32_t)strlen(path) + 1, .link = link };

	r.len = r.path_len + (uint32_t)strlen(line) + 1;
	str_addn(&b->text, &r, sizeof(r));
	str_addn(&b->text, path, r.path_len);
	str_addn(&b->text, line, r.len - r.path_len);
	b->n++;
	return b->text.len >= RUN_MAX ? sorted_flush(l, b, err) : 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a + sizeof(struct record),
		      *(const char *const *)b + sizeof(struct record));
}

int sorted_flush(struct sorted *l, struct sorted_buf *b, struct err *err)
{
	if (b->n == 0)
		return 0;
	_cleanup_free_ const char **order = xmalloc(b->n * sizeof(char *));
	_cleanup_str_ struct str sorted = STR_INIT;
	const char *p = b->text.p;

	for (size_t i = 0; i < b->n; i++) {
		struct record r;
		order[i] = p;
		memcpy(&r, p, sizeof(r));
		p += sizeof(r) + r.len;
	}
	qsort(order, b->n, sizeof(*order), by_path);
	for (size_t i = 0; i < b->n; i++) {
		struct record r;
		memcpy(&r, order[i], sizeof(r));
		str_addn(&sorted, order[i], sizeof(r) + r.len);
	}
	pthread_mutex_lock(&l->lock);
	uint64_t off = l->size;
	l->size += sorted.len;
	l->runs = xrealloc(l->runs, (l->n_runs + 1) * sizeof(*l->runs));
	l->runs[l->n_runs++] = (struct run){ off, sorted.len };
	pthread_mutex_unlock(&l->lock);
	int rc = files_pwrite_all(l->fd, sorted.p, sorted.len, off);
	str_reset(&b->text);
	b->n = 0;
	return rc < 0 ? io_failed("cannot write", err) : 0;
}

struct reader {
	struct run left;
	struct str buf;
	size_t at;
	struct record r; /* the current one */
	const char *path, *line;
};

struct merge {
	struct reader *v;
	size_t n_readers, n_heap;
	struct reader **heap;
};

static void merge_done(struct merge *m)
{
	for (size_t i = 0; i < m->n_readers; i++)
		str_done(&m->v[i].buf);
	free(m->v);
	free(m->heap);
}

/* At least `n` bytes from r->at on. */
static int fill(const struct sorted *l, struct reader *r, size_t n, struct err *err)
{
	_cleanup_free_ char *more = NULL;

	if (r->buf.len - r->at >= n)
		return 0;
	struct str rest = STR_INIT;
	str_addn(&rest, r->buf.p ? r->buf.p + r->at : "", r->buf.len - r->at);
	str_done(&r->buf);
	r->buf = rest;
	r->at = 0;
	more = xmalloc(MAX(n, READ_AHEAD));
	while (r->buf.len < n) {
		size_t want = (size_t)MIN(r->left.len, (uint64_t)MAX(n, READ_AHEAD));
		ssize_t got = want ? pread(l->fd, more, want, (off_t)r->left.off) : 0;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return io_failed("cannot read", err);
		if (got == 0)
			return err_set(err, ERR_INTERNAL, "a list is cut off");
		str_addn(&r->buf, more, (size_t)got);
		r->left.off += (uint64_t)got;
		r->left.len -= (uint64_t)got;
	}
	return 0;
}

/* 1: the end of this run. */
static int next(const struct sorted *l, struct reader *r, struct err *err)
{
	if (r->left.len == 0 && r->at == r->buf.len)
		return 1;
	if (fill(l, r, sizeof(r->r), err) < 0)
		return -1;
	memcpy(&r->r, r->buf.p + r->at, sizeof(r->r));
	if (fill(l, r, sizeof(r->r) + r->r.len, err) < 0)
		return -1;
	r->path = r->buf.p + r->at + sizeof(r->r);
	r->line = r->path + r->r.path_len;
	r->at += sizeof(r->r) + r->r.len;
	return 0;
}

static void sift(struct merge *m, size_t at)
{
	for (;;) {
		size_t least = at;
		for (size_t kid = 2 * at + 1; kid <= 2 * at + 2; kid++)
			if (kid < m->n_heap &&
			    strcmp(m->heap[kid]->path, m->heap[least]->path) < 0)
				least = kid;
		if (least == at)
			return;
		struct reader *swap = m->heap[at];
		m->heap[at] = m->heap[least];
		m->heap[least] = swap;
		at = least;
	}
}

static int merge_begin(struct merge *m, const struct sorted *l, struct err *err)
{
	m->v = xcalloc(l->n_runs + 1, sizeof(*m->v));
	m->heap = xcalloc(l->n_runs + 1, sizeof(struct reader *));
	m->n_readers = l->n_runs;
	for (size_t i = 0; i < l->n_runs; i++) {
		m->v[i].left = l->runs[i];
		int rc = next(l, &m->v[i], err);
		if (rc < 0)
			return rc;
		if (rc == 0)
			m->heap[m->n_heap++] = &m->v[i];
	}
	for (size_t i = m->n_heap; i-- > 0;)
		sift(m, i);
	return 0;
}

struct output {
	FILE *f;
	struct manifest_head head;
	const struct sorted_links *links;
	char **shown; /* by link: the name that came first */
	struct str line;
};

static void output_done(struct output *o)
{
	for (size_t i = 0; o->shown && i < o->links->n; i++)
		free(o->shown[i]);
	free(o->shown);
	str_done(&o->line);
	fclose_p(&o->f);
}

/* The line of one name of a file with several. */
static int link_line(struct output *o, const struct reader *r, struct err *err)
{
	_cleanup_manifest_entry_ struct manifest_entry e = { 0 };
	_cleanup_free_ char *line = NULL;
	char **shown = &o->shown[r->r.link];

	if (o->links->line(o->links->arg, r->r.link, &line, err) < 0)
		return -1;
	struct manifest_cursor c = { .p = line, .end = line + strlen(line) };
	if (manifest_next(&c, &e, err) != 0)
		return -1;
	str_reset(&e.path);
	str_add(&e.path, r->path);
	if (*shown) {
		e.type = 'h';
		e.size = 0;
		e.sha256[0] = e.xattrs[0] = e.flags[0] = '\0';
		str_reset(&e.target);
		str_add(&e.target, *shown);
	} else {
		*shown = xstrdup(r->path);
	}
	manifest_entry_write(&e, &o->line);
	return 0;
}

/* SIZE is the sixth field. */
static uint64_t size_of(const char *line)
{
	uint64_t size = 0;

	if (line[0] != 'f' && line[0] != 's')
		return 0;
	for (unsigned i = 0; i < 5 && line; i++) {
		line = strchr(line, ' ');
		line = line ? line + 1 : NULL;
	}
	for (; line && *line >= '0' && *line <= '9'; line++)
		size = size * 10 + (uint64_t)(*line - '0');
	return size;
}

static int put(struct output *o, const struct reader *r, struct err *err)
{
	const char *line = r->line;

	if (r->r.link != SORTED_NO_LINK) {
		str_reset(&o->line);
		if (link_line(o, r, err) < 0)
			return -1;
		line = str_c(&o->line);
	}
	o->head.bytes += size_of(line);
	o->head.length += strlen(line);
	o->head.members++;
	fwrite(line, 1, strlen(line), o->f);
	return 0;
}

static int merge_all(const struct sorted *l, struct output *o, struct err *err)
{
	_cleanup_(merge_done) struct merge m = { 0 };

	if (merge_begin(&m, l, err) < 0)
		return -1;
	while (m.n_heap > 0) {
		if (put(o, m.heap[0], err) < 0)
			return -1;
		int rc = next(l, m.heap[0], err);
		if (rc < 0)
			return rc;
		if (rc > 0)
			m.heap[0] = m.heap[--m.n_heap];
		sift(&m, 0);
	}
	return 0;
}

static int digest_of(int fd, char hex[SHA256_HEX_LEN], struct err *err)
{
	uint8_t sum[SHA256_LEN];

	if (lseek(fd, 0, SEEK_SET) < 0 || sha256_fd(fd, sum, err) < 0)
		return -1;
	sha256_hex(sum, hex);
	return 0;
}

static int write_manifest(const struct sorted *l, struct output *o, int fd,
			  struct err *err)
{
	_cleanup_str_ struct str head = STR_INIT;

	/* Of fixed width: written again when the totals are known. */
	manifest_head_write(&o->head, &head);
	fwrite(head.p, 1, head.len, o->f);
	if (merge_all(l, o, err) < 0)
		return -1;
	o->head.length += head.len;
	str_reset(&head);
	manifest_head_write(&o->head, &head);
	if (fflush(o->f) != 0 || ferror(o->f) ||
	    files_pwrite_all(fd, head.p, head.len, 0) < 0)
		return io_failed("cannot write", err);
	return 0;
}

int sorted_write(struct sorted *l, const struct sorted_links *links, const char *manifest,
		 char digest[SHA256_HEX_LEN], struct err *err)
{
	_cleanup_files_pending_ struct files_pending pending = FILES_PENDING_INIT;
	_cleanup_(output_done) struct output o = { .links = links };

	if (files_pending_open(&pending, manifest, 0600, err) < 0)
		return -1;
	int copy = fcntl(pending.fd, F_DUPFD_CLOEXEC, 0);
	o.f = copy < 0 ? NULL : fdopen(copy, "w");
	if (!o.f) {
		close_p(&copy);
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot open it", manifest);
	}
	o.shown = xcalloc(links->n + 1, sizeof(char *));
	if (write_manifest(l, &o, pending.fd, err) < 0 ||
	    digest_of(pending.fd, digest, err) < 0)
		return -1;
	return files_pending_publish(&pending, err);
}
