/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine's threads: who takes what, what is told to the caller, begin and end. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "clone/clone-internal.h"
#include "sys/files.h"
#include "sys/signal.h"

/* Most of what a worker does is waiting for the disk. */
#define THREADS_A_CORE 4
#define THREADS_MOST   32
#define WALKERS	       2
#define NOTES_MAX      4096
#define FLUSH_STEP     ((uint64_t)64 << 20)

char *node_path(const struct node *n)
{
	size_t len = 0;

	for (const struct node *k = n; k->parent; k = k->parent)
		len += strlen(k->name) + 1;
	if (len == 0)
		return xstrdup("");
	char *path = xmalloc(len), *p = path + len;
	*--p = '\0';
	for (const struct node *k = n; k->parent; k = k->parent) {
		size_t part = strlen(k->name);
		p -= part;
		memcpy(p, k->name, part);
		if (p > path)
			*--p = '/';
	}
	return path;
}

static void node_unref(struct node *n)
{
	while (n && atomic_fetch_sub(&n->refs, 1) == 1) {
		struct node *parent = n->parent;
		free(n);
		n = parent;
	}
}

void clone_push(struct stack *s, struct node *parent, const char *name, uint64_t mount,
		bool existed)
{
	size_t len = strlen(name) + 1;
	struct node *n = xmalloc(sizeof(*n) + len);

	*n = (struct node){
		.parent = parent, .refs = 1, .existed = existed, .mount = mount
	};
	memcpy(n->name, name, len);
	if (parent)
		atomic_fetch_add(&parent->refs, 1);
	if (s->n == s->cap) {
		s->cap = MAX(s->cap + s->cap / 2, (size_t)64);
		s->v = xrealloc(s->v, s->cap * sizeof(struct node *));
	}
	s->v[s->n++] = n;
}

static void stack_done(struct stack *s)
{
	while (s->n > 0)
		node_unref(s->v[--s->n]);
	free(s->v);
}

bool clone_has_gone(int errnum)
{
	return errnum == ENOENT || errnum == ESTALE || errnum == ELOOP ||
	       errnum == ENOTDIR;
}

void clone_note(struct clone *c, enum clone_note what, const char *path, const char *text)
{
	struct note *n = xcalloc(1, sizeof(*n));
	uint64_t *const counts[] = {
		[CLONE_NOTE_UNREADABLE] = &c->result->unreadable,
		[CLONE_NOTE_CHANGED] = &c->result->changed,
		[CLONE_NOTE_LOST] = &c->result->lost,
		[CLONE_NOTE_VANISHED] = &c->result->vanished,
	};

	*n = (struct note){ what, xstrdup(path), xstrdup(text), NULL };
	pool_lock(&c->pool);
	/* The caller's thread comes for them ten times a second. */
	while (c->n_notes >= NOTES_MAX && !c->pool.failed)
		pool_wait(&c->pool);
	++*counts[what];
	*c->notes_end = n;
	c->notes_end = &n->next;
	c->n_notes++;
	pool_unlock(&c->pool);
}

void clone_note_errno(struct clone *c, enum clone_note what, const char *path,
		      const char *text)
{
	char why[128];
	int errnum = errno;

	if (what == CLONE_NOTE_UNREADABLE && clone_has_gone(errnum)) {
		clone_note(c, CLONE_NOTE_VANISHED, path, "it is gone meanwhile");
		return;
	}
	_cleanup_free_ char *all = xasprintf("%s: %s", text,
					     strerror_r(errnum, why, sizeof(why)));
	clone_note(c, what, path, all);
}

int clone_failed(const char *path, const char *what, struct err *err)
{
	int errnum = errno;

	err_set_errno(err, ERR_OPERATOR, "the copy of /%s: %s", path, what);
	if (errnum == ENOSPC || errnum == EDQUOT)
		return err_remedy(
			err,
			"take a larger target, or leave files out with exclude patterns");
	if (errnum == EEXIST)
		return err_remedy(err, "name an empty directory");
	return -1;
}

static struct note *take_notes(struct clone *c)
{
	struct note *all = c->notes;

	c->notes = NULL;
	c->notes_end = &c->notes;
	if (c->n_notes >= NOTES_MAX)
		pool_wake(&c->pool);
	c->n_notes = 0;
	return all;
}

static void tell(const struct clone *c, struct note *n)
{
	while (n) {
		struct note *next = n->next;
		if (c->job->note)
			c->job->note(c->job->note_arg, n->what, n->path, n->text);
		free(n->path);
		free(n->text);
		free(n);
		n = next;
	}
}

/* The total is told when it is known; until then it is 0. */
static void report(const struct clone *c, bool counted, uint64_t total_files,
		   uint64_t total_bytes, bool end)
{
	uint64_t files = atomic_load(&c->files), bytes = atomic_load(&c->seen);
	char item[64];

	if (counted)
		snprintf(item, sizeof(item), "%llu of %llu files",
			 (unsigned long long)MIN(files, total_files),
			 (unsigned long long)total_files);
	else
		snprintf(item, sizeof(item), "%llu files", (unsigned long long)files);
	if (end || bytes > total_bytes)
		bytes = total_bytes;
	progress_report(c->pool.progress, PROGRESS_BYTES, bytes,
			counted ? total_bytes : 0, item);
}

static void watch(struct pool *pool, void *arg)
{
	struct clone *c = arg;
	struct note *notes = take_notes(c);
	uint64_t files = c->total_files, bytes = c->total_bytes;
	bool counted = c->counted;

	pool_unlock(pool);
	tell(c, notes);
	report(c, counted, files, bytes, false);
	pool_lock(pool);
}

static void push_top(struct stack *s)
{
	clone_push(s, NULL, "", 0, true);
}

static void be_idle(void)
{
	setpriority(PRIO_PROCESS, 0, 19);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

static int one_sync(const struct root *to, const char *path, struct err *err)
{
	_cleanup_close_ int fd = dirs_open(to->fd, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0 || syncfs(fd) < 0)
		return err_set_errno(err, ERR_OPERATOR, "%s: cannot be synced", to->path);
	return 0;
}

/* An error of the disk that came late comes out here. */
static int sync_all(const struct clone_job *job, struct err *err)
{
	if (!job->to)
		return 0;
	if (one_sync(job->to, ".", err) < 0)
		return -1;
	for (size_t i = 0; job->mounts && i < job->mounts->n; i++) {
		const char *path = job->mounts->v[i];
		while (*path == '/')
			path++;
		struct stat st;
		if (*path && root_stat(job->to, path, &st) == 0 &&
		    one_sync(job->to, path, err) < 0)
			return -1;
	}
	return 0;
}

void clone_wrote(struct clone *c, uint64_t n)
{
	uint64_t before = atomic_fetch_add(&c->bytes, n);

	if (before / FLUSH_STEP == (before + n) / FLUSH_STEP)
		return;
	pool_lock(&c->pool);
	c->flush = true;
	pool_wake(&c->pool);
	pool_unlock(&c->pool);
}

static bool is_copied(const struct clone *c)
{
	return c->copy.busy == 0 && c->copy.n == 0 && !c->slices;
}

/* With the lock held. The disk writes while we read; else the sync at the end would take a third of the time. */
static void flush(struct clone *c)
{
	struct pool *pool = &c->pool;
	struct err err = { 0 };

	while (!pool->failed && !is_copied(c)) {
		if (!c->flush) {
			pool_wait(pool);
			continue;
		}
		c->flush = false;
		pool_unlock(pool);
		int rc = sync_all(c->job, &err);
		pool_lock(pool);
		if (rc < 0)
			pool_fail(pool, &err);
	}
}

/* With the pool's lock held. */
static void walk_ahead(struct clone *c)
{
	struct pool *pool = &c->pool;

	while (!pool->failed && (c->walk.n > 0 || c->walk.busy > 0)) {
		if (c->walk.n == 0) {
			pool_wait(pool);
			continue;
		}
		struct node *node = c->walk.v[--c->walk.n];
		c->walk.busy++;
		pool_unlock(pool);
		count_visit(c, node);
		node_unref(node);
		pool_lock(pool);
		if (--c->walk.busy == 0 && c->walk.n == 0) {
			c->counted = true;
			pool_wake(pool);
		}
	}
}

/* With the lock held; 1: there is nothing more. */
static int work_once(struct worker *w, struct err *err)
{
	struct clone *c = w->c;
	struct pool *pool = &c->pool;
	struct slice *slice = c->slices;
	struct node *node = NULL;
	int rc;

	if (slice)
		c->slices = slice->next;
	else if (c->copy.n > 0)
		node = c->copy.v[--c->copy.n];
	else if (c->copy.busy == 0)
		return 1;
	if (!slice && !node) {
		pool_wait(pool);
		return 0;
	}
	c->copy.busy++;
	pool_unlock(pool);
	if (slice) {
		rc = dir_slice(w, slice, err);
	} else {
		rc = dir_visit(w, node, err);
		node_unref(node);
	}
	pool_lock(pool);
	c->copy.busy--;
	if (is_copied(c))
		pool_wake(pool);
	return rc;
}

static void copy(struct worker *w)
{
	struct pool *pool = &w->c->pool;
	struct err err = { 0 };
	int rc = 0;

	while (rc == 0 && !pool->failed)
		rc = work_once(w, &err);
	if (rc > 0 && w->c->lines.fd >= 0) {
		pool_unlock(pool);
		rc = sorted_flush(&w->c->lines, &w->lines, &err);
		pool_lock(pool);
	}
	if (rc < 0)
		pool_fail(pool, &err);
}

static void worker_done(struct worker *w)
{
	dirs_done(&w->link_dirs);
	digest_done(&w->digest);
	xattrs_done(&w->xattrs);
	free(w->data);
	str_done(&w->lines.text);
	str_done(&w->path);
	str_done(&w->line);
}

static void work(struct pool *pool, void *arg)
{
	struct clone *c = arg;
	const struct root *to = c->job->to;
	struct worker w = { .c = c,
			    .link_dirs = DIRS_INIT(to ? to->fd : -1, false),
			    .data = xmalloc(CLONE_CHUNK) };

	if (c->job->idle)
		be_idle();
	digest_init(&w.digest);
	pool_lock(pool);
	if (c->flusher) {
		c->flusher = false;
		flush(c);
	} else if (c->walkers > 0) {
		c->walkers--;
		walk_ahead(c);
	}
	copy(&w);
	pool_unlock(pool);
	worker_done(&w);
}

static unsigned threads_of(const struct clone_job *job)
{
	unsigned n = job->threads;

	return n ? MIN(n, (unsigned)THREADS_MOST)
		 : MIN(pool_threads(0, THREADS_MOST) * THREADS_A_CORE, 16u);
}

static int open_lists(struct clone *c, struct err *err)
{
	const char *manifest = c->job->manifest;
	_cleanup_free_ char *copy = xstrdup(manifest ? manifest : "");
	char *slash = strrchr(copy, '/');

	if (slash)
		slash[slash == copy] = '\0';
	const char *dir = !manifest ? c->job->to->path : slash ? copy : ".";
	if (linked_open(&c->linked, dir, err) < 0)
		return -1;
	return manifest ? sorted_open(&c->lines, dir, err) : 0;
}

static void clone_init(struct clone *c)
{
	c->lines.fd = c->linked.fd = -1;
	c->notes_end = &c->notes;
	pthread_mutex_init(&c->lines.lock, NULL);
	pthread_mutex_init(&c->pace_lock, NULL);
}

static void clone_done(struct clone *c)
{
	tell(c, take_notes(c));
	while (c->slices) {
		struct slice *s = c->slices;
		c->slices = s->next;
		if (atomic_fetch_sub(&s->dir->refs, 1) == 1) {
			close_p(&s->dir->from);
			close_p(&s->dir->to);
			listing_done(&s->dir->list);
			free(s->dir->path);
			free(s->dir);
		}
		free(s);
	}
	stack_done(&c->walk);
	stack_done(&c->copy);
	links_done(&c->walk_links);
	strv_done(&c->late_flags);
	excludes_done(&c->excludes);
	sorted_done(&c->lines);
	if (c->linked.fd >= 0)
		linked_done(&c->linked);
	pthread_mutex_destroy(&c->lines.lock);
	pthread_mutex_destroy(&c->pace_lock);
	pool_done(&c->pool);
}

static int run_threads(struct clone *c, const struct progress *p, struct err *err)
{
	unsigned n = threads_of(c->job);

	pool_init(&c->pool, p);
	c->walkers = MIN(n, (unsigned)WALKERS);
	push_top(&c->walk);
	push_top(&c->copy);
	c->flusher = c->job->to != NULL;
	int rc = pool_run(&c->pool, n + c->flusher, work, watch, c, err);
	if (rc == 0)
		report(c, c->counted, c->total_files, c->total_bytes, true);
	return rc;
}

static void set_late_flags(struct clone *c)
{
	for (size_t i = 0; i + 1 < c->late_flags.n; i += 2) {
		const char *path = c->late_flags.v[i];
		_cleanup_close_ int fd = dirs_open(c->job->to->fd, path,
						   O_RDONLY | O_NONBLOCK);
		if (fd >= 0)
			meta_flags(c, fd, path, c->late_flags.v[i + 1]);
	}
}

static int line_of_link(void *arg, uint32_t link, char **ret, struct err *err)
{
	return linked_get(arg, link, NULL, ret, err);
}

/* Writing to the tree that is being read would never end. */
static int check_place(struct clone *c, struct err *err)
{
	const struct clone_job *job = c->job;
	struct stat from, to;

	if (!job->to)
		return job->manifest
			       ? 0
			       : err_set(err, ERR_INTERNAL, "neither copy nor manifest");
	if (fstatat(job->from->fd, "", &from, AT_EMPTY_PATH) < 0 ||
	    fstatat(job->to->fd, "", &to, AT_EMPTY_PATH) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot read %s or %s",
				     job->from->path, job->to->path);
	if (from.st_dev == to.st_dev && from.st_ino == to.st_ino)
		return err_set(err, ERR_USAGE, "%s and %s are the same directory",
			       job->from->path, job->to->path);
	c->to_dev = to.st_dev;
	c->to_ino = to.st_ino;
	return 0;
}

int clone_run(const struct clone_job *job, const struct progress *p,
	      struct clone_result *ret, struct err *err)
{
	*ret = (struct clone_result){ 0 };
	_cleanup_(clone_done) struct clone c = { .job = job, .result = ret };

	clone_init(&c);
	if (excludes_init(&c.excludes, job->excludes, err) < 0 ||
	    check_place(&c, err) < 0 || open_lists(&c, err) < 0 ||
	    run_threads(&c, p, err) < 0)
		return -1;
	ret->files = atomic_load(&c.files);
	ret->bytes = atomic_load(&c.bytes);
	set_late_flags(&c);
	if (sync_all(job, err) < 0)
		return -1;
	const struct sorted_links links = { line_of_link, &c.linked, c.linked.n };
	if (job->manifest &&
	    sorted_write(&c.lines, &links, job->manifest, ret->digest, err) < 0)
		return -1;
	return ret->unreadable > 0 ? 1 : 0;
}
